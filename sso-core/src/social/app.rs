//! An application as it is registered with a provider: its id, its secret, its address.

use std::fmt;

use http::Uri;

use crate::address;
use crate::error::{Error, ErrorKind};
use crate::social::hidden::Hidden;

/// The application, as it is registered with one provider. The secret is never printed.
#[derive(Clone)]
pub struct App {
    pub(crate) id: String,
    pub(crate) secret: Hidden,
    pub(crate) redirect_uri: String,
}

impl App {
    /// An application from what the provider's console shows, and the exact address that it calls back.
    ///
    /// # Errors
    /// `InvalidInput` unless id and secret are 1 to 256 visible ASCII characters, and the address is absolute,
    /// https or on the loopback, without a fragment, and at most 512 bytes long.
    pub fn new(id: &str, secret: &str, redirect_uri: &str) -> Result<Self, Error> {
        let visible =
            |text: &str| (1..=256).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !visible(id) || !visible(secret) {
            let words = "an app id and its secret must be 1 to 256 visible ascii characters";
            return Err(Error::new(ErrorKind::InvalidInput, words));
        }
        private_address(redirect_uri)?;
        Ok(Self { id: id.to_owned(), secret: Hidden::new(secret), redirect_uri: redirect_uri.to_owned() })
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("id", &self.id)
            .field("redirect_uri", &self.redirect_uri)
            .finish_non_exhaustive()
    }
}

/// An absolute address over https or on the loopback, without user and fragment.
pub(crate) fn private_address(text: &str) -> Result<Uri, Error> {
    let refused = || {
        let words = format!("`{}` must be an absolute https address without a fragment", text.escape_debug());
        Error::new(ErrorKind::InvalidInput, words)
    };
    let plain = text.len() <= 512 && text.bytes().all(|byte| byte.is_ascii_graphic()) && !text.contains('#');
    let uri: Uri = Some(text).filter(|_| plain).and_then(|text| text.parse().ok()).ok_or_else(refused)?;
    let user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
    if address::is_private(&uri) && !user { Ok(uri) } else { Err(refused()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_private_and_plain() {
        for good in ["https://a.example", "https://a.example/x?y=1", "http://127.0.0.1:9/x", "http://[::1]:9"]
        {
            assert!(private_address(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/x",
            "http://a.example",
            "https://u@a.example",
            "https://a.example/#f",
            "https://a .example",
        ] {
            assert_eq!(private_address(bad).unwrap_err().kind(), ErrorKind::InvalidInput, "{bad}");
        }
    }

    #[test]
    fn a_secret_is_not_printed() {
        let app = App::new("id", "hush-hush", "https://a.example/").unwrap();
        assert!(!format!("{app:?}").contains("hush"));
        assert!(App::new("", "s", "https://a.example/").is_err());
        assert!(App::new("id", "s\n", "https://a.example/").is_err());
    }
}
