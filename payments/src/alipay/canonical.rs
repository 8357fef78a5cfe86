//! The text that Alipay signs: sorted `name=value` pairs joined by `&`, raw, without empty values.

use crate::form::{self, Params};

/// What a notify leaves out (the V1 rule of the manual): payments sign neither of these.
pub(crate) const NOTIFY_UNSIGNED: &[&str] = &["sign", "sign_type"];
/// What a service message leaves out (the V2 rule): its `sign_type` is signed.
pub(crate) const SERVICE_UNSIGNED: &[&str] = &["sign"];
/// What a request leaves out: `sign_type` is signed there.
pub(crate) const REQUEST_UNSIGNED: &[&str] = &["sign"];

/// The canonical text. Names are in byte order already, because [`Params`] keeps them so.
pub(crate) fn canonical(params: &Params, unsigned: &[&str]) -> String {
    let mut text = String::new();
    for (name, value) in params {
        if !is_signed(name, value, unsigned) {
            continue;
        }
        if !text.is_empty() {
            text.push('&');
        }
        text.push_str(name);
        text.push('=');
        text.push_str(value);
    }
    text
}

/// True for a parameter that the canonical text holds.
pub(crate) fn is_signed(name: &str, value: &str, unsigned: &[&str]) -> bool {
    !value.is_empty() && !unsigned.contains(&name)
}

/// True if `value` could be split into a value and further parameters without changing the canonical text.
///
/// The text does not say where a value ends: `subject=x&total_amount=1.00` may be one parameter or two. A value that
/// joins what was signed as two is refused here.
///
/// The other direction, signed as one and replayed as two, looks like any other form. It goes through if its names
/// are in order and occur once: whoever chooses a value can add optional fields whose names sort between its own
/// and the next signed one, and no others. A field that every message has cannot be replaced that way.
pub(crate) fn hides_a_parameter(value: &str) -> bool {
    let mut segments = value.split('&').skip(1);
    segments.any(|segment| segment.split_once('=').is_some_and(|(name, _)| form::is_name(name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn params(pairs: &[(&str, &str)]) -> Params {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn sorted_raw_and_without_empty_values() {
        let given =
            params(&[("b", "1+1=2 课"), ("a", "%2B"), ("empty", ""), ("sign", "x"), ("sign_type", "RSA2")]);
        assert_eq!(canonical(&given, NOTIFY_UNSIGNED), "a=%2B&b=1+1=2 课");
        assert_eq!(canonical(&given, REQUEST_UNSIGNED), "a=%2B&b=1+1=2 课&sign_type=RSA2");
    }

    #[test]
    fn a_hidden_parameter_is_seen() {
        for value in ["x&total_amount=1.00", "&a=", "a&b&c=d"] {
            assert!(hides_a_parameter(value), "{value}");
        }
        for value in ["", "a=b", "a&b", "&=", "R&D = fun", "[{\"amount\":\"0.10\"}]"] {
            assert!(!hides_a_parameter(value), "{value}");
        }
    }

    proptest! {
        /// Two forms that hide nothing and have the same canonical text are the same form.
        #[test]
        fn the_text_names_one_form(
            left in proptest::collection::btree_map("[ab_]{1,2}", "[ab&= ]{1,5}", 0..4),
            right in proptest::collection::btree_map("[ab_]{1,2}", "[ab&= ]{1,5}", 0..4),
        ) {
            let honest = |params: &Params| !params.values().any(|value| hides_a_parameter(value));
            if honest(&left) && honest(&right) && canonical(&left, &[]) == canonical(&right, &[]) {
                prop_assert_eq!(left, right);
            }
        }
    }
}
