//! Whole tokens through jsonwebtoken over aws-lc-rs, with its keys made once.

use std::collections::HashSet;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use sso_core::{UnixMillis, Verifier};

use super::versioned;
use crate::contest::Load;
use crate::shift::{Task, alone};
use crate::side::Local;
use crate::tokens::{AUDIENCE, ISSUER, PlainClaims, Token, Tokens};
use crate::{Error, Timing};

/// Signs claims.
pub(crate) struct Sign {
    key: EncodingKey,
    header: Header,
    /// The claims and the token that they make.
    tokens: Vec<(PlainClaims, String)>,
    /// Sees that these tokens are as good as ours.
    verifier: Verifier,
}

/// Verifies tokens.
pub(crate) struct Verify {
    key: DecodingKey,
    validation: Validation,
    tokens: Vec<Token>,
}

impl Sign {
    /// With these claims.
    pub(crate) fn new(tokens: &Tokens) -> Result<Self, Error> {
        let mut header = Header::new(Algorithm::RS256);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(tokens.key.kid().to_owned());
        let key = EncodingKey::from_rsa_pem(tokens.private_pem()?.as_bytes())?;
        let made = |token: &Token| Ok((token.plain.clone(), encode(&header, &token.plain, &key)?));
        let made = tokens.all.iter().map(made).collect::<Result<_, Error>>()?;
        Ok(Self { key, header, tokens: made, verifier: tokens.verifier()? })
    }
}

impl Verify {
    /// These tokens.
    pub(crate) fn new(tokens: &Tokens) -> Result<Self, Error> {
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.required_spec_claims = HashSet::from(["iss", "aud", "sub", "exp"].map(str::to_owned));
        validation.validate_nbf = true;
        let key = DecodingKey::from_rsa_pem(tokens.public_pem()?.as_bytes())?;
        Ok(Self { key, validation, tokens: tokens.all.clone() })
    }
}

impl Task for Sign {
    fn prepare(&mut self) -> Local<'_, Result<(), Error>> {
        let good = |(claims, text): &(PlainClaims, String)| {
            let verified = self.verifier.verify(text, UnixMillis::now());
            verified.is_ok_and(|verified| verified.subject().as_str() == claims.sub)
        };
        let good = self.tokens.iter().all(good);
        Box::pin(async move {
            match good {
                true => Ok(()),
                false => {
                    Err(Error::Answer { given: "another token".to_owned(), wanted: "a good one".to_owned() })
                }
            }
        })
    }

    fn run(&mut self, load: Load) -> Local<'_, Result<Timing, Error>> {
        let once =
            |(claims, text): &(PlainClaims, String)| Ok(encode(&self.header, claims, &self.key)? == *text);
        let timing = alone(&self.tokens, load, once);
        Box::pin(async { timing })
    }

    fn about(&self) -> String {
        format!("{} over {}, encode of a plain struct", versioned("jsonwebtoken"), versioned("aws-lc-rs"))
    }
}

impl Task for Verify {
    fn prepare(&mut self) -> Local<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    fn run(&mut self, load: Load) -> Local<'_, Result<Timing, Error>> {
        let once = |token: &Token| {
            let verified = decode::<PlainClaims>(&token.text, &self.key, &self.validation)?;
            Ok(verified.claims.sub == token.plain.sub)
        };
        let timing = alone(&self.tokens, load, once);
        Box::pin(async { timing })
    }

    fn about(&self) -> String {
        let (name, beneath) = (versioned("jsonwebtoken"), versioned("aws-lc-rs"));
        format!("{name} over {beneath}, decode into a plain struct; iss, aud, exp and nbf checked")
    }
}
