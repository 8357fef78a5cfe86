//! Which texts are prompts, where the shell does not mark them.

use std::collections::VecDeque;

/// How many ends of prompts are remembered.
const LEARNT_MAX: usize = 16;

/// How much of a prompt's end is compared: what is before it changes with the folder.
const END_CHARS: usize = 2;

/// What prompts of shells and database clients usually end with.
const USUAL: &str = "$#%>❯➜»λ›";

/// Prompts that were seen.
#[derive(Debug, Default)]
pub(super) struct Prompts {
    /// Ends of texts in front of lines that were typed and echoed, and how often.
    learnt: VecDeque<(String, u32)>,
    /// The end of the last prompt.
    last: Option<String>,
}

impl Prompts {
    /// Whether a text left of the cursor is a prompt: a usual one, or one that has been typed at twice.
    pub(super) fn is_prompt(&self, left: &str) -> bool {
        let trimmed = left.trim_end();
        let blanks = left.len() - trimmed.len();
        let usual = blanks <= 1 && trimmed.chars().next_back().is_some_and(|last| USUAL.contains(last));
        let end = end(left);
        usual || self.learnt.iter().any(|(known, times)| *times >= 2 && *known == end)
    }

    /// A line was typed after this text, and echoed.
    pub(super) fn on_line(&mut self, left: &str) {
        if left.trim().is_empty() {
            return;
        }
        let end = end(left);
        match self.learnt.iter_mut().find(|(known, _)| *known == end) {
            Some((_, times)) => *times = times.saturating_add(1),
            None => self.learnt.push_back((end, 1)),
        }
        if self.learnt.len() > LEARNT_MAX {
            self.learnt.pop_front();
        }
    }

    /// A line is about to be typed at this prompt.
    pub(super) fn on_prompt(&mut self, left: &str) {
        self.last = Some(end(left));
    }

    /// How many characters of a row are the prompt, if the row begins with one that ends as the last one did.
    pub(super) fn length_in(&self, row: &str) -> Option<usize> {
        let last = self.last.as_ref()?;
        let at = row.find(last.as_str())? + last.len();
        Some(row.get(..at)?.chars().count())
    }
}

/// The last characters of a prompt, blanks included.
fn end(left: &str) -> String {
    let start = left.char_indices().rev().take(END_CHARS).last().map_or(0, |(at, _)| at);
    left.get(start..).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_no_prompts_until_they_come_again() {
        let mut prompts = Prompts::default();
        for usual in ["$ ", "root@lab:/# ", "mysql> ", ">>> ", "➜ ", "~ %"] {
            assert!(prompts.is_prompt(usual), "{usual}");
        }
        for other in ["Password: ", "", "  ", "[Y/n] ", "$   "] {
            assert!(!prompts.is_prompt(other), "{other}");
        }
        prompts.on_line("alice at lab: ");
        assert!(!prompts.is_prompt("alice at lab: "));
        prompts.on_line("alice at lab: ");
        assert!(prompts.is_prompt("bob at lab: "));
        prompts.on_prompt("bob at lab: ");
        assert_eq!(prompts.length_in("bob at lab: ls: x"), Some(12));
        assert_eq!(prompts.length_in("ls"), None);
    }
}
