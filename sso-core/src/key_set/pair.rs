//! The private halves of keys as the cryptography library holds them, parsed once, and what each can do.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::error::{KeyRejected, Unspecified};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RSA_PSS_SHA256, RsaKeyPair, RsaSignatureEncoding,
};
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind};
use crate::key_set::algorithm::Algorithm;
use crate::key_set::pem::Form;
use crate::key_set::verifying_key::VerifyingKey;

/// A private key and the one way in which it signs.
pub(crate) enum Pair {
    Rsa { pair: Box<RsaKeyPair>, encoding: &'static RsaSignatureEncoding, algorithm: Algorithm },
    Ec(Box<EcdsaKeyPair>),
    Ed(Box<Ed25519KeyPair>),
    Hmac { key: Box<hmac::Key>, secret: Zeroizing<Vec<u8>> },
}

impl Pair {
    /// A new RSA, EC or Ed25519 key; `Misuse` for HMAC, whose secret comes from elsewhere.
    pub(crate) fn generate(algorithm: Algorithm) -> Result<Self, Error> {
        let failed =
            |source| Error::with_source(ErrorKind::Unavailable, "no signing key can be generated", source);
        match algorithm {
            Algorithm::Rs256 | Algorithm::Ps256 => {
                RsaKeyPair::generate(KeySize::Rsa2048).map(|pair| Self::rsa(pair, algorithm)).map_err(failed)
            }
            Algorithm::Es256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?;
                Ok(Self::Ec(Box::new(pair)))
            }
            Algorithm::EdDsa => Ok(Self::Ed(Box::new(Ed25519KeyPair::generate().map_err(failed)?))),
            Algorithm::Hs256 => Self::hmac(&crate::edge::random::<32>().map(Zeroizing::new)?[..]),
        }
    }

    /// A secret that both sides share.
    pub(crate) fn hmac(secret: &[u8]) -> Result<Self, Error> {
        if !(VerifyingKey::HMAC_BYTES_MIN..=VerifyingKey::HMAC_BYTES_MAX).contains(&secret.len()) {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "a secret for HS256 must be 32 to 1024 random bytes long",
            ));
        }
        let key = Box::new(hmac::Key::new(hmac::HMAC_SHA256, secret));
        Ok(Self::Hmac { key, secret: Zeroizing::new(secret.to_vec()) })
    }

    /// Reads a key that signs as `wanted` says, or as the kind of the key says.
    pub(crate) fn read(form: Form, der: &[u8], wanted: Option<Algorithm>) -> Result<Self, Error> {
        let refused = |source: KeyRejected| {
            Error::with_source(
                ErrorKind::InvalidInput,
                "this private key is none of: rsa of 2048 to 8192 bits, p-256, ed25519",
                source,
            )
        };
        let pair = match form {
            Form::Pkcs1 => RsaKeyPair::from_der(der).map(|pair| Self::rsa(pair, Algorithm::Rs256)),
            Form::Sec1 => EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, der)
                .map(|pair| Self::Ec(Box::new(pair))),
            Form::Pkcs8 => RsaKeyPair::from_pkcs8(der)
                .map(|pair| Self::rsa(pair, Algorithm::Rs256))
                .or_else(|_| {
                    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der)
                        .map(|pair| Self::Ec(Box::new(pair)))
                })
                .or_else(|_| Ed25519KeyPair::from_pkcs8(der).map(|pair| Self::Ed(Box::new(pair)))),
        };
        match (pair.map_err(refused)?, wanted) {
            (Self::Rsa { pair, .. }, Some(algorithm @ (Algorithm::Rs256 | Algorithm::Ps256))) => {
                Ok(Self::rsa(*pair, algorithm))
            }
            (pair, None) => Ok(pair),
            (pair, Some(algorithm)) if pair.algorithm() == algorithm => Ok(pair),
            (pair, Some(algorithm)) => Err(Error::new(
                ErrorKind::InvalidInput,
                format!("this private key cannot sign with {algorithm}: it is one for {}", pair.algorithm()),
            )),
        }
    }

    fn rsa(pair: RsaKeyPair, algorithm: Algorithm) -> Self {
        let encoding = match algorithm {
            Algorithm::Ps256 => &RSA_PSS_SHA256,
            _ => &RSA_PKCS1_SHA256,
        };
        Self::Rsa { pair: Box::new(pair), encoding, algorithm }
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        match self {
            Self::Rsa { algorithm, .. } => *algorithm,
            Self::Ec(_) => Algorithm::Es256,
            Self::Ed(_) => Algorithm::EdDsa,
            Self::Hmac { .. } => Algorithm::Hs256,
        }
    }

    /// The public half; for HMAC the same secret.
    pub(crate) fn verifying_key(&self) -> Result<VerifyingKey, Error> {
        match self {
            Self::Rsa { pair, algorithm, .. } => {
                let public = pair.public_key();
                VerifyingKey::rsa(
                    *algorithm,
                    public.modulus().big_endian_without_leading_zero(),
                    public.exponent().big_endian_without_leading_zero(),
                )
            }
            Self::Ec(pair) => VerifyingKey::p256(pair.public_key().as_ref()),
            Self::Ed(pair) => VerifyingKey::ed25519(pair.public_key().as_ref()),
            Self::Hmac { key, .. } => Ok(VerifyingKey::hmac(key.clone())),
        }
    }

    /// PKCS #8; nothing for a secret of HMAC, which has no such form.
    pub(crate) fn to_pkcs8(&self) -> Result<Option<Zeroizing<Vec<u8>>>, Unspecified> {
        let der = match self {
            Self::Rsa { pair, .. } => {
                let der: Pkcs8V1Der<'_> = pair.as_der()?;
                der.as_ref().to_vec()
            }
            Self::Ec(pair) => pair.to_pkcs8v1()?.as_ref().to_vec(),
            Self::Ed(pair) => pair.to_pkcs8v1()?.as_ref().to_vec(),
            Self::Hmac { .. } => return Ok(None),
        };
        Ok(Some(Zeroizing::new(der)))
    }

    /// The signature as RFC 7518 writes it, handed to `take`, which spares a copy.
    pub(crate) fn sign<T>(&self, message: &[u8], take: impl FnOnce(&[u8]) -> T) -> Result<T, Unspecified> {
        match self {
            Self::Rsa { pair, encoding, .. } => {
                let mut room = [0; VerifyingKey::RSA_BYTES_MAX];
                let signature = room.get_mut(..pair.public_modulus_len()).ok_or(Unspecified)?;
                pair.sign(*encoding, &SystemRandom::new(), message, signature)?;
                Ok(take(signature))
            }
            Self::Ec(pair) => Ok(take(pair.sign(&SystemRandom::new(), message)?.as_ref())),
            Self::Ed(pair) => Ok(take(pair.try_sign(message)?.as_ref())),
            Self::Hmac { key, .. } => Ok(take(hmac::sign(key, message).as_ref())),
        }
    }
}
