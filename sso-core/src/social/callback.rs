//! The query with which a browser comes back from a provider, read without trust.

use std::collections::BTreeMap;
use std::fmt;

use crate::social::attempt::State;
use crate::social::hidden::Hidden;
use crate::social::provider::{Protocol, Provider};
use crate::social::refused::SocialRefused;

/// The code that a provider gives for a token, once, within minutes. It is never printed.
#[derive(Clone)]
pub struct GrantCode(Hidden);

impl GrantCode {
    /// The longest code, in bytes.
    pub const BYTES_MAX: usize = 2048;

    /// A code from its text: visible ASCII characters (RFC 6749, appendix A.11); `None` if it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=Self::BYTES_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        fits.then(|| Self(Hidden::new(text)))
    }

    pub(crate) fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl PartialEq for GrantCode {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for GrantCode {}

impl fmt::Debug for GrantCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GrantCode(..)")
    }
}

/// What a browser brings back. Nothing of it is true before the state is found in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Callback {
    /// The user consented.
    Code {
        /// The attempt that this answers.
        state: State,
        /// What the token is asked with.
        code: GrantCode,
        /// The issuer that answers, as the provider wrote it (RFC 9207).
        iss: Option<String>,
    },
    /// The user did not consent.
    Denied {
        /// The attempt that this answers.
        state: State,
    },
    /// The provider refuses, or another issuer answers than was asked.
    Failed {
        /// The attempt that this answers.
        state: State,
        /// Why.
        refused: SocialRefused,
    },
    /// It is no callback: a parameter is missing, doubled, too long or in the wrong alphabet.
    Malformed,
}

impl Callback {
    /// The longest query that is read, in bytes.
    pub const QUERY_BYTES_MAX: usize = 8 * 1024;

    /// The attempt that it answers, if it is a callback at all.
    #[must_use]
    pub fn state(&self) -> Option<&State> {
        match self {
            Self::Code { state, .. } | Self::Denied { state } | Self::Failed { state, .. } => Some(state),
            Self::Malformed => None,
        }
    }

    pub(crate) fn parse(provider: &Provider, query: &str) -> Self {
        let Some(known) = parameters(query) else { return Self::Malformed };
        let of = |name: &str| known.get(name).map(String::as_str).filter(|text| !text.is_empty());
        let Some(state) = of("state").and_then(State::parse) else { return Self::Malformed };
        if wrong_issuer(provider, of("iss")) {
            return Self::Failed { state, refused: SocialRefused::WrongIssuer };
        }
        let wechat = matches!(provider.protocol, Protocol::WechatQr | Protocol::WechatInApp);
        let error = of("error").or(of("error_code"));
        let denied = of("error") == Some("access_denied")
            || of("error_code") == Some("21330")
            || of("usercancel").is_some_and(|value| value != "0")
            || (wechat && of("code").is_none_or(|code| code == "authdeny") && error.is_none());
        match (of("code"), error) {
            _ if denied => Self::Denied { state },
            (_, Some(error)) => {
                let text = of("error_description").unwrap_or_default();
                Self::Failed { state, refused: SocialRefused::says(error, text) }
            }
            (Some(code), None) => match GrantCode::parse(code) {
                Some(code) => Self::Code { state, code, iss: of("iss").map(str::to_owned) },
                None => Self::Malformed,
            },
            (None, None) => Self::Malformed,
        }
    }
}

/// The parameters that mean something, or nothing if one of them is there twice.
fn parameters(query: &str) -> Option<BTreeMap<String, String>> {
    const KNOWN: [&str; 7] =
        ["code", "state", "iss", "error", "error_code", "error_description", "usercancel"];
    let query = Some(query).filter(|query| query.len() <= Callback::QUERY_BYTES_MAX)?;
    let mut known = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if KNOWN.contains(&name.as_ref()) && known.insert(name.into_owned(), value.into_owned()).is_some() {
            return None;
        }
    }
    Some(known)
}

/// Whether another issuer answers than the browser was sent to (RFC 9207, section 2.4).
fn wrong_issuer(provider: &Provider, iss: Option<&str>) -> bool {
    match (&provider.protocol, iss) {
        (Protocol::Oidc(discovery), Some(iss)) => iss != discovery.issuer(),
        (Protocol::Oidc(discovery), None) => discovery.announces_iss(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::social::app::App;

    const STATE: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    fn read(make: fn(App) -> Provider, query: &str) -> Callback {
        let app = App::new("1", "s", "https://a.example/").unwrap();
        make(app).callback(&query.replace("STATE", STATE))
    }

    fn state() -> State {
        State::parse(STATE).unwrap()
    }

    #[test]
    fn a_code_comes_with_its_state() {
        let code = GrantCode::parse("a/b+c=").unwrap();
        let expected = Callback::Code { state: state(), code, iss: None };
        assert_eq!(read(Provider::qq, "code=a%2Fb%2Bc%3D&state=STATE&other=1&other=2"), expected);
        assert!(!format!("{expected:?}").contains("a/b"));
    }

    #[test]
    fn every_providers_denial_is_one() {
        let denied = Callback::Denied { state: state() };
        assert_eq!(read(Provider::wechat_qr, "state=STATE"), denied);
        assert_eq!(read(Provider::wechat_in_app, "code=authdeny&state=STATE"), denied);
        assert_eq!(read(Provider::weibo, "error_code=21330&error=x&state=STATE"), denied);
        assert_eq!(read(Provider::github, "error=access_denied&error_description=x&state=STATE"), denied);
        assert_eq!(read(Provider::qq, "usercancel=1&state=STATE"), denied);
    }

    #[test]
    fn another_error_is_what_the_provider_says() {
        let refused = SocialRefused::ProviderSays { code: "21322".to_owned(), text: "no\u{fffd}".to_owned() };
        let failed = Callback::Failed { state: state(), refused };
        assert_eq!(read(Provider::weibo, "error_code=21322&error_description=n%0Ao%FF&state=STATE"), failed);
    }

    #[test]
    fn what_is_no_callback_is_malformed() {
        for query in [
            "",
            "code=1",
            "code=1&state=",
            "code=1&state=STATEx",
            "state=STATE",
            "code=&state=STATE",
            "code=1&code=2&state=STATE",
            "code=1&state=STATE&state=STATE",
            "code=a%20b&state=STATE",
            "code=%FF&state=STATE",
        ] {
            assert_eq!(read(Provider::github, query), Callback::Malformed, "{query}");
        }
        let upper = format!("code=1&state={}", STATE.to_uppercase());
        assert_eq!(read(Provider::github, &upper), Callback::Malformed);
        let long = format!("code=1&state=STATE&x={}", "y".repeat(Callback::QUERY_BYTES_MAX));
        assert_eq!(read(Provider::github, &long), Callback::Malformed);
    }

    proptest! {
        #[test]
        fn any_query_is_read_without_panic(query in "((code|state|error|iss)=\\PC{0,12}&?){0,4}|\\PC{0,60}") {
            prop_assert_eq!(read(Provider::wechat_qr, &query), Callback::Malformed);
        }
    }
}
