//! The texts that Alipay signs and checks, built from the manual and on purpose not with the merchant's code: two
//! readings that agree are worth more than one.

use crate::form::Params;

/// What a request is signed over: every parameter but `sign`, `sign_type` among them.
pub(super) fn of_request(params: &Params) -> String {
    joined(params, |name| name != "sign")
}

/// What a notify or a sync return is signed over: neither `sign` nor `sign_type`.
pub(super) fn of_message(params: &Params) -> String {
    joined(params, |name| name != "sign" && name != "sign_type")
}

/// Sorted by name in byte order, raw, without empty values, joined by `&`.
fn joined(params: &Params, signed: impl Fn(&str) -> bool) -> String {
    let mut pairs: Vec<String> = params
        .iter()
        .filter(|(name, value)| signed(name) && !value.is_empty())
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.sort_unstable_by(|left, right| {
        let name = |pair: &str| pair.split('=').next().unwrap_or_default().to_owned();
        name(left).cmp(&name(right))
    });
    pairs.join("&")
}
