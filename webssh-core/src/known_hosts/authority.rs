//! Signatures of certificate authorities (RFC 4253 section 6.6, RFC 5656, RFC 8332, RFC 8709).
//!
//! RSA with SHA-1 is not here on purpose, and no key that lives on a hardware token (`sk-`).

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA512, RsaPublicKeyComponents, UnparsedPublicKey,
    VerificationAlgorithm,
};

use super::blob::Blob;
use super::key::HostKey;
use super::verdict::CertificateFault;

/// Checks the signature of `authority` over `signed`.
pub(super) fn verify(authority: &HostKey, signed: &[u8], signature: &[u8]) -> Result<(), CertificateFault> {
    let mut cursor = Blob::new(signature);
    let (algorithm, raw) = cursor
        .text()
        .zip(cursor.string())
        .and_then(|parts| cursor.end(parts))
        .ok_or(CertificateFault::Signature)?;
    let good = match (authority.algorithm(), algorithm) {
        ("ssh-ed25519", "ssh-ed25519") => ed25519(authority, signed, raw),
        ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256") => {
            ecdsa(authority, "nistp256", 32, &ECDSA_P256_SHA256_FIXED, signed, raw)
        }
        ("ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384") => {
            ecdsa(authority, "nistp384", 48, &ECDSA_P384_SHA384_FIXED, signed, raw)
        }
        ("ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521") => {
            ecdsa(authority, "nistp521", 66, &ECDSA_P521_SHA512_FIXED, signed, raw)
        }
        ("ssh-rsa", "rsa-sha2-256") => rsa(authority, &RSA_PKCS1_2048_8192_SHA256, signed, raw),
        ("ssh-rsa", "rsa-sha2-512") => rsa(authority, &RSA_PKCS1_2048_8192_SHA512, signed, raw),
        _ => return Err(CertificateFault::SignatureAlgorithm),
    };
    good.ok_or(CertificateFault::Signature)
}

/// The fields of a key after its name.
fn fields(key: &HostKey) -> Option<Blob<'_>> {
    let mut cursor = Blob::new(key.blob());
    cursor.string()?;
    Some(cursor)
}

fn ed25519(authority: &HostKey, signed: &[u8], signature: &[u8]) -> Option<()> {
    let mut cursor = fields(authority)?;
    let public = cursor.string()?;
    let public = cursor.end(public)?;
    UnparsedPublicKey::new(&ED25519, public).verify(signed, signature).ok()
}

/// The signature holds two mpints, r and s; the verifier wants both at their full width.
fn ecdsa(
    authority: &HostKey,
    curve: &str,
    width: usize,
    algorithm: &'static dyn VerificationAlgorithm,
    signed: &[u8],
    signature: &[u8],
) -> Option<()> {
    let mut cursor = fields(authority)?;
    let (named, point) = (cursor.text()?, cursor.string()?);
    let point = cursor.end(point).filter(|_| named == curve)?;
    let mut numbers = Blob::new(signature);
    let (r, s) = (numbers.positive()?, numbers.positive()?);
    let fixed = numbers.end([widened(r, width)?, widened(s, width)?].concat())?;
    UnparsedPublicKey::new(algorithm, point).verify(signed, &fixed).ok()
}

fn widened(number: &[u8], width: usize) -> Option<Vec<u8>> {
    let zeros = width.checked_sub(number.len())?;
    Some([&vec![0; zeros], number].concat())
}

fn rsa(
    authority: &HostKey,
    algorithm: &'static aws_lc_rs::signature::RsaParameters,
    signed: &[u8],
    signature: &[u8],
) -> Option<()> {
    let mut cursor = fields(authority)?;
    let (e, n) = (cursor.positive()?, cursor.positive()?);
    let key = cursor.end(RsaPublicKeyComponents { n, e })?;
    key.verify(algorithm, signed, signature).ok()
}
