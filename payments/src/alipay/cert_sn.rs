//! Certificate numbers (`SN`): how requests and replies name certificates (manual: 公钥证书签名, `cert_sn`).

use crate::Certificate;
use md5::{Digest as _, Md5};

/// The object identifiers of RSA signatures; certificates signed otherwise are left out of a root bundle's number.
const RSA_FAMILY: &str = "1.2.840.113549.1.1.";

/// MD5, in lower-case hexadecimal digits, over the issuer and the decimal serial number. It names a certificate
/// and proves nothing.
#[must_use]
pub fn certificate_sn(certificate: &Certificate) -> String {
    let mut digest = Md5::new();
    digest.update(certificate.issuer_text());
    digest.update(certificate.serial_decimal());
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The numbers of the RSA members of a root bundle, in the order of the file, joined by `_`.
#[must_use]
pub fn root_certificate_sn(bundle: &[Certificate]) -> String {
    let rsa = bundle.iter().filter(|member| member.signature_algorithm_oid().starts_with(RSA_FAMILY));
    rsa.map(certificate_sn).collect::<Vec<_>>().join("_")
}

/// Whether a text that a message brought can be the number of one certificate.
pub(super) fn is_sn(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
