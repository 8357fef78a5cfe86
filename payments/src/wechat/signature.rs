//! Whether WeChat Pay signed these bytes: the headers of replies and notifies (manual: 签名验证).

use super::keys::{KeyName, WechatKeys};
use crate::error::{Cause, Error, quoted};
use crate::{PublicKey, UnixMillis, sign};
use http::HeaderMap;

/// How far the time of a signature may be from ours, either way; at the limit it is refused.
pub(crate) const WINDOW_SECS: u64 = 300;
const TYPE: &str = super::authorization::SCHEME;
/// WeChat Pay signs some messages wrongly on purpose and watches whether we notice.
const PROBE: &str = "WECHATPAY/SIGNTEST/";
const HEADER_BYTES_MAX: usize = 1024;

/// The signature headers of one message; nothing of them is proved.
pub(crate) struct SignatureHeaders<'a> {
    what: &'static str,
    timestamp: &'a str,
    nonce: &'a str,
    signature: &'a str,
    serial: &'a str,
}

/// True if the message has a signature at all, right or wrong.
pub(crate) fn is_signed(headers: &HeaderMap) -> bool {
    headers.contains_key("wechatpay-signature")
}

impl<'a> SignatureHeaders<'a> {
    /// Takes the headers, each of which occurs once, and checks everything but the signature itself.
    pub(crate) fn read(what: &'static str, headers: &'a HeaderMap, at: UnixMillis) -> Result<Self, Error> {
        let unverified = |why| Cause::Unverified { what, why };
        let found = Self {
            what,
            timestamp: only(headers, "wechatpay-timestamp").map_err(unverified)?,
            nonce: only(headers, "wechatpay-nonce").map_err(unverified)?,
            signature: only(headers, "wechatpay-signature").map_err(unverified)?,
            serial: only(headers, "wechatpay-serial").map_err(unverified)?,
        };
        // The algorithm is ours: a message may only agree with it.
        if headers.contains_key("wechatpay-signature-type")
            && only(headers, "wechatpay-signature-type").map_err(unverified)? != TYPE
        {
            return Err(unverified("its signature type is not WECHATPAY2-SHA256-RSA2048").into());
        }
        let secs =
            seconds(found.timestamp).ok_or_else(|| unverified("its timestamp is no number of seconds"))?;
        if secs.abs_diff(at.as_millis() / 1000) >= WINDOW_SECS {
            return Err(unverified("it was signed 300 seconds or more from now: check the clock").into());
        }
        if found.signature.starts_with(PROBE) {
            return Err(unverified("it is a probe with a signature that is wrong on purpose").into());
        }
        Ok(found)
    }

    /// The key that the message names.
    pub(crate) fn key_name(&self) -> Result<KeyName<'a>, Error> {
        KeyName::read(self.serial).ok_or_else(|| self.unknown_key())
    }

    /// Verifies with the keys that we know.
    pub(crate) fn verify(&self, keys: &WechatKeys, body: &[u8], at: UnixMillis) -> Result<(), Error> {
        let name = self.key_name()?;
        let Some(key) = keys.find(&name, at) else {
            keys.note_unknown(&name);
            return Err(self.unknown_key());
        };
        self.verify_by(&key, body)
    }

    /// Verifies with one key.
    pub(crate) fn verify_by(&self, key: &PublicKey, body: &[u8]) -> Result<(), Error> {
        if sign::verify_bytes(key, &self.message(body), self.signature) {
            Ok(())
        } else {
            Err(Cause::Unverified { what: self.what, why: "its signature does not fit" }.into())
        }
    }

    /// Time and nonce as sent, and the raw body: three lines, each with its end.
    fn message(&self, body: &[u8]) -> Vec<u8> {
        let size = self.timestamp.len() + self.nonce.len() + body.len() + 3;
        let mut message = Vec::with_capacity(size);
        for line in [self.timestamp.as_bytes(), self.nonce.as_bytes(), body] {
            message.extend_from_slice(line);
            message.push(b'\n');
        }
        message
    }

    fn unknown_key(&self) -> Error {
        Cause::UnknownCertificate { sn: quoted(self.serial) }.into()
    }
}

/// The value of a header that occurs exactly once.
fn only<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, &'static str> {
    let mut values = headers.get_all(name).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err("a signature header is missing or occurs twice");
    };
    let text = value.to_str().map_err(|_| "a signature header is no ASCII")?;
    if text.is_empty() || text.len() > HEADER_BYTES_MAX || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("a signature header is empty, too long, or holds a space");
    }
    Ok(text)
}

/// Digits only: no sign, so nothing can overflow on its way to a difference.
fn seconds(text: &str) -> Option<u64> {
    let digits = text.len() <= 18 && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the public tests of other projects; the file names them.
    #[test]
    fn vectors() {
        let file = include_str!("../../tests/it/vectors/wechat-sign.json");
        let file: serde_json::Value = serde_json::from_str(file).unwrap();
        let (mut genuine, mut whole) = (0, 0);
        for case in file["verify"].as_array().unwrap() {
            let text = |name: &str| case[name].as_str().unwrap();
            let key = PublicKey::parse(text("public_key")).unwrap();
            let fits = sign::verify_text(&key, text("message"), text("signature"));
            assert_eq!(fits, case["genuine"].as_bool().unwrap(), "{}", text("id"));
            genuine += u32::from(fits);
            let Some(named) = case["headers"].as_object() else { continue };
            let mut headers = HeaderMap::new();
            for (name, value) in named {
                let name: http::HeaderName = name.parse().unwrap();
                headers.insert(name, value.as_str().unwrap().parse().unwrap());
            }
            let secs: u64 = named["Wechatpay-Timestamp"].as_str().unwrap().parse().unwrap();
            let found =
                SignatureHeaders::read("reply", &headers, UnixMillis::from_millis(secs * 1000)).unwrap();
            assert_eq!(found.message(text("body").as_bytes()), text("message").as_bytes());
            found.verify_by(&key, text("body").as_bytes()).unwrap();
            assert!(found.verify_by(&key, b"{}").is_err());
            whole += 1;
        }
        assert_eq!((genuine, whole), (4, 1));
    }

    #[test]
    fn a_timestamp_is_digits() {
        assert_eq!(seconds("1624523846"), Some(1_624_523_846));
        for text in ["-9223372036854775808", "18446744073709551615", "+1", "1.0", "1e9", "", "0x1", "１"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
