//! What is fuzzed: one line a parser.

mod cookies;
#[cfg(feature = "provider")]
mod gate;
#[cfg(feature = "token")]
mod json;
mod kept;
#[cfg(feature = "token")]
mod keys;
#[cfg(feature = "provider")]
mod logout;
mod names;
#[cfg(feature = "password")]
mod passwords;
#[cfg(feature = "provider")]
mod provider;
#[cfg(feature = "social")]
mod replies;
#[cfg(feature = "social")]
mod social;
#[cfg(feature = "token")]
mod tokens;

use crate::engine::Target;

/// Every target of this crate.
pub(crate) fn all() -> Vec<Target> {
    vec![
        cookies::session_secret(),
        cookies::session_cookie(),
        names::refresh_secret(),
        names::session_id(),
        names::family_id(),
        names::cursor(),
        kept::attributes(),
        kept::proofs(),
        kept::lifespan(),
        kept::end_reason(),
        #[cfg(feature = "password")]
        passwords::password_hash(),
        #[cfg(feature = "password")]
        passwords::device_cookie(),
        #[cfg(feature = "token")]
        tokens::token_text(),
        #[cfg(feature = "token")]
        tokens::token_parts(),
        #[cfg(feature = "token")]
        tokens::token_claims(),
        #[cfg(feature = "token")]
        keys::jwks(),
        #[cfg(feature = "token")]
        keys::signing_key_pem(),
        #[cfg(feature = "token")]
        json::strict_json(),
        #[cfg(feature = "provider")]
        provider::grant_secret(),
        #[cfg(feature = "provider")]
        provider::client_secret_hash(),
        #[cfg(feature = "provider")]
        provider::authorize_query(),
        #[cfg(feature = "provider")]
        provider::token_request(),
        #[cfg(feature = "provider")]
        provider::end_session_query(),
        #[cfg(feature = "provider")]
        logout::logout_body(),
        #[cfg(feature = "provider")]
        logout::logout_claims(),
        #[cfg(feature = "social")]
        social::social_callback(),
        #[cfg(feature = "social")]
        social::social_cookie(),
        #[cfg(feature = "social")]
        replies::social_reply(),
        #[cfg(feature = "social")]
        social::social_id_token(),
        #[cfg(feature = "social")]
        social::discovery_document(),
    ]
}

/// Arbitrary bytes as a reader of text gets them: what is not UTF-8 never reaches it.
fn text(input: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(input)
}

fn seeds<const N: usize>(texts: [String; N]) -> Vec<Vec<u8>> {
    texts.into_iter().map(String::into_bytes).collect()
}

/// Runs what a store in memory answers at once.
#[cfg(feature = "provider")]
fn block_on<F: Future>(future: F) -> F::Output {
    use std::sync::LazyLock;

    use tokio::runtime::{Builder, Runtime};

    static RUNTIME: LazyLock<Runtime> =
        LazyLock::new(|| Builder::new_current_thread().enable_all().build().unwrap());
    RUNTIME.block_on(future)
}
