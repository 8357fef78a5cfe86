//! What an application keeps with a session: few, small, typed attributes.

use std::collections::BTreeMap;

use crate::error::{Error, ErrorKind};
use crate::session::changes::Changes;

/// The attributes of a session: at most [`Attributes::COUNT_MAX`], by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes(BTreeMap<AttributeName, AttributeValue>);

/// The name of an attribute: 1 to 32 of `a-z A-Z 0-9 - _ .`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttributeName(String);

/// The value of an attribute: a text of at most 256 bytes, a whole number, or yes and no.
///
/// ```
/// use sso_core::AttributeValue;
///
/// # fn main() -> Result<(), sso_core::Error> {
/// assert_eq!(AttributeValue::text("zh-CN")?.as_text(), Some("zh-CN"));
/// assert_eq!(AttributeValue::from(-7).as_int(), Some(-7));
/// assert_eq!(AttributeValue::from(true).as_bool(), Some(true));
/// assert!(AttributeValue::text("x".repeat(257)).is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeValue(Value);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Text(String),
    Int(i64),
    Bool(bool),
}

impl Attributes {
    /// How many attributes a session may have.
    pub const COUNT_MAX: usize = 16;

    /// The value of one attribute.
    #[must_use]
    pub fn value(&self, name: &AttributeName) -> Option<&AttributeValue> {
        self.0.get(name)
    }

    /// All attributes, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&AttributeName, &AttributeValue)> {
        self.0.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The attributes after some changes; `None` if they were too many.
    #[must_use]
    pub fn changed(&self, changes: &Changes) -> Option<Self> {
        let mut next = self.0.clone();
        for (name, value) in changes.iter() {
            match value {
                Some(value) => next.insert(name.clone(), value.clone()),
                None => next.remove(name),
            };
        }
        (next.len() <= Self::COUNT_MAX).then_some(Self(next))
    }

    /// The attributes as one text for a store: a line `name=value` each, the value as
    /// [`AttributeValue::encode`] writes it.
    #[must_use]
    pub fn encode(&self) -> String {
        self.0.iter().map(|(name, value)| format!("{}={}\n", name.0, value.encode())).collect()
    }

    /// Reads what [`encode`](Self::encode) wrote, in any order of the lines.
    ///
    /// # Errors
    /// `Corrupt` if it is anything else.
    pub fn decode(text: &str) -> Result<Self, Error> {
        let mut attributes = BTreeMap::new();
        for line in text.split_terminator('\n') {
            let (name, value) = line.split_once('=').ok_or_else(unreadable)?;
            let name = AttributeName::new(name).map_err(|_| unreadable())?;
            attributes.insert(name, AttributeValue::decode(value)?);
        }
        if attributes.len() > Self::COUNT_MAX {
            return Err(unreadable());
        }
        Ok(Self(attributes))
    }
}

impl AttributeName {
    /// The longest name, in bytes.
    pub const BYTES_MAX: usize = 32;

    /// A name from its text.
    ///
    /// # Errors
    /// `InvalidInput` unless it is 1 to 32 ASCII letters, digits, `-`, `_` or `.`.
    pub fn new(text: impl Into<String>) -> Result<Self, Error> {
        plain(text.into(), Self::BYTES_MAX).map(Self)
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AttributeValue {
    /// The longest text, in bytes.
    pub const BYTES_MAX: usize = 256;

    /// A text.
    ///
    /// # Errors
    /// `InvalidInput` if it is longer than [`AttributeValue::BYTES_MAX`].
    pub fn text(text: impl Into<String>) -> Result<Self, Error> {
        let text = text.into();
        if text.len() > Self::BYTES_MAX {
            return Err(Error::new(ErrorKind::InvalidInput, "an attribute may be 256 bytes long, no longer"));
        }
        Ok(Self(Value::Text(text)))
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        if let Value::Text(text) = &self.0 { Some(text) } else { None }
    }

    /// The number, if it is one.
    #[must_use]
    pub const fn as_int(&self) -> Option<i64> {
        if let Value::Int(number) = self.0 { Some(number) } else { None }
    }

    /// The yes or no, if it is one.
    #[must_use]
    pub const fn as_bool(&self) -> Option<bool> {
        if let Value::Bool(yes) = self.0 { Some(yes) } else { None }
    }

    /// The value as one line for a store: `t` and the text with `%25` for `%` and `%0A` for a line feed, `i` and
    /// the number, or `b` and 1 or 0.
    #[must_use]
    pub fn encode(&self) -> String {
        match &self.0 {
            Value::Text(text) => format!("t{}", text.replace('%', "%25").replace('\n', "%0A")),
            Value::Int(number) => format!("i{number}"),
            Value::Bool(yes) => format!("b{}", u8::from(*yes)),
        }
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    /// `Corrupt` if it is anything else.
    pub fn decode(line: &str) -> Result<Self, Error> {
        let value = match line.split_at_checked(1) {
            Some(("t", text)) => Self::text(text.replace("%0A", "\n").replace("%25", "%")).ok(),
            Some(("i", number)) => number.parse::<i64>().ok().map(Self::from),
            Some(("b", yes)) => (yes == "1" || yes == "0").then(|| Self::from(yes == "1")),
            _ => None,
        };
        // What is written otherwise was not written here.
        value.filter(|value| value.encode() == line).ok_or_else(unreadable)
    }
}

impl From<i64> for AttributeValue {
    fn from(number: i64) -> Self {
        Self(Value::Int(number))
    }
}

impl From<bool> for AttributeValue {
    fn from(yes: bool) -> Self {
        Self(Value::Bool(yes))
    }
}

/// A text of 1 to `bytes_max` characters that no store gives a meaning of its own.
pub(crate) fn plain(text: String, bytes_max: usize) -> Result<String, Error> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if text.is_empty() || text.len() > bytes_max || !text.bytes().all(is_plain) {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            format!("the name `{}` must be 1 to {bytes_max} of a-z A-Z 0-9 - _ .", text.escape_debug()),
        ));
    }
    Ok(text)
}

pub(crate) fn unreadable() -> Error {
    Error::new(ErrorKind::Corrupt, "the store holds a session that cannot be read")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = AttributeValue> {
        prop_oneof![
            "(\\PC|%|%0A|%25|\n|=){0,40}".prop_map(|text| AttributeValue::text(text).unwrap()),
            any::<i64>().prop_map(AttributeValue::from),
            any::<bool>().prop_map(AttributeValue::from),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn attributes_are_read_as_they_were_written(
            pairs in proptest::collection::btree_map("[a-zA-Z0-9._-]{1,32}", value(), 0..=Attributes::COUNT_MAX)
        ) {
            let name = |text: String| AttributeName::new(text).unwrap();
            let attributes = Attributes(pairs.into_iter().map(|(key, value)| (name(key), value)).collect());
            prop_assert_eq!(Attributes::decode(&attributes.encode()).unwrap(), attributes);
        }

        #[test]
        fn any_text_is_read_without_panic(text in "(\\PC|[a-c]=|[tib]|%|\n|1){0,30}") {
            match Attributes::decode(&text) {
                Ok(attributes) => prop_assert!(Attributes::decode(&attributes.encode()).is_ok()),
                Err(error) => prop_assert_eq!(error.kind(), ErrorKind::Corrupt),
            }
            if let Ok(value) = AttributeValue::decode(&text) {
                prop_assert_eq!(value.encode(), text);
            }
        }
    }

    #[test]
    fn changes_are_made_up_to_the_limit() {
        let name = |place: usize| AttributeName::new(format!("n{place}")).unwrap();
        let full =
            (0..Attributes::COUNT_MAX).fold(Changes::new(), |changes, place| changes.set(name(place), 1));
        let attributes = Attributes::default().changed(&full).unwrap();
        assert_eq!(attributes.len(), Attributes::COUNT_MAX);
        assert_eq!(attributes.changed(&Changes::new().set(name(16), true)), None);
        let swapped = attributes.changed(&Changes::new().set(name(16), true).remove(name(0))).unwrap();
        assert_eq!(swapped.value(&name(0)), None);
        assert_eq!(swapped.value(&name(16)).unwrap().as_bool(), Some(true));
    }

    #[test]
    fn a_name_with_a_meaning_is_refused() {
        for bad in ["", "a b", "a=b", "a\n", "é", &"x".repeat(33)] {
            assert_eq!(AttributeName::new(bad).unwrap_err().kind(), ErrorKind::InvalidInput, "{bad:?}");
        }
    }
}
