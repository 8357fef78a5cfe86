//! The gate: the `Authorization` header read strictly, and the five lines built anew from the request as it came
//! (manual: 签名生成, 签名验证).

use super::SandboxWechat;
use super::refusal::Refusal;
use crate::form::{self, Params};
use crate::sandbox::side::Desk;
use crate::{UnixMillis, sign};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, header};
use serde_json::{Map, Value};

/// How far the timestamp of a request to WeChat Pay may be off, in seconds.
pub const WECHAT_CLOCK_SKEW_SECS_MAX: u64 = 300;

const SCHEME: &str = "WECHATPAY2-SHA256-RSA2048 ";
const NAMES: [&str; 5] = ["mchid", "nonce_str", "timestamp", "serial_no", "signature"];
const NONCE_CHARS_MAX: usize = 32;
const MALFORMED: Refusal =
    Refusal::sign("Http头Authorization值格式错误，请参考《微信支付商户REST API签名规则》");

/// A request that the merchant signed.
#[derive(Debug)]
pub(super) struct Admitted {
    /// The key of WeChat Pay that the merchant wants to see (`Wechatpay-Serial`).
    pub(super) asked: Option<String>,
    pub(super) query: Params,
    pub(super) body: Body,
}

/// The members of the body; none for a GET.
#[derive(Debug)]
pub(super) struct Body(Map<String, Value>);

/// Checks a request before anything in it is believed.
pub(super) fn admit(
    side: &SandboxWechat,
    request: &Request<Bytes>,
    desk: &Desk<'_>,
) -> Result<Admitted, Refusal> {
    check_headers(request)?;
    check_signature(side, request, desk.now)?;
    let asked = text(request.headers(), "wechatpay-serial").map(ToOwned::to_owned);
    if asked.as_deref().is_some_and(|serial| !side.platform().knows(serial, desk.now, desk.speed)) {
        return Err(Refusal::parameter("Wechatpay-Serial", "name a key of WeChat Pay that is in use"));
    }
    let query = request.uri().query().unwrap_or_default();
    let query = form::decode(query.as_bytes())
        .and_then(form::params)
        .map_err(|why| Refusal::parameter("query", why))?;
    let body = if request.method() == Method::POST { request.body().as_ref() } else { b"{}" };
    let body = serde_json::from_slice(body).map_err(|_| Refusal::parameter("body", "send a JSON object"))?;
    Ok(Admitted { asked, query, body: Body(body) })
}

fn check_headers(request: &Request<Bytes>) -> Result<(), Refusal> {
    let headers = request.headers();
    let accepts = |accept: &str| accept.contains("application/json") || accept.contains("*/*");
    if !text(headers, header::ACCEPT.as_str()).is_some_and(accepts)
        || text(headers, header::USER_AGENT.as_str()).is_none_or(str::is_empty)
    {
        return Err(Refusal::parameter("Accept", "Http头缺少Accept或User-Agent"));
    }
    let json =
        text(headers, header::CONTENT_TYPE.as_str()).is_some_and(|kind| kind.contains("application/json"));
    if request.method() == Method::POST && !json {
        return Err(Refusal::parameter("Content-Type", "send application/json"));
    }
    Ok(())
}

fn check_signature(side: &SandboxWechat, request: &Request<Bytes>, now: UnixMillis) -> Result<(), Refusal> {
    let header = text(request.headers(), header::AUTHORIZATION.as_str()).ok_or(MALFORMED)?;
    let [mchid, nonce, timestamp, serial, signature] = read(header).ok_or(MALFORMED)?;
    if mchid != side.merchant.mchid.as_str() {
        return Err(Refusal::sign("商户号不存在，请检查Authorization中的mchid"));
    }
    if !side.merchant.has_serial(serial) {
        return Err(Refusal::sign("商户证书序列号有误，请使用签名私钥匹配的证书序列号"));
    }
    if !(1..=NONCE_CHARS_MAX).contains(&nonce.len()) {
        return Err(MALFORMED);
    }
    let secs: u64 = timestamp.parse().map_err(|_| MALFORMED)?;
    if secs.abs_diff(now.as_millis() / 1000) >= WECHAT_CLOCK_SKEW_SECS_MAX {
        return Err(Refusal::sign("Http头Authorization中的timestamp与发起请求的时间不得超过5分钟"));
    }
    // The address as it was sent: nothing in it is decoded.
    let url = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let body = str::from_utf8(request.body()).map_err(|_| Refusal::parameter("body", "it is not UTF-8"))?;
    let method = request.method().as_str();
    let canonical = [method, url, timestamp, nonce, body, ""].join("\n");
    if sign::verify_text(&side.merchant.public_key, &canonical, signature) {
        Ok(())
    } else {
        Err(Refusal::mismatch(method, url, &canonical))
    }
}

/// The five values, each exactly once, in any order.
fn read(header: &str) -> Option<[&str; 5]> {
    let mut values = [None; 5];
    for pair in header.strip_prefix(SCHEME)?.split(',') {
        let (name, value) = pair.trim().split_once('=')?;
        let value = value.strip_prefix('"')?.strip_suffix('"').filter(|value| !value.contains('"'))?;
        let place = NAMES.iter().position(|known| *known == name)?;
        if values.get_mut(place)?.replace(value).is_some() {
            return None;
        }
    }
    let [mchid, nonce, timestamp, serial, signature] = values;
    Some([mchid?, nonce?, timestamp?, serial?, signature?])
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

impl Body {
    /// A text member; an empty one is as good as none.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// A member of an object.
    pub(super) fn inner(&self, object: &str, name: &str) -> Option<&Value> {
        self.0.get(object)?.get(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_header_has_five_values_once() {
        let parts =
            ["mchid=\"1\"", "nonce_str=\"2\"", "timestamp=\"3\"", "serial_no=\"4\"", "signature=\"5==\""];
        let written = |parts: &[&str]| format!("{SCHEME}{}", parts.join(","));
        let all = Some(["1", "2", "3", "4", "5=="]);
        assert_eq!(read(&written(&parts)), all);
        let mut turned = parts;
        turned.reverse();
        assert_eq!(read(&written(&turned)), all);
        assert_eq!(read(&written(&parts).replace(',', ", ")), all);
        for broken in [
            written(&parts[1..]),
            written(&[&parts[..], &parts[..1]].concat()),
            written(&[&parts[..], &["other=\"6\""]].concat()),
            written(&parts).replace('"', ""),
            written(&parts).replace("SHA256", "SM2"),
            String::new(),
        ] {
            assert_eq!(read(&broken), None, "{broken}");
        }
    }

    proptest! {
        #[test]
        fn any_header_is_answered(header in ".{0,80}") {
            prop_assert_eq!(read(&header), None);
            let schemed = format!("{SCHEME}{header}");
            prop_assert_eq!(read(&schemed), None);
        }
    }
}
