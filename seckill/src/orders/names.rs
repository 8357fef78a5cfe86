//! Names of consumer groups and of consumers.

use std::fmt;

use smol_str::SmolStr;

use crate::error::{Error, Fault};

/// Names a consumer group: 1 to 64 of `A-Z a-z 0-9 _ -`. Every group is told everything.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupName(SmolStr);

/// Names one consumer of a group: 1 to 64 of `A-Z a-z 0-9 _ . -`. Processes that run at the same time need
/// different names, or they handle each other's orders.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConsumerName(SmolStr);

impl GroupName {
    /// Takes 1 to 64 of `A-Z a-z 0-9 _ -`.
    ///
    /// # Errors
    /// `InvalidInput` for any other text.
    pub fn new(text: &str) -> Result<Self, Error> {
        named("group name", text, "", "1 to 64 of A-Z a-z 0-9 _ -").map(Self)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ConsumerName {
    /// Takes 1 to 64 of `A-Z a-z 0-9 _ . -`, so the name of a host will do, with a number behind it.
    ///
    /// # Errors
    /// `InvalidInput` for any other text.
    pub fn new(text: &str) -> Result<Self, Error> {
        named("consumer name", text, ".", "1 to 64 of A-Z a-z 0-9 _ . -").map(Self)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ConsumerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn named(what: &'static str, text: &str, more: &str, rule: &'static str) -> Result<SmolStr, Error> {
    let fits =
        |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter) || more.contains(letter);
    if (1..=64).contains(&text.len()) && text.chars().all(fits) {
        return Ok(text.into());
    }
    Err(Fault::Text { what, given: Error::shown(text), rule }.into())
}
