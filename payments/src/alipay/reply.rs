//! A reply of the gateway to a call: the bytes that are signed, found exactly, verified, and only then read.

use super::merchant::Merchant;
use crate::error::{Cause, Error, quoted};
use crate::sign;
use bytes::Bytes;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// The longest reply that is read, in bytes.
pub(crate) const REPLY_BYTES_MAX: usize = 1_048_576;

const WHAT: &str = "alipay reply";

/// Verifies a reply to `method` and reads its content.
pub(crate) fn read<T: DeserializeOwned>(
    merchant: &Merchant,
    method: &str,
    reply: &http::Response<Bytes>,
) -> Result<T, Error> {
    if reply.status() != http::StatusCode::OK {
        return Err(Cause::Status(reply.status().as_u16()).into());
    }
    if reply.body().len() > REPLY_BYTES_MAX {
        return Err(Cause::Unverified { what: WHAT, why: "it is longer than 1048576 bytes" }.into());
    }
    let (content, sign) = signed_part(method, reply.body())?;
    if !sign::verify_text(&*merchant.alipay, content, &sign) {
        return Err(Cause::Unverified { what: WHAT, why: "its signature does not fit" }.into());
    }
    serde_json::from_str(content).map_err(|source| Cause::Json { what: WHAT, source }.into())
}

/// The value of `<method>_response` as sent, spaces and escapes included, and the signature beside it.
fn signed_part<'a>(method: &str, body: &'a [u8]) -> Result<(&'a str, String), Error> {
    let root = format!("{}_response", method.replace('.', "_"));
    let members: Members<'a> = serde_json::from_slice(body).map_err(unreadable)?;
    let sign = members.find("sign").map(|sign| serde_json::from_str(sign).map_err(unreadable)).transpose()?;
    match (members.find(&root), sign) {
        (Some(content), Some(sign)) => Ok((content, sign)),
        (content, _) => Err(unsigned(content.or_else(|| members.find("error_response")))),
    }
}

/// The gateway does not sign what it refuses before it knows the app. The code is shown, never acted on.
fn unsigned(content: Option<&str>) -> Error {
    #[derive(serde::Deserialize)]
    struct Refusal {
        code: String,
        #[serde(default)]
        sub_code: String,
    }
    let refusal = content.and_then(|content| serde_json::from_str::<Refusal>(content).ok());
    let code = refusal.map(|refusal| format!("{} {}", refusal.code, refusal.sub_code));
    Cause::Unsigned { code: quoted(code.as_deref().unwrap_or("none").trim()) }.into()
}

fn unreadable(source: serde_json::Error) -> Error {
    Cause::Unreadable { what: WHAT, source }.into()
}

/// The members of the outer object, values as sent. A name that occurs twice is refused: that is how a signed
/// part is wrapped beside an unsigned one.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Members<'a> {
    fn find(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(member, _)| member == name).map(|(_, value)| value.get())
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;
        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members: Vec<(String, &'de RawValue)> = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
                    if members.iter().any(|(member, _)| *member == name) || members.len() == 16 {
                        return Err(A::Error::custom("a member occurs twice, or there are more than 16"));
                    }
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(MembersVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const METHOD: &str = "alipay.trade.query";

    #[test]
    fn the_signed_part_is_kept_as_sent() {
        let content = "{ \"url\":\"http:\\/\\/x\\/?a&sign=1\", \"sign\":\"}\\\"{\" ,\"n\":{\"sign\":\"y\"}}";
        let body =
            format!("{{\n\"alipay_trade_query_response\"\n :\n {content} ,\n \"sign\" : \"abc\\/\" }}");
        assert_eq!(signed_part(METHOD, body.as_bytes()).unwrap(), (content, "abc/".to_owned()));
    }

    #[test]
    fn wrapping_and_missing_signatures_are_refused() {
        for body in [
            r#"{"alipay_trade_query_response":{},"sign":"a","alipay_trade_query_response":{}}"#,
            r#"{"alipay_trade_query_response":{},"sign":"a","sign":"b"}"#,
            r#"{"alipay_trade_query_response":{},"s\u0069gn":"a","sign":"b"}"#,
            r#"{"alipay_trade_query_response":{}}"#,
            r#"{"alipay_trade_query_response":{},"sign":null}"#,
            r#"{"sign":"a","alipay_trade_pay_response":{}}"#,
            r#"{"error_response":{"code":"40002","sub_code":"isv.invalid-app-id"}}"#,
            "[]",
            "",
        ] {
            assert!(signed_part(METHOD, body.as_bytes()).is_err(), "{body}");
        }
    }

    /// Replies from the public tests of other projects; the file names them.
    #[test]
    fn vectors() {
        let file = include_str!("../../tests/it/vectors/alipay-reply.json");
        let file: serde_json::Value = serde_json::from_str(file).unwrap();
        let mut genuine = 0;
        for case in file["cases"].as_array().unwrap() {
            let (method, body) = (case["method"].as_str().unwrap(), case["body"].as_str().unwrap());
            let (content, sign) = signed_part(method, body.as_bytes()).unwrap();
            assert_eq!(content, case["signed_part"].as_str().unwrap(), "{}", case["id"]);
            if let Some(key) = case["alipay_public_key"].as_str() {
                let key = crate::PublicKey::parse(key).unwrap();
                assert!(sign::verify_text(&key, content, &sign), "{}", case["id"]);
                assert!(!sign::verify_text(&key, &content.replacen("10000", "40004", 1), &sign));
                genuine += 1;
            }
        }
        assert_eq!(genuine, 1);
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _answered = signed_part(METHOD, &body);
        }

        #[test]
        fn near_json_is_answered(tail in "[{}\\[\\]\":,a\\\\ ]{0,40}") {
            let _answered = signed_part(METHOD, format!("{{\"alipay_trade_query_response\":{tail}").as_bytes());
        }
    }
}
