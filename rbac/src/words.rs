//! The languages that answers are put into words in.

use std::fmt;

/// A language for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Simplified Chinese.
    Zh,
}

/// What can be said in any of the languages.
pub(crate) trait Say {
    /// Writes it out.
    fn say(&self, f: &mut fmt::Formatter<'_>, lang: Lang) -> fmt::Result;

    /// The words as text.
    fn said_in(&self, lang: Lang) -> String {
        Said { what: self, lang }.to_string()
    }
}

struct Said<'a, T: ?Sized> {
    what: &'a T,
    lang: Lang,
}

impl<T: Say + ?Sized> fmt::Display for Said<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.what.say(f, self.lang)
    }
}
