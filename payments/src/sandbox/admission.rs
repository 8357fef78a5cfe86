//! The gate of the sandbox: is this request complete, current, and signed by the registered merchant?

use super::keys::MerchantRegistration;
use super::refusal::SandboxRefusal;
use crate::alipay::{FORM_BYTES_MAX, canonical};
use crate::form::{self, Params};
use crate::{UnixMillis, sign};

type Check = fn(&str) -> bool;

/// Every common parameter, the sub codes if it is missing or wrong, and what it has to be.
const COMMON: &[(&str, &str, &str, Check)] = &[
    ("method", "isv.missing-method", "isv.invalid-method", |value| value.starts_with("alipay.")),
    ("version", "isv.missing-version", "isv.invalid-version", |value| value == "1.0"),
    ("charset", "isv.missing-charset", "isv.invalid-charset", |value| value.eq_ignore_ascii_case("utf-8")),
    ("sign_type", "isv.missing-signature-type", "isv.invalid-signature-type", |value| value == "RSA2"),
    ("timestamp", "isv.missing-timestamp", "isv.invalid-timestamp", |value| {
        UnixMillis::parse_china_text(value).is_ok()
    }),
    ("sign", "isv.missing-signature", "isv.invalid-signature", |value| !value.is_empty()),
    ("biz_content", "isv.missing-biz-content", "isv.invalid-biz-content", |value| value.starts_with('{')),
];

/// The parameters of a request that the merchant signed.
pub(super) fn admit(
    query: &str,
    body: &[u8],
    merchant: &MerchantRegistration,
) -> Result<Params, SandboxRefusal> {
    let params = read(query, body)?;
    let app_id = params.get("app_id").map(String::as_str).unwrap_or_default();
    if app_id.is_empty() {
        return Err(SandboxRefusal::missing("isv.missing-app-id", "send the app id"));
    }
    if app_id != merchant.app_id.as_str() {
        return Err(SandboxRefusal::invalid("isv.invalid-app-id", "this sandbox knows another app id"));
    }
    for (name, missing, invalid, check) in COMMON {
        match params.get(*name).filter(|value| !value.is_empty()) {
            None => return Err(SandboxRefusal::missing(missing, "send every common parameter")),
            Some(value) if !check(value) => {
                return Err(SandboxRefusal::invalid(invalid, "see the common parameters of the manual"));
            }
            Some(_) => {}
        }
    }
    check_signature(&params, merchant)?;
    Ok(params)
}

fn check_signature(params: &Params, merchant: &MerchantRegistration) -> Result<(), SandboxRefusal> {
    let text = canonical(params, &["sign"]);
    let sign = params.get("sign").map(String::as_str).unwrap_or_default();
    if sign::verify_text(&merchant.public_key, &text, sign) {
        return Ok(());
    }
    let remedy = "sign exactly the text shown, with the private key of the uploaded public key";
    let refusal = SandboxRefusal::invalid("isv.invalid-signature", remedy);
    Err(SandboxRefusal { canonical: Some(text), ..refusal })
}

/// Query and body together; the gateway takes a parameter from either, and from only one of them.
fn read(query: &str, body: &[u8]) -> Result<Params, SandboxRefusal> {
    let refused = |why| SandboxRefusal::invalid("isv.invalid-parameter", why);
    if query.len() > FORM_BYTES_MAX || body.len() > FORM_BYTES_MAX {
        return Err(refused("send at most 65536 bytes"));
    }
    let mut pairs = form::decode(query.as_bytes()).map_err(refused)?;
    pairs.extend(form::decode(body).map_err(refused)?);
    form::params(pairs).map_err(refused)
}
