//! `application/x-www-form-urlencoded`, read strictly: a byte that cannot be decoded is refused, never replaced.
//!
//! The usual lenient readers turn broken text into U+FFFD or leave `%zz` as it is. A signed text must not be
//! guessed, so this reader does neither.

use std::collections::BTreeMap;

/// Parameters in byte order of their names, as the gateways sort them before signing.
pub(crate) type Params = BTreeMap<String, String>;

/// Names and values that are still bytes.
pub(crate) type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// The most parameters of one form.
pub(crate) const PARAMS_MAX: usize = 128;

/// Names and values, decoded once; they stay bytes, because the charset is not known yet.
pub(crate) fn decode(form: &[u8]) -> Result<Pairs, &'static str> {
    let mut pairs = Vec::new();
    for segment in form.split(|byte| *byte == b'&').filter(|segment| !segment.is_empty()) {
        if pairs.len() == PARAMS_MAX {
            return Err("it has more than 128 parameters");
        }
        let mut halves = segment.splitn(2, |byte| *byte == b'=');
        let name = unescape(halves.next().unwrap_or_default())?;
        let value = unescape(halves.next().unwrap_or_default())?;
        pairs.push((name, value));
    }
    Ok(pairs)
}

fn unescape(text: &[u8]) -> Result<Vec<u8>, &'static str> {
    let mut plain = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        plain.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = (bytes.next().and_then(hex_digit), bytes.next().and_then(hex_digit));
                let (Some(high), Some(low)) = digits else {
                    return Err("a `%` is not followed by two hexadecimal digits");
                };
                high * 16 + low
            }
            other => other,
        });
    }
    Ok(plain)
}

const fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// Text parameters; a name that occurs twice is refused, since nobody can say which of the two was signed.
pub(crate) fn params(pairs: Pairs) -> Result<Params, &'static str> {
    let mut params = Params::new();
    for (name, value) in pairs {
        let text = |bytes| String::from_utf8(bytes).map_err(|_| "it is not UTF-8");
        let name = text(name)?;
        if !is_name(&name) {
            return Err("a parameter name holds something else than letters, digits and `_`");
        }
        if params.insert(name, text(value)?).is_some() {
            return Err("a parameter occurs twice");
        }
    }
    Ok(params)
}

/// True for the names that the gateways give to parameters.
pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The form as it is sent, in the order of the names.
pub(crate) fn encode(params: &Params) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(form: &[u8]) -> Result<Params, &'static str> {
        params(decode(form)?)
    }

    #[test]
    fn decoding_happens_once() {
        let params = read(b"a=1%252B2&b=x+y&c=%e8%AF%BE&d").unwrap();
        assert_eq!(params.get("a").unwrap(), "1%2B2");
        assert_eq!(params.get("b").unwrap(), "x y");
        assert_eq!(params.get("c").unwrap(), "课");
        assert_eq!(params.get("d").unwrap(), "");
    }

    #[test]
    fn broken_forms_are_refused() {
        for form in [&b"a=%"[..], b"a=%4", b"a=%zz", b"a=%D6%D0", b"a=1&a=1", b"=1", b"a%3Db=1", b"a b=1"] {
            assert!(read(form).is_err(), "{form:?}");
        }
        let many = vec!["a=1"; PARAMS_MAX + 1].join("&");
        assert!(decode(many.as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(form in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _answered = read(&form);
        }

        #[test]
        fn what_is_written_is_read(params in proptest::collection::btree_map("[a-z_]{1,8}", ".{0,12}", 0..8)) {
            prop_assert_eq!(read(encode(&params).as_bytes()).unwrap(), params);
        }
    }
}
