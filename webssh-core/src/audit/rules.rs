//! A hook for plain cases: patterns of commands and what is decided about them.

use super::{Command, CommandHook, Verdict};
use crate::error::{Error, Inner, quoted};

/// The longest pattern, in bytes.
const PATTERN_BYTES_MAX: usize = 256;

/// The most rules.
const RULES_MAX: usize = 1000;

/// Words before a command that do not change what it is.
const WRAPPERS: [&str; 8] = ["sudo", "doas", "exec", "command", "builtin", "nohup", "time", "env"];

/// Rules by pattern. A line is cut at `;`, `&`, `|`, parentheses, braces, backticks and line feeds; each part loses
/// `sudo` and the like, assignments in front, the folder of its first word and doubled blanks, and is compared with
/// every pattern, in which `*` stands for any text. The strictest verdict of all counts.
///
/// This stops slips, not attackers: there is no end of ways to write a command differently.
///
/// ```
/// use webssh_core::audit::{AuditRules, Verdict};
///
/// let rules = AuditRules::new().review("rm -r*")?.deny("shutdown*", "ask the operators")?;
/// assert_eq!(rules.verdict_on("cd /tmp && sudo /bin/rm  -rf x"), Verdict::Review);
/// assert!(matches!(rules.verdict_on("FOO=1 shutdown now; ls"), Verdict::Deny { .. }));
/// assert_eq!(rules.verdict_on("ls rm -r"), Verdict::Allow);
/// # Ok::<(), webssh_core::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct AuditRules {
    rules: Vec<(String, Verdict)>,
    uncertain: Option<Verdict>,
}

impl AuditRules {
    /// No rule: everything is allowed.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Commands like this are cancelled, and the user reads `text`.
    ///
    /// # Errors
    /// `InvalidInput` for a pattern that is empty, longer than 256 bytes or has control characters, and for more than
    /// 1000 rules.
    pub fn deny(self, pattern: &str, text: &str) -> Result<Self, Error> {
        self.rule(pattern, Verdict::Deny { text: text.to_owned() })
    }

    /// Commands like this wait for somebody's decision.
    ///
    /// # Errors
    /// As [`deny`](Self::deny).
    pub fn review(self, pattern: &str) -> Result<Self, Error> {
        self.rule(pattern, Verdict::Review)
    }

    /// Commands like this end the session, and the user reads `text`.
    ///
    /// # Errors
    /// As [`deny`](Self::deny).
    pub fn end(self, pattern: &str, text: &str) -> Result<Self, Error> {
        self.rule(pattern, Verdict::End { text: text.to_owned() })
    }

    /// What is decided at least when keys and screen do not agree about a command; otherwise such a command is judged
    /// by what the screen shows.
    #[must_use]
    pub fn uncertain(mut self, verdict: Verdict) -> Self {
        self.uncertain = Some(verdict);
        self
    }

    /// The strictest verdict of the rules on a line.
    #[must_use]
    pub fn verdict_on(&self, line: &str) -> Verdict {
        let cuts = |c| matches!(c, ';' | '&' | '|' | '\n' | '(' | ')' | '{' | '}' | '`');
        line.split(cuts)
            .map(bare)
            .flat_map(|part| self.rules.iter().filter(move |(pattern, _)| matches(pattern, &part)))
            .map(|(_, verdict)| verdict.clone())
            .max_by_key(strictness)
            .unwrap_or(Verdict::Allow)
    }

    fn rule(mut self, pattern: &str, verdict: Verdict) -> Result<Self, Error> {
        let rule = if pattern.trim().is_empty() || pattern.len() > PATTERN_BYTES_MAX {
            "it must have from 1 to 256 bytes"
        } else if pattern.chars().any(char::is_control) {
            "it must have no control characters"
        } else if self.rules.len() == RULES_MAX {
            "there are 1000 already"
        } else {
            self.rules.push((pattern.split_whitespace().collect::<Vec<_>>().join(" "), verdict));
            return Ok(self);
        };
        Err(Inner::AuditRule { pattern: quoted(pattern), rule }.into())
    }
}

impl CommandHook for AuditRules {
    fn judge(&self, command: &Command) -> Verdict {
        let verdict = self.verdict_on(&command.text);
        match &self.uncertain {
            Some(least) if !command.certain && strictness(least) > strictness(&verdict) => least.clone(),
            _ => verdict,
        }
    }
}

fn strictness(verdict: &Verdict) -> u8 {
    match verdict {
        Verdict::Allow => 0,
        Verdict::Review => 1,
        Verdict::Deny { .. } => 2,
        Verdict::End { .. } => 3,
    }
}

/// A command without what does not change what it is.
fn bare(part: &str) -> String {
    let assigns =
        |word: &&str| word.split_once('=').is_some_and(|(name, _)| !name.contains(['/', '-', '"', '\'']));
    let mut words = part.split_whitespace().skip_while(|word| assigns(word) || WRAPPERS.contains(word));
    let first = words.next().unwrap_or_default();
    let name = first.rsplit('/').next().unwrap_or_default().trim_start_matches('\\');
    std::iter::once(name).chain(words).collect::<Vec<_>>().join(" ")
}

/// Whether a text is like a pattern, in time of their product at most.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part).and_then(|at| rest.get(at + part.len()..)) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_text() {
        for (pattern, text, like) in [
            ("ls", "ls", true),
            ("ls", "ls -l", false),
            ("rm -r*", "rm -rf /", true),
            ("*", "", true),
            ("a*b*c", "aXXbYYc", true),
            ("a*b*c", "acb", false),
            ("ab*ba", "aba", false),
            ("*x*x*", "axbx", true),
        ] {
            assert_eq!(matches(pattern, text), like, "{pattern} {text}");
        }
    }

    #[test]
    fn unusable_patterns_are_refused_and_shown_escaped() {
        let error = AuditRules::new().review("a\u{1b}").unwrap_err();
        assert!(error.to_string().contains("`a\\u{1b}`"), "{error}");
        assert!(AuditRules::new().review(" ").is_err());
    }
}
