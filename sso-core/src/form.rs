//! `application/x-www-form-urlencoded` from outside, read strictly: bounded, no name twice, nothing guessed.

use std::collections::BTreeMap;
use std::fmt;

/// The fields of a query or a form, by name. What has no value counts as absent (RFC 6749, section 3.1).
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Form {
    fields: BTreeMap<String, String>,
}

/// Why a text is no form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FormRefused {
    /// It is longer than [`Form::BYTES_MAX`] or has more than [`Form::FIELDS_MAX`] fields.
    TooLong,
    /// A name appears twice: nobody can tell which value is meant.
    Twice,
    /// A character or an escape that no form has, or text that is not UTF-8.
    Malformed,
}

impl FormRefused {
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::TooLong => "the request has too many parameters or too long ones",
            Self::Twice => "a parameter appears twice",
            Self::Malformed => "the parameters are not form encoded",
        }
    }
}

impl Form {
    /// The longest form, in bytes.
    pub(crate) const BYTES_MAX: usize = 16 * 1024;
    /// The most fields of a form.
    pub(crate) const FIELDS_MAX: usize = 64;

    pub(crate) fn parse(text: &[u8]) -> Result<Self, FormRefused> {
        if text.len() > Self::BYTES_MAX {
            return Err(FormRefused::TooLong);
        }
        let mut form = Self::default();
        for (place, pair) in text.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).enumerate() {
            if place >= Self::FIELDS_MAX {
                return Err(FormRefused::TooLong);
            }
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let name = decode(halves.next().unwrap_or_default()).ok_or(FormRefused::Malformed)?;
            let value = decode(halves.next().unwrap_or_default()).ok_or(FormRefused::Malformed)?;
            if form.fields.insert(name, value).is_some() {
                return Err(FormRefused::Twice);
            }
        }
        form.fields.retain(|_, value| !value.is_empty());
        Ok(form)
    }

    /// The value of a field that is there and not empty.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.fields.insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.fields.remove(name);
    }

    /// The form as text, in the order of names.
    pub(crate) fn encode(&self) -> String {
        encode(self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    }
}

/// Values may be secrets: only the names are printed.
impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.fields.keys()).finish()
    }
}

/// Pairs as the text of a form.
pub(crate) fn encode<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// An address with more parameters in its query. It has no fragment.
pub(crate) fn with_query<'a>(url: &str, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let divider = if url.contains('?') { '&' } else { '?' };
    format!("{url}{divider}{}", encode(pairs))
}

/// What may be printed of an address whose query is secret.
pub(crate) fn without_query(url: &str) -> &str {
    url.split_once('?').map_or(url, |(before, _)| before)
}

/// One name or value: `+` is a blank, `%` and two digits are a byte, all else is visible ASCII.
pub(crate) fn decode(text: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter().copied();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => digit(rest.next()?)? << 4 | digit(rest.next()?)?,
            b'!'..=b'~' => byte,
            _ => return None,
        });
    }
    String::from_utf8(bytes).ok()
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn forms_are_read_strictly() {
        let form = Form::parse(b"a=1&b=x+y%2Bz&c=&&d=%E5%BC%A0&e=a=b").unwrap();
        assert_eq!(form.value("b"), Some("x y+z"));
        assert_eq!((form.value("c"), form.value("d"), form.value("e")), (None, Some("张"), Some("a=b")));
        assert_eq!(Form::parse(b"a=1&%61=2"), Err(FormRefused::Twice));
        assert_eq!(Form::parse(b"a=&a=2"), Err(FormRefused::Twice));
        for bad in [&b"a=%"[..], b"a=%4", b"a=%zz", b"a=%ff", b"a=b c", b"a=\x80", b"a=\n"] {
            assert_eq!(Form::parse(bad), Err(FormRefused::Malformed), "{bad:?}");
        }
        assert_eq!(Form::parse(&[b'a'; Form::BYTES_MAX + 1]), Err(FormRefused::TooLong));
        let many: String = (0..=Form::FIELDS_MAX).map(|place| format!("a{place}=1&")).collect();
        assert_eq!(Form::parse(many.as_bytes()), Err(FormRefused::TooLong));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(form) = Form::parse(&bytes) {
                prop_assert_eq!(Form::parse(form.encode().as_bytes()), Ok(form));
            }
        }

        #[test]
        fn what_is_written_can_be_read(fields in proptest::collection::btree_map("\\PC{0,9}", "\\PC{1,20}", 0..9)) {
            let form = Form { fields };
            prop_assert_eq!(Form::parse(form.encode().as_bytes()), Ok(form));
        }
    }
}
