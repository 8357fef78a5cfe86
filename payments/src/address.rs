//! Addresses: ours that gateways call back at, and theirs that calls go to.

use crate::error::{Error, refused_value};
use std::fmt;

/// An address of ours that a gateway calls (`notify_url`) or sends the buyer back to (`return_url`).
///
/// It has no query: gateways sign only their own parameters, and drop or re-encode others. Put an order number
/// into the path if it is needed there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallbackUrl {
    url: Url,
}

const URL_RULE: &str =
    "give http:// or https://, a host, an optional path; no query, no user, at most 256 characters";
/// The limit of the gateways on such addresses.
const URL_CHARS_MAX: usize = 256;

impl CallbackUrl {
    /// Reads an absolute address.
    ///
    /// # Errors
    /// `InvalidInput` if it is no absolute HTTP address, has a query or a fragment, or is too long.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let url = Url::parse(text).ok_or_else(|| refused_value("callback address", text, URL_RULE))?;
        Ok(Self { url })
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.url.text
    }

    /// Scheme, host and port: what a content security policy and a link home need.
    #[cfg(feature = "sandbox")]
    pub(crate) fn origin(&self) -> String {
        let scheme = if self.url.secure { "https" } else { "http" };
        format!("{scheme}://{}", self.url.authority)
    }
}

impl fmt::Display for CallbackUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An absolute address without a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Url {
    text: String,
    secure: bool,
    host: String,
    authority: String,
}

/// A gateway's address: over TLS, or over plain HTTP on this machine (`127.0.0.1`, `[::1]`, `localhost`).
pub(crate) fn gateway_url(text: &str) -> Result<String, Error> {
    let url = Url::parse(text).ok_or_else(|| refused_value("gateway address", text, URL_RULE))?;
    if url.secure || matches!(url.host.as_str(), "127.0.0.1" | "[::1]" | "localhost") {
        Ok(url.text)
    } else {
        Err(refused_value("gateway address", text, "use https, or http on this machine only"))
    }
}

/// The same over plain HTTP to any machine.
pub(crate) fn any_gateway_url(text: &str) -> Result<String, Error> {
    Url::parse(text).map(|url| url.text).ok_or_else(|| refused_value("gateway address", text, URL_RULE))
}

/// The same without a path: calls append theirs.
pub(crate) fn gateway_origin(text: &str) -> Result<String, Error> {
    let url = gateway_url(text)?;
    let origin = url.trim_end_matches('/');
    if origin.splitn(4, '/').count() == 3 {
        Ok(origin.to_owned())
    } else {
        Err(refused_value("gateway address", text, "give scheme, host and port only, without a path"))
    }
}

impl Url {
    fn parse(text: &str) -> Option<Self> {
        let uri: http::Uri = text.parse().ok()?;
        let secure = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let authority = uri.authority()?.as_str().to_owned();
        // The authority ends up in headers, so it holds nothing that a header could be split at.
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
        let fits = text.len() <= URL_CHARS_MAX && uri.query().is_none() && !text.contains(['#', '?']);
        let host = uri.host().filter(|host| !host.is_empty())?.to_ascii_lowercase();
        (fits && authority.bytes().all(plain)).then(|| Self {
            text: text.to_owned(),
            secure,
            host,
            authority,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_that_are_refused() {
        let shapes = [
            "",
            "/notify",
            "ftp://shop.example/",
            "https://",
            "https://a:b@shop.example/",
            "https://shop;x/",
        ];
        let queries = ["https://shop.example/?a=1", "https://shop.example/#top", "https://shop.example/a b"];
        for text in shapes.into_iter().chain(queries) {
            assert!(CallbackUrl::parse(text).is_err(), "{text}");
        }
        let long = format!("https://shop.example/{}", "x".repeat(256));
        assert!(CallbackUrl::parse(&long).is_err());
    }

    #[test]
    fn plain_http_stays_on_this_machine() {
        assert!(gateway_url("http://127.0.0.1:8070/gateway.do").is_ok());
        assert!(gateway_url("http://localhost.evil.example/gateway.do").is_err());
        assert!(gateway_url("http://10.0.0.7/gateway.do").is_err());
        assert!(any_gateway_url("http://10.0.0.7/gateway.do").is_ok());
    }

    #[test]
    fn an_origin_has_no_path() {
        for text in
            ["https://api.mch.weixin.qq.com", "https://api.mch.weixin.qq.com/", "http://127.0.0.1:8070"]
        {
            assert_eq!(gateway_origin(text).unwrap(), text.trim_end_matches('/'));
        }
        assert!(gateway_origin("https://api.mch.weixin.qq.com/v3").is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in ".{0,40}") {
            let _answered = (CallbackUrl::parse(&text), gateway_url(&text), gateway_origin(&text));
        }
    }
}
