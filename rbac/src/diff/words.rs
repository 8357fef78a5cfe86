//! Differences in words.

use std::fmt;

use super::{DiffGroup, PolicyDiff, ScopeChange};
use crate::name::PermissionName;
use crate::words::{Lang, Say};

impl Say for PolicyDiff {
    fn say(&self, f: &mut fmt::Formatter<'_>, lang: Lang) -> fmt::Result {
        for (at, group) in self.groups.iter().enumerate() {
            f.write_str(if at == 0 { "" } else { "\n" })?;
            group.say(f, lang)?;
        }
        Ok(())
    }
}

impl fmt::Display for PolicyDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.say(f, Lang::En)
    }
}

impl DiffGroup {
    /// The group in a language.
    #[must_use]
    pub fn words(&self, lang: Lang) -> String {
        self.said_in(lang)
    }
}

impl Say for DiffGroup {
    fn say(&self, f: &mut fmt::Formatter<'_>, lang: Lang) -> fmt::Result {
        match (lang, self.users.as_slice()) {
            (Lang::En, [user]) => write!(f, "user `{user}` ")?,
            (Lang::En, users) => write!(f, "{} users ", users.len())?,
            (Lang::Zh, [user]) => write!(f, "用户 `{user}` ")?,
            (Lang::Zh, users) => write!(f, "{} 名用户", users.len())?,
        }
        let [gain, lose, see] = match (lang, self.users.len()) {
            (Lang::En, 1) => ["gains", "loses", "sees"],
            (Lang::En, _) => ["gain", "lose", "see"],
            (Lang::Zh, _) => ["获得", "失去", "可见"],
        };
        let mut separator = "";
        for (verb, names) in [(gain, &self.gained), (lose, &self.lost)] {
            if !names.is_empty() {
                write!(f, "{separator}{verb} ")?;
                say_names(f, names)?;
                separator = comma(lang);
            }
        }
        for change in &self.rescoped {
            write!(f, "{separator}{see} ")?;
            say_scopes(f, change, lang)?;
            separator = comma(lang);
        }
        match (lang, &self.domain) {
            (_, None) => Ok(()),
            (Lang::En, Some(domain)) => write!(f, " in domain `{domain}`"),
            (Lang::Zh, Some(domain)) => write!(f, "（域 `{domain}`）"),
        }
    }
}

fn say_names(f: &mut fmt::Formatter<'_>, names: &[PermissionName]) -> fmt::Result {
    for (at, name) in names.iter().enumerate() {
        write!(f, "{}`{name}`", if at == 0 { "" } else { ", " })?;
    }
    Ok(())
}

fn say_scopes(f: &mut fmt::Formatter<'_>, change: &ScopeChange, lang: Lang) -> fmt::Result {
    let ScopeChange { permission, before, after } = change;
    after.say(f, lang)?;
    f.write_str(match lang {
        Lang::En => " instead of ",
        Lang::Zh => "（原为",
    })?;
    before.say(f, lang)?;
    match lang {
        Lang::En => write!(f, " for `{permission}`"),
        Lang::Zh => write!(f, "，`{permission}`）"),
    }
}

const fn comma(lang: Lang) -> &'static str {
    match lang {
        Lang::En => ", ",
        Lang::Zh => "，",
    }
}
