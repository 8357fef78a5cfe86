//! The five lines that a merchant signs, and the `Authorization` header made of them (manual: 签名生成).

use super::merchant::Merchant;
use crate::Stamp;
use crate::error::Error;
use crate::sign;

/// The scheme: SHA256withRSA over an RSA key of 2048 bits.
pub(crate) const SCHEME: &str = "WECHATPAY2-SHA256-RSA2048";

/// Method, path with query, seconds, nonce, body: each line ends, also that of an empty body.
pub(crate) fn message(method: &str, path: &str, secs: u64, nonce: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("{method}\n{path}\n{secs}\n{nonce}\n");
    let mut message = Vec::with_capacity(head.len() + body.len() + 1);
    message.extend_from_slice(head.as_bytes());
    message.extend_from_slice(body);
    message.push(b'\n');
    message
}

/// The value of the header.
pub(crate) fn authorization(
    merchant: &Merchant,
    (method, path): (&str, &str),
    body: &[u8],
    stamp: Stamp,
) -> Result<String, Error> {
    let (secs, nonce) = (stamp.now.as_millis() / 1000, stamp.nonce.to_string());
    let message = message(method, path, secs, &nonce, body);
    let signature = sign::sign_bytes(&*merchant.credential.signer, &message)?;
    let (mchid, serial) = (&merchant.mchid, &merchant.credential.serial);
    Ok(format!(
        "{SCHEME} mchid=\"{mchid}\",nonce_str=\"{nonce}\",timestamp=\"{secs}\",serial_no=\"{serial}\",\
         signature=\"{signature}\""
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the public tests of other projects; the file names them.
    #[test]
    fn five_lines_each_with_its_end() {
        let file = include_str!("../../tests/it/vectors/wechat-sign.json");
        let file: serde_json::Value = serde_json::from_str(file).unwrap();
        for case in file["authorization"].as_array().unwrap() {
            let text = |name: &str| case[name].as_str().unwrap();
            let secs = case["secs"].as_u64().unwrap();
            let lines = message(text("method"), text("path"), secs, text("nonce"), text("body").as_bytes());
            assert_eq!(lines, text("message").as_bytes(), "{}", text("id"));
        }
    }
}
