//! Access tokens that both sides of a figure sign and verify: RS256, one key of 2048 bits, seven claims each
//! (RFC 9068).

use std::time::Duration;

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::signature::{KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sso_core::{Claims, Issuer, KeySet, Lifetime, SigningKey, TokenId, UnixMillis, UserId, Verifier};

use crate::Error;
use crate::workload::Request;

/// Who signs.
pub(crate) const ISSUER: &str = "https://sso.example";
/// Who verifies.
pub(crate) const AUDIENCE: &str = "shop-api";
const CLIENT: &str = "shop-web";
/// Different tokens; all of them fit into any cache.
const COUNT: u32 = 256;
/// Longer than any run.
const LIFE: Duration = Duration::from_secs(12 * 3600);

/// The key and the tokens of one figure.
pub(crate) struct Tokens {
    /// Ours.
    pub(crate) key: SigningKey,
    /// All of them, by our issuer.
    pub(crate) all: Vec<Token>,
}

/// One token, in all the forms in which a side may want it.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    /// What is said, as our crate takes it.
    pub(crate) claims: Claims,
    /// The same, as the peers take it.
    pub(crate) plain: PlainClaims,
    /// What is signed: header and payload.
    pub(crate) message: String,
    /// The signature, as it comes out of the key.
    pub(crate) signature: Vec<u8>,
    /// The whole token.
    pub(crate) text: String,
}

/// The seven claims as a plain struct, in the order in which our issuer writes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PlainClaims {
    pub(crate) iss: String,
    pub(crate) sub: String,
    pub(crate) aud: String,
    pub(crate) client_id: String,
    pub(crate) jti: String,
    pub(crate) iat: u64,
    pub(crate) exp: u64,
}

impl Tokens {
    /// A new key, and tokens of different users.
    pub(crate) fn draw() -> Result<Self, Error> {
        let key = SigningKey::generate_rs256()?;
        let issuer = Issuer::new(ISSUER, &KeySet::new(key.clone()))?;
        let life = Lifetime::starting(UnixMillis::now(), LIFE)?;
        let all = (0..COUNT).map(|number| Token::draw(number, &issuer, life)).collect::<Result<_, _>>()?;
        Ok(Self { key, all })
    }

    /// How long a token is, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.all.first().map_or(0, |token| token.text.len())
    }

    /// Our issuer of these tokens.
    pub(crate) fn issuer(&self) -> Result<Issuer, Error> {
        Ok(Issuer::new(ISSUER, &KeySet::new(self.key.clone()))?)
    }

    /// Our verifier of them.
    pub(crate) fn verifier(&self) -> Result<Verifier, Error> {
        Ok(Verifier::new(ISSUER, AUDIENCE, &KeySet::new(self.key.clone()))?)
    }

    /// The private key as PEM text (PKCS #8).
    pub(crate) fn private_pem(&self) -> Result<String, Error> {
        Ok(self.key.to_pkcs8_pem()?.to_string())
    }

    /// The public key as PEM text (SPKI).
    pub(crate) fn public_pem(&self) -> Result<String, Error> {
        let pair = self.pair()?;
        let der: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(|_| Error::Key)?;
        let base64 = STANDARD.encode(der.as_ref());
        Ok(format!("-----BEGIN PUBLIC KEY-----\n{base64}\n-----END PUBLIC KEY-----\n"))
    }

    /// The private key, parsed by the library beneath.
    pub(crate) fn pair(&self) -> Result<RsaKeyPair, Error> {
        let pem = self.key.to_pkcs8_pem()?;
        let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let der = STANDARD.decode(base64).map_err(|_| Error::Key)?;
        RsaKeyPair::from_pkcs8(&der).map_err(|_| Error::Key)
    }

    /// The public key, parsed by the library beneath.
    pub(crate) fn public(&self) -> Result<ParsedPublicKey, Error> {
        let pair = self.pair()?;
        ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key()).map_err(|_| Error::Key)
    }
}

impl Token {
    fn draw(number: u32, issuer: &Issuer, life: Lifetime) -> Result<Self, Error> {
        let user = Request::new(number).buyer;
        let claims = Claims::new(UserId::new(&user)?, CLIENT, AUDIENCE, TokenId::random()?, life)?;
        let text = issuer.issue(&claims)?;
        let (message, signature) = text.rsplit_once('.').ok_or(Error::Key)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Error::Key)?;
        let plain = PlainClaims {
            iss: ISSUER.to_owned(),
            sub: user,
            aud: AUDIENCE.to_owned(),
            client_id: CLIENT.to_owned(),
            jti: claims.id().as_str().to_owned(),
            iat: claims.issued_at().as_secs(),
            exp: claims.expires_at().as_secs(),
        };
        Ok(Self { claims, plain, message: message.to_owned(), signature, text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_token_says_the_same() {
        let tokens = Tokens::draw().unwrap();
        let token = tokens.all.first().unwrap();
        let payload = token.message.split('.').nth(1).unwrap();
        let payload = URL_SAFE_NO_PAD.decode(payload).unwrap();
        // Seven claims, the same bytes whoever writes them.
        assert_eq!(String::from_utf8(payload).unwrap(), serde_json::to_string(&token.plain).unwrap());
        assert!(tokens.all.iter().all(|token| token.text.len() == tokens.bytes()));
        let verified = tokens.verifier().unwrap().verify(&token.text, UnixMillis::now()).unwrap();
        assert_eq!(verified.into_inner(), token.claims);
    }
}
