//! Our side of the figures about tokens: whole tokens, signed and verified through the crate's public calls.

use sso_core::{Issuer, UnixMillis, Verifier, VerifyCache};

use crate::contest::Load;
use crate::shift::{Task, alone};
use crate::side::Local;
use crate::tokens::{Token, Tokens};
use crate::{Error, Timing};

/// Signs claims.
pub(crate) struct Sign {
    issuer: Issuer,
    tokens: Vec<Token>,
}

/// Verifies tokens, each one anew.
pub(crate) struct Verify {
    verifier: Verifier,
    tokens: Vec<Token>,
}

/// Takes verified tokens out of the cache.
pub(crate) struct Cached {
    cache: VerifyCache,
    tokens: Vec<Token>,
}

impl Sign {
    /// With these claims.
    pub(crate) fn new(tokens: &Tokens) -> Result<Self, Error> {
        Ok(Self { issuer: tokens.issuer()?, tokens: tokens.all.clone() })
    }
}

impl Verify {
    /// These tokens.
    pub(crate) fn new(tokens: &Tokens) -> Result<Self, Error> {
        Ok(Self { verifier: tokens.verifier()?, tokens: tokens.all.clone() })
    }
}

impl Cached {
    /// Room for all tokens many times over.
    const ENTRIES: usize = 10_000;

    /// These tokens.
    pub(crate) fn new(tokens: &Tokens) -> Result<Self, Error> {
        let cache = VerifyCache::new(tokens.verifier()?, Self::ENTRIES);
        Ok(Self { cache, tokens: tokens.all.clone() })
    }

    fn verify(&self, token: &Token) -> Result<bool, Error> {
        let verified = self.cache.verify(&token.text, UnixMillis::now());
        Ok(verified.is_ok_and(|claims| claims.subject() == token.claims.subject()))
    }

    /// Whether the cache holds all tokens and nothing else.
    fn is_full(&self) -> Result<(), Error> {
        if self.cache.len() == self.tokens.len() {
            return Ok(());
        }
        let given = format!("{} tokens in the cache", self.cache.len());
        Err(Error::Answer { given, wanted: format!("{} of them", self.tokens.len()) })
    }
}

impl Task for Sign {
    fn prepare(&mut self) -> Local<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    fn run(&mut self, load: Load) -> Local<'_, Result<Timing, Error>> {
        // A signature with RSASSA-PKCS1-v1_5 is the same each time.
        let once = |token: &Token| Ok(self.issuer.issue(&token.claims)? == token.text);
        let timing = alone(&self.tokens, load, once);
        Box::pin(async { timing })
    }

    fn about(&self) -> String {
        "Issuer::issue, typed claims to a whole RS256 token".to_owned()
    }
}

impl Task for Verify {
    fn prepare(&mut self) -> Local<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    fn run(&mut self, load: Load) -> Local<'_, Result<Timing, Error>> {
        let once = |token: &Token| {
            let verified = self.verifier.verify(&token.text, UnixMillis::now());
            Ok(verified.is_ok_and(|claims| claims.subject() == token.claims.subject()))
        };
        let timing = alone(&self.tokens, load, once);
        Box::pin(async { timing })
    }

    fn about(&self) -> String {
        "Verifier::verify, a whole RS256 token to typed claims, clock read each time".to_owned()
    }
}

impl Task for Cached {
    fn prepare(&mut self) -> Local<'_, Result<(), Error>> {
        let once = Load { requests: u32::try_from(self.tokens.len()).unwrap_or(u32::MAX), callers: 1 };
        let filled = alone(&self.tokens, once, |token| self.verify(token)).and_then(|_| self.is_full());
        Box::pin(async { filled })
    }

    fn run(&mut self, load: Load) -> Local<'_, Result<Timing, Error>> {
        let timing = alone(&self.tokens, load, |token| self.verify(token));
        // Nothing went out of the cache, so every call was a hit.
        let timing = self.is_full().and(timing);
        Box::pin(async { timing })
    }

    fn about(&self) -> String {
        "VerifyCache::verify, every call a hit: clock, key and time checked again".to_owned()
    }
}
