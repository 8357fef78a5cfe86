//! The gate: is this request complete, current, and signed by the registered merchant?

use super::refusal::SandboxRefusal;
use super::{SandboxAlipay, canonical, content};
use crate::form::{self, Params};
use crate::{UnixMillis, sign};
use serde_json::{Map, Value};

/// How far the timestamp of a request may be off, in seconds; the real gateway does not name its limit.
pub const CLOCK_SKEW_SECS_MAX: u64 = 600;

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
    ("biz_content", "isv.missing-biz-content", "isv.invalid-biz-content", |_| true),
];

/// A request that the merchant signed.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) method: String,
    pub(super) params: Params,
    pub(super) biz: Biz,
}

/// The members of `biz_content`.
#[derive(Debug)]
pub(super) struct Biz(Map<String, Value>);

/// Reads and checks a request to the form gateway.
pub(super) fn admit(
    query: &str,
    body: &[u8],
    side: &SandboxAlipay,
    now: UnixMillis,
) -> Result<Admitted, SandboxRefusal> {
    let params = read(query, body)?;
    let text = |name: &str| params.get(name).map(String::as_str).unwrap_or_default();
    if text("app_id").is_empty() {
        return Err(SandboxRefusal::missing("isv.missing-app-id", "send the app id"));
    }
    if text("app_id") != side.merchant.app_id.as_str() {
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
    side.check_serials(text("app_cert_sn"), text("alipay_root_cert_sn"))?;
    check_signature(&params, side)?;
    check_clock(text("timestamp"), now)?;
    let biz = Biz::read(&content::opened(side, text("encrypt_type"), text("biz_content"))?)?;
    Ok(Admitted { method: text("method").to_owned(), biz, params })
}

fn check_signature(params: &Params, side: &SandboxAlipay) -> Result<(), SandboxRefusal> {
    let text = canonical::of_request(params);
    let sign = params.get("sign").map(String::as_str).unwrap_or_default();
    if sign::verify_text(&side.merchant.public_key, &text, sign) {
        return Ok(());
    }
    let remedy = "sign exactly the text shown, with the private key of the uploaded public key";
    let refusal = SandboxRefusal::invalid("isv.invalid-signature", remedy);
    Err(SandboxRefusal { canonical: Some(text), ..refusal })
}

/// Checked after the signature, so that only the merchant learns that its clock is wrong.
fn check_clock(timestamp: &str, now: UnixMillis) -> Result<(), SandboxRefusal> {
    let refused =
        || SandboxRefusal::invalid("isv.invalid-timestamp", "set the clock: China time, minutes count");
    let at = UnixMillis::parse_china_text(timestamp).map_err(|_| refused())?;
    let off = at.as_millis().abs_diff(now.as_millis());
    if off > CLOCK_SKEW_SECS_MAX * 1000 { Err(refused()) } else { Ok(()) }
}

/// Query and body together; the gateway takes a parameter from either, and from only one of them.
fn read(query: &str, body: &[u8]) -> Result<Params, SandboxRefusal> {
    let refused = |why| SandboxRefusal::invalid("isv.invalid-parameter", why);
    let mut pairs = form::decode(query.as_bytes()).map_err(refused)?;
    pairs.extend(form::decode(body).map_err(refused)?);
    form::params(pairs).map_err(refused)
}

impl Biz {
    /// Reads the JSON object.
    pub(super) fn read(text: &str) -> Result<Self, SandboxRefusal> {
        let refused = |_| SandboxRefusal::invalid("isv.invalid-biz-content", "biz_content is a JSON object");
        serde_json::from_str(text).map(Self).map_err(refused)
    }

    /// A member as text; a number is taken as it is written, an empty text is as good as none.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        match self.0.get(name)? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }
}
