//! A reply of the gateway to a call: the bytes that are signed, found exactly, verified, and only then read.

use super::merchant::Merchant;
use super::refusal::Refusal;
use crate::error::{Cause, Error, quoted};
use crate::{Reply, sign};
use bytes::Bytes;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;
use zeroize::Zeroizing;

/// The longest reply that is read, in bytes.
pub(crate) const REPLY_BYTES_MAX: usize = 1_048_576;

const WHAT: &str = "alipay reply";

/// What a verified reply says.
pub(crate) enum Answer<T> {
    /// Code 10000, and the content of the call.
    Done(T),
    /// Any other code.
    Refused(Refusal),
}

impl<T> Answer<T> {
    /// The content, for a call whose every refusal is an error.
    pub(crate) fn done(self) -> Result<T, Error> {
        match self {
            Self::Done(content) => Ok(content),
            Self::Refused(refusal) => Err(refusal.into()),
        }
    }
}

/// What all contents begin with.
#[derive(serde::Deserialize)]
struct Head {
    code: String,
    #[serde(default)]
    msg: String,
    #[serde(default)]
    sub_code: String,
    #[serde(default)]
    sub_msg: String,
}

/// Verifies a reply to `method` and reads its content.
pub(crate) fn read<T: DeserializeOwned>(
    merchant: &Merchant,
    method: &str,
    reply: &Reply,
) -> Result<Answer<T>, Error> {
    check_shape(&reply.response)?;
    let signed = signed_part(method, reply.response.body())?;
    let verifier = merchant.verifier(signed.certificate.as_deref(), reply.received_at)?;
    if !sign::verify_text(&*verifier, signed.content, &signed.sign) {
        return Err(Cause::Unverified { what: WHAT, why: "its signature does not fit" }.into());
    }
    let plain = decrypted(merchant, signed.content)?;
    let content = plain.as_ref().map_or(signed.content, |plain| plain.as_str());
    let head: Head = parsed(content)?;
    if head.code == "10000" {
        return parsed(content).map(Answer::Done);
    }
    let message = if head.sub_msg.is_empty() { &head.msg } else { &head.sub_msg };
    Ok(Answer::Refused(Refusal::new(&head.code, &head.sub_code, message)))
}

/// What a verified content says, if it is encrypted: then it is a text, and its quotes were signed with it.
fn decrypted(merchant: &Merchant, content: &str) -> Result<Option<Zeroizing<String>>, Error> {
    if !content.starts_with('"') {
        return Ok(None);
    }
    let why = "its replies are encrypted; give it the content key";
    let key = merchant.content_key.as_ref().ok_or(Cause::Setup { what: "alipay merchant", why })?;
    key.decrypt(&parsed::<String>(content)?).map(Some)
}

/// The value of `<method>_response`, which nothing proves: for a content that proves itself.
pub(crate) fn unproved_content<'a>(method: &str, body: &'a [u8]) -> Result<&'a str, Error> {
    let members: Members<'a> = serde_json::from_slice(body).map_err(unreadable)?;
    members.find(&root_of(method)).ok_or_else(|| unsigned(members.find("error_response")))
}

/// Refuses what no gateway sends before it is looked at.
pub(crate) fn check_shape(reply: &http::Response<Bytes>) -> Result<(), Error> {
    if reply.status() != http::StatusCode::OK {
        return Err(Cause::Status(reply.status().as_u16()).into());
    }
    if reply.body().len() > REPLY_BYTES_MAX {
        return Err(Cause::Unverified { what: WHAT, why: "it is longer than 1048576 bytes" }.into());
    }
    Ok(())
}

fn root_of(method: &str) -> String {
    format!("{}_response", method.replace('.', "_"))
}

fn parsed<T: DeserializeOwned>(content: &str) -> Result<T, Error> {
    serde_json::from_str(content).map_err(|source| Cause::Json { what: WHAT, source }.into())
}

/// An error about a member of a verified reply.
pub(super) fn field(field: &'static str, source: Option<Error>) -> Error {
    Cause::Field { what: WHAT, field, source: source.map(Box::new) }.into()
}

/// Reads a member that the manual promises.
pub(super) fn required<T>(
    value: Option<&str>,
    name: &'static str,
    parse: fn(&str) -> Result<T, Error>,
) -> Result<T, Error> {
    let value = value.filter(|value| !value.is_empty()).ok_or_else(|| field(name, None))?;
    parse(value).map_err(|error| field(name, Some(error)))
}

/// Compares a number in a verified reply with the one that was asked about: a reply to another call fits the key too.
pub(super) fn same(found: Option<&str>, asked: &str, name: &'static str) -> Result<(), Error> {
    if found == Some(asked) { Ok(()) } else { Err(field(name, None)) }
}

/// The value of `<method>_response` as sent, spaces and escapes included, and what stands beside it.
#[derive(Debug, PartialEq, Eq)]
struct Signed<'a> {
    content: &'a str,
    sign: String,
    /// `alipay_cert_sn`: which certificate signed it, in certificate mode.
    certificate: Option<String>,
}

fn signed_part<'a>(method: &str, body: &'a [u8]) -> Result<Signed<'a>, Error> {
    let members: Members<'a> = serde_json::from_slice(body).map_err(unreadable)?;
    match (members.find(&root_of(method)), members.text("sign")?) {
        (Some(content), Some(sign)) => {
            Ok(Signed { content, sign, certificate: members.text("alipay_cert_sn")? })
        }
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

    fn text(&self, name: &str) -> Result<Option<String>, Error> {
        self.find(name).map(|value| serde_json::from_str(value).map_err(unreadable)).transpose()
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
        let signed = Signed { content, sign: "abc/".to_owned(), certificate: None };
        assert_eq!(signed_part(METHOD, body.as_bytes()).unwrap(), signed);
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
            let Signed { content, sign, .. } = signed_part(method, body.as_bytes()).unwrap();
            assert_eq!(content, case["signed_part"].as_str().unwrap(), "{}", case["id"]);
            if let Some(key) = case["alipay_public_key"].as_str() {
                let key = crate::PublicKey::parse(key).unwrap();
                let fits = sign::verify_text(&key, content, &sign);
                assert_eq!(fits, case["genuine"].as_bool().unwrap(), "{}", case["id"]);
                assert!(!sign::verify_text(&key, &content.replacen("10000", "40004", 1), &sign));
                genuine += u32::from(fits);
            }
        }
        assert_eq!(genuine, 3);
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
