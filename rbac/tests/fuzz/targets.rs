//! What is fuzzed: one module for names and what is made of them, one for the tables and texts of our own, one for
//! those of others.

mod others;
mod own;
mod values;

use std::borrow::Cow;

use rbac::{Error, ErrorKind};

use crate::engine::Target;

/// Every target of this crate.
pub(crate) fn all() -> Vec<Target> {
    [others::all(), own::all(), values::all()].into_iter().flatten().collect()
}

/// Arbitrary bytes as a reader of text gets them: what is not UTF-8 never reaches it.
fn text(input: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(input)
}

fn seeds(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// The answer of a reader that refuses with `InvalidInput` and nothing else.
fn answer<T>(read: Result<T, Error>) -> Option<T> {
    match read {
        Ok(value) => Some(value),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().chars().all(|char| !char.is_control()), "{error:?}");
            None
        }
    }
}
