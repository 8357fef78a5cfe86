//! The addresses of a provider's endpoints.

/// Where clients find the endpoints: whole addresses, as the discovery document tells them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Endpoints {
    /// Where browsers are sent to sign in.
    pub authorization: String,
    /// Where codes become tokens.
    pub token: String,
    /// Where access tokens become claims.
    pub userinfo: String,
    /// Where the public keys are.
    pub jwks: String,
    /// Where browsers are sent to sign out.
    pub end_session: String,
}

impl Endpoints {
    /// `/authorize`, `/token`, `/userinfo`, `/jwks.json` and `/end-session` below an issuer.
    #[must_use]
    pub fn below(issuer: &str) -> Self {
        let at = |path| format!("{issuer}/{path}");
        Self {
            authorization: at("authorize"),
            token: at("token"),
            userinfo: at("userinfo"),
            jwks: at("jwks.json"),
            end_session: at("end-session"),
        }
    }
}
