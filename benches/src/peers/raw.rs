//! The least that a token costs: the bare signature of aws-lc-rs over its bytes, with a parsed key.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_SHA256, RsaKeyPair};

use super::versioned;
use crate::contest::Load;
use crate::shift::{Task, alone};
use crate::side::Local;
use crate::tokens::{Token, Tokens};
use crate::{Error, Timing};

/// Signs header and payload, which are there already.
pub(crate) struct Sign {
    pair: RsaKeyPair,
    tokens: Vec<Token>,
}

/// Verifies the bytes of a signature, which are there already.
pub(crate) struct Verify {
    key: ParsedPublicKey,
    tokens: Vec<Token>,
}

impl Sign {
    /// Of these tokens.
    pub(crate) fn new(tokens: &Tokens) -> Result<Self, Error> {
        Ok(Self { pair: tokens.pair()?, tokens: tokens.all.clone() })
    }
}

impl Verify {
    /// Of these tokens.
    pub(crate) fn new(tokens: &Tokens) -> Result<Self, Error> {
        Ok(Self { key: tokens.public()?, tokens: tokens.all.clone() })
    }
}

impl Task for Sign {
    fn prepare(&mut self) -> Local<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    fn run(&mut self, load: Load) -> Local<'_, Result<Timing, Error>> {
        let (random, mut signature) = (SystemRandom::new(), vec![0; self.pair.public_modulus_len()]);
        let once = |token: &Token| {
            let signed = self.pair.sign(&RSA_PKCS1_SHA256, &random, token.message.as_bytes(), &mut signature);
            Ok(signed.is_ok() && signature == token.signature)
        };
        let timing = alone(&self.tokens, load, once);
        Box::pin(async { timing })
    }

    fn about(&self) -> String {
        format!("{}, a bare signature of the same bytes with a parsed key", versioned("aws-lc-rs"))
    }
}

impl Task for Verify {
    fn prepare(&mut self) -> Local<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    fn run(&mut self, load: Load) -> Local<'_, Result<Timing, Error>> {
        let once =
            |token: &Token| Ok(self.key.verify_sig(token.message.as_bytes(), &token.signature).is_ok());
        let timing = alone(&self.tokens, load, once);
        Box::pin(async { timing })
    }

    fn about(&self) -> String {
        format!("{}, a bare check of the same bytes with a parsed key", versioned("aws-lc-rs"))
    }
}
