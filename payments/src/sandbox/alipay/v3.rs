//! The REST interface, version 3: a signature in the header, refusals by HTTP status.

use super::admission::{Biz, CLOCK_SKEW_SECS_MAX};
use super::refusal::SandboxRefusal;
use super::reply::json;
use super::{SandboxAlipay, content, trades};
use crate::error::Error;
use crate::sandbox::book::Key;
use crate::sandbox::side::{Answer, Desk};
use crate::sign;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use serde_json::{Map, Value};

/// Where this interface begins.
pub(super) const PREFIX: &str = "/v3/alipay/";
const SCHEME: &str = "ALIPAY-SHA256withRSA ";

/// Answers a request below [`PREFIX`].
pub(super) fn answer(side: &SandboxAlipay, request: &Request<Bytes>, desk: &mut Desk<'_>) -> Answer {
    let admitted = admit(side, request, desk);
    // Who cannot be identified gets no signature.
    let (signs, called) = match admitted {
        Ok(biz) => (true, call(request, &biz, desk)),
        Err(refusal) => (false, Err(refusal)),
    };
    let touched = called.as_ref().ok().and_then(|(key, _)| key.clone());
    let (code, body) = match called {
        Ok((_, content)) => (StatusCode::OK, Value::Object(content).to_string()),
        Err(refusal) => (status(&refusal), refused(&refusal)),
    };
    let encrypted = request.headers().contains_key("alipay-encrypt-type");
    let response = if signs { signed(side, body, encrypted, desk) } else { Ok(json(body)) };
    match response {
        Ok(mut response) => {
            *response.status_mut() = code;
            Answer { response, touched }
        }
        Err(_) => Answer::plain(crate::sandbox::shell::status(StatusCode::INTERNAL_SERVER_ERROR)),
    }
}

type Called = Result<(Option<Key>, Map<String, Value>), SandboxRefusal>;

fn call(request: &Request<Bytes>, biz: &Biz, desk: &mut Desk<'_>) -> Called {
    match (request.method(), request.uri().path()) {
        (&Method::POST, "/v3/alipay/trade/query") => {
            let trade = trades::named_in(biz, desk)?;
            let mut content = trades::found(&trade, desk);
            // The HTTP status says what these two say elsewhere.
            content.remove("code");
            content.remove("msg");
            Ok((Some(trade.key), content))
        }
        _ => Err(SandboxRefusal::invalid("isv.invalid-method", "the sandbox has no such address")),
    }
}

/// The JSON body, once the signature in the header fits.
fn admit(side: &SandboxAlipay, request: &Request<Bytes>, desk: &Desk<'_>) -> Result<Biz, SandboxRefusal> {
    let refused = |remedy| SandboxRefusal::invalid("isv.invalid-signature", remedy);
    let text = |name: &str| header_text(request.headers(), name);
    let given = text(header::AUTHORIZATION.as_str()).and_then(|value| value.strip_prefix(SCHEME));
    let given = given.ok_or_else(|| refused("authorization begins with ALIPAY-SHA256withRSA"))?;
    let (auth, signature) =
        given.rsplit_once(",sign=").ok_or_else(|| refused("authorization ends in sign"))?;
    let part = |name: &str| {
        auth.split(',')
            .filter_map(|pair| pair.split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    };
    if part("app_id") != Some(side.merchant.app_id.as_str()) {
        return Err(SandboxRefusal::invalid("isv.invalid-app-id", "this sandbox knows another app id"));
    }
    side.check_serials(
        part("app_cert_sn").unwrap_or_default(),
        text("alipay-root-cert-sn").unwrap_or_default(),
    )?;
    let body = str::from_utf8(request.body()).map_err(|_| refused("the body is UTF-8"))?;
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let token = text("alipay-app-auth-token").map(|token| format!("{token}\n")).unwrap_or_default();
    let expected = format!("{auth}\n{}\n{path}\n{body}\n{token}", request.method());
    if !sign::verify_text(&side.merchant.public_key, &expected, signature) {
        let refusal = refused("sign exactly the text shown, with the private key of the uploaded public key");
        return Err(SandboxRefusal { canonical: Some(expected), ..refusal });
    }
    let at: Option<u64> = part("timestamp").and_then(|millis| millis.parse().ok());
    let off = at.map(|at| at.abs_diff(desk.now.as_millis()));
    if off.is_none_or(|off| off > CLOCK_SKEW_SECS_MAX * 1000) {
        return Err(SandboxRefusal::invalid(
            "isv.invalid-timestamp",
            "timestamp is in milliseconds; set the clock",
        ));
    }
    let nonce = part("nonce").unwrap_or_default();
    if nonce.is_empty() {
        return Err(SandboxRefusal::missing("isv.missing-nonce", "send a fresh nonce"));
    }
    Biz::read(&content::opened(side, text("alipay-encrypt-type").unwrap_or_default(), body)?)
}

fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn signed(
    side: &SandboxAlipay,
    body: String,
    encrypted: bool,
    desk: &mut Desk<'_>,
) -> Result<Response<Bytes>, Error> {
    let body = match side.content_key.as_ref().filter(|_| encrypted) {
        Some(key) => content::sealed(key, &body)?,
        None => body,
    };
    let (signer, serial) = side.signing();
    let (timestamp, nonce) = (desk.now.as_millis().to_string(), desk.entropy.hex(32));
    let sign = sign::sign_text(&signer, &format!("{timestamp}\n{nonce}\n{body}\n"))?;
    let mut response = json(body);
    let mut put = |name: &'static str, value: &str| {
        // Digits, hexadecimal digits and base64 always fit into a header.
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    };
    put("alipay-timestamp", &timestamp);
    put("alipay-nonce", &nonce);
    put("alipay-signature", &sign);
    put("alipay-trace-id", &nonce);
    if let Some(serial) = serial {
        put("alipay-sn", &serial);
    }
    Ok(response)
}

fn refused(refusal: &SandboxRefusal) -> String {
    let mut content = Map::new();
    content.insert("code".to_owned(), Value::from(refusal.sub_code));
    content.insert("message".to_owned(), Value::from(refusal.remedy));
    content.insert("links".to_owned(), Value::Array(Vec::new()));
    if let Some(canonical) = &refusal.canonical {
        content.insert("sandbox_canonical".to_owned(), Value::from(canonical.as_str()));
    }
    Value::Object(content).to_string()
}

fn status(refusal: &SandboxRefusal) -> StatusCode {
    match refusal.sub_code {
        "isv.invalid-signature" => StatusCode::UNAUTHORIZED,
        "isp.unknow-error" => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    }
}
