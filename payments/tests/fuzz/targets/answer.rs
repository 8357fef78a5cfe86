//! How a target reads text, and how it names what was read.

use payments::Error;

pub(super) fn lossy(input: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(input)
}

pub(super) fn kind(error: &Error) -> String {
    format!("{:?}", error.kind())
}

pub(super) fn named<T>(answer: Result<T, Error>) -> String {
    answer.map_or_else(|error| kind(&error), |_| "read".to_owned())
}
