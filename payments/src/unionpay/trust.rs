//! Whose certificates count: the chain to our own copies of the authority's certificates, and the name of UnionPay.

use crate::error::{Cause, Error};
use crate::x509::check_chain;
use crate::{Certificate, PublicKey, UnixMillis};
use arc_swap::ArcSwap;
use aws_lc_rs::digest::{SHA256, digest};
use std::fmt;
use std::sync::Arc;

/// The company that signs in production.
const CHINA_UNIONPAY: &str = "中国银联股份有限公司";
/// What old certificates of the test environment say in its place.
const TEST_SIGNER: &str = "00040000:SIGN";

/// The longest certificate text in a message, in bytes; real ones have about 1700.
const CERTIFICATE_TEXT_BYTES_MAX: usize = 16_384;
/// How many verified certificates are remembered. UnionPay signs with one, and with two while it changes.
const REMEMBERED_MAX: usize = 8;

/// What a certificate in a message has to prove: it is valid now, leads over our middle certificates to our root
/// certificates, and its common name, divided at `@`, has four parts of which the third is China UnionPay. Merchants
/// have certificates of the same authority; only the name keeps them out.
///
/// ```no_run
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use payments::{Certificate, unionpay::Trust};
/// let middle = Certificate::parse(std::fs::read("acp_prod_middle.cer")?)?;
/// let root = Certificate::parse(std::fs::read("acp_prod_root.cer")?)?;
/// let trust = Trust::production(vec![middle], vec![root]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Trust(Arc<Anchors>);

struct Anchors {
    middle: Vec<Certificate>,
    roots: Vec<Certificate>,
    /// Third parts of the common name that are UnionPay's.
    names: &'static [&'static str],
    /// Certificates that have proved all of it and whose key has signed a message. Who has no such message, however
    /// many ways he finds to write a genuine certificate, cannot push them out.
    remembered: ArcSwap<Vec<Arc<Remembered>>>,
}

/// The holder of a certificate that is UnionPay's at one moment.
pub(super) struct Signatory {
    pub(super) key: PublicKey,
    /// None if it was known before.
    proof: Option<Arc<Remembered>>,
}

/// A verified certificate and the time for which nothing of its proof can change.
struct Remembered {
    /// SHA-256 of the text in the message.
    digest: [u8; 32],
    key: PublicKey,
    from: UnixMillis,
    until: UnixMillis,
}

impl Trust {
    /// The rule of production: middle (`acp_prod_middle.cer`) and root (`acp_prod_root.cer`) certificates from
    /// UnionPay's merchant pages, never from a message.
    #[must_use]
    pub fn production(middle: Vec<Certificate>, roots: Vec<Certificate>) -> Self {
        Self::of(middle, roots, &[CHINA_UNIONPAY])
    }

    /// The rule of UnionPay's test environment, which has also signed as `00040000:SIGN`. Give it the certificates
    /// of the test environment only.
    #[must_use]
    pub fn test(middle: Vec<Certificate>, roots: Vec<Certificate>) -> Self {
        Self::of(middle, roots, &[CHINA_UNIONPAY, TEST_SIGNER])
    }

    fn of(middle: Vec<Certificate>, roots: Vec<Certificate>, names: &'static [&'static str]) -> Self {
        Self(Arc::new(Anchors { middle, roots, names, remembered: ArcSwap::default() }))
    }

    /// Whose certificate this text of a message is, if it is UnionPay's at this moment.
    pub(super) fn signatory(
        &self,
        what: &'static str,
        text: &str,
        at: UnixMillis,
    ) -> Result<Signatory, Error> {
        let unverified = |why| Error::from(Cause::Unverified { what, why });
        if text.len() > CERTIFICATE_TEXT_BYTES_MAX {
            return Err(unverified("its certificate is longer than 16384 bytes"));
        }
        let digest = sha256(text);
        if let Some(key) = self.0.recall(&digest, at) {
            return Ok(Signatory { key, proof: None });
        }
        let certificate =
            Certificate::parse(text).map_err(|_| unverified("its certificate cannot be read"))?;
        check_chain(&certificate, &self.0.middle, &self.0.roots, at)?;
        if !certificate.subject_common_name().is_some_and(|name| self.0.names_unionpay(name)) {
            return Err(unverified("its certificate is not UnionPay's but another customer's"));
        }
        let key = certificate.public_key().map_err(|_| unverified("its certificate has no RSA key"))?;
        let (from, until) = self.0.unchanged_around(&certificate, at);
        let proof = Arc::new(Remembered { digest, key: key.clone(), from, until });
        Ok(Signatory { key, proof: Some(proof) })
    }

    /// Remembers who has signed a message.
    pub(super) fn remember(&self, signatory: Signatory) {
        if let Some(proof) = signatory.proof {
            self.0.remember(&proof);
        }
    }

    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.0.remembered.load().len()
    }
}

impl Anchors {
    /// `041@8310000000083040@中国银联股份有限公司@00016495`.
    fn names_unionpay(&self, common_name: &str) -> bool {
        let parts: Vec<&str> = common_name.split('@').collect();
        matches!(parts.as_slice(), [_, _, owner, _] if self.names.contains(owner))
    }

    fn recall(&self, digest: &[u8; 32], at: UnixMillis) -> Option<PublicKey> {
        let remembered = self.remembered.load();
        let known = remembered.iter().find(|known| known.digest == *digest)?;
        (known.from <= at && at <= known.until).then(|| known.key.clone())
    }

    /// The widest time around `at` in which no certificate that could stand in the path begins or ends. Outside of
    /// it the whole proof is made again.
    fn unchanged_around(&self, leaf: &Certificate, at: UnixMillis) -> (UnixMillis, UnixMillis) {
        let all = || [leaf].into_iter().chain(&self.middle).chain(&self.roots);
        let begun = all().map(Certificate::not_before).filter(|begins| *begins <= at);
        let ending = all().map(Certificate::not_after).filter(|ends| *ends >= at);
        (begun.max().unwrap_or(at), ending.min().unwrap_or(at))
    }

    fn remember(&self, proof: &Arc<Remembered>) {
        self.remembered.rcu(|known| {
            let others = known.iter().filter(|other| other.digest != proof.digest);
            // The newest first; what is not used falls off the end.
            std::iter::once(proof).chain(others).take(REMEMBERED_MAX).map(Arc::clone).collect::<Vec<_>>()
        });
    }
}

fn sha256(text: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    bytes
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust")
            .field("middle", &self.0.middle)
            .field("roots", &self.0.roots)
            .field("names", &self.0.names)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> serde_json::Value {
        let file = include_str!("../../tests/it/vectors/unionpay-certificates.json");
        serde_json::from_str(file).unwrap()
    }

    fn pem(name: &str) -> String {
        file()["certificates"][name]["pem"].as_str().unwrap().to_owned()
    }

    fn trust() -> Trust {
        let certificate = |name: &str| Certificate::parse(pem(name)).unwrap();
        Trust::production(vec![certificate("acp_test_middle")], vec![certificate("acp_test_root")])
    }

    fn at(text: &str) -> UnixMillis {
        UnixMillis::parse_china_text(text).unwrap()
    }

    /// UnionPay's own certificates of its test environment; the file names where they were published.
    #[test]
    fn only_who_has_signed_is_remembered() {
        let trust = trust();
        let signatory = |name: &str, moment| trust.signatory("message", &pem(name), moment);
        let (during, after) = (at("2022-09-08 12:00:00"), at("2025-08-01 00:00:00"));
        for (name, moment) in [
            ("acp_test_sign", during),
            ("unionpay_test_signer_2015", during),
            ("unionpay_test_signer_2020", after),
        ] {
            assert!(signatory(name, moment).is_err(), "{name}");
        }
        let proved = signatory("unionpay_test_signer_2020", during).unwrap();
        assert!(proved.proof.is_some() && trust.remembered() == 0);
        trust.remember(proved);
        assert_eq!(trust.remembered(), 1);
        let known = signatory("unionpay_test_signer_2020", during).unwrap();
        assert!(known.proof.is_none());
        assert!(signatory("unionpay_test_signer_2020", after).is_err());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let trust = trust();
        let during = at("2022-09-08 12:00:00");
        for blanks in 0..2 * REMEMBERED_MAX {
            let text = format!("{}{}", pem("unionpay_test_signer_2020"), " ".repeat(blanks));
            trust.remember(trust.signatory("message", &text, during).unwrap());
            // The same at another moment is no second one.
            trust.remember(trust.signatory("message", &text, during.plus_secs(1)).unwrap());
            assert_eq!(trust.remembered(), REMEMBERED_MAX.min(blanks + 1));
        }
    }

    #[test]
    fn the_third_of_four_parts_is_the_company() {
        let production = Trust::production(Vec::new(), Vec::new());
        let test = Trust::test(Vec::new(), Vec::new());
        let real = "041@8310000000083040@中国银联股份有限公司@00016495";
        assert!(production.0.names_unionpay(real) && test.0.names_unionpay(real));
        let old = "041@Z12@00040000:SIGN@00000062";
        assert!(!production.0.names_unionpay(old) && test.0.names_unionpay(old));
        for name in [
            "041@Z2014-11-11@700000000000001:SIGN@00000003",
            "中国银联股份有限公司",
            "041@中国银联股份有限公司@8310000000083040@00016495",
            "041@1@中国银联股份有限公司",
            "041@1@中国银联股份有限公司@1@1",
            "041@1@中国银联股份有限公司 @1",
            "041@1@x中国银联股份有限公司@1",
            "@@@",
            "",
        ] {
            assert!(!test.0.names_unionpay(name), "{name}");
        }
    }
}
