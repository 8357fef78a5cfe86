//! What WeChat Pay signs with: a public key that the console shows, platform certificates that follow each other,
//! or both while a merchant moves from one to the other (manual: 平台证书, 微信支付公钥).

use crate::error::{Cause, Error};
use crate::sandbox::issuer::{Attribute, Issuer, Name, NewCertificate, Role, pem, serial_of};
use crate::sandbox::retry::Speed;
use crate::{PrivateKey, UnixMillis};

const DAY_SECS: u64 = 86_400;
/// How long a platform certificate is valid.
const VALID_SECS: u64 = 5 * 365 * DAY_SECS;
/// A new certificate is listed so long before the old one ends.
const LISTED_SECS: u64 = 10 * DAY_SECS;
/// During the second half of that both sign.
const BOTH_SIGN_SECS: u64 = 5 * DAY_SECS;
const PUBLIC_KEY_PREFIX: &str = "PUB_KEY_ID_";

/// Which kind of key signs notifies while the gateway has both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WechatSigner {
    /// The platform certificate in use.
    Certificate,
    /// The public key of the console.
    PublicKey,
}

/// The keys of the gateway; at least one.
#[derive(Debug)]
pub(super) struct Platform {
    public: Option<(String, PrivateKey)>,
    issuer: Option<Issuer>,
    root_pem: Option<String>,
    /// The newest last.
    certificates: Vec<Own>,
    pub(super) notifies: WechatSigner,
}

/// A platform certificate.
#[derive(Debug, Clone)]
pub(super) struct Own {
    pub(super) serial: String,
    pub(super) pem: String,
    pub(super) not_before: UnixMillis,
    pub(super) not_after: UnixMillis,
    key: PrivateKey,
    added_at: UnixMillis,
}

impl Platform {
    /// Public key mode.
    pub(super) fn of_public_key(id: &str, key: PrivateKey) -> Result<Self, Error> {
        let mut platform = Self {
            public: None,
            issuer: None,
            root_pem: None,
            certificates: Vec::new(),
            notifies: WechatSigner::PublicKey,
        };
        platform.add_public_key(id, key)?;
        Ok(platform)
    }

    /// Certificate mode.
    pub(super) fn of_certificates(root: PrivateKey, own: PrivateKey, now: UnixMillis) -> Result<Self, Error> {
        let issuer = Issuer { name: name("Sandbox Tenpay Root CA"), key: root };
        let key = issuer.key.public_key()?;
        let (not_before, not_after) = validity(now);
        let serial = serial_of(&key, 1)?;
        let role = Role::Authority;
        let subject = &issuer.name;
        let root =
            issuer.issue(&NewCertificate { subject, key: &key, serial, not_before, not_after, role })?;
        let mut platform = Self {
            public: None,
            root_pem: Some(pem(&root)),
            issuer: Some(issuer),
            certificates: Vec::new(),
            notifies: WechatSigner::Certificate,
        };
        platform.rotate(own, now)?;
        Ok(platform)
    }

    /// The key beside the certificates.
    pub(super) fn add_public_key(&mut self, id: &str, key: PrivateKey) -> Result<(), Error> {
        let digits = id.strip_prefix(PUBLIC_KEY_PREFIX).unwrap_or_default();
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            let why = "it begins with `PUB_KEY_ID_`, and digits follow";
            return Err(Cause::Shape { what: "public key id", why }.into());
        }
        self.public = Some((id.to_owned(), key));
        Ok(())
    }

    /// Issues the next certificate; without an authority nothing happens.
    pub(super) fn rotate(&mut self, key: PrivateKey, now: UnixMillis) -> Result<(), Error> {
        let Some(issuer) = &self.issuer else { return Ok(()) };
        let public = key.public_key()?;
        // It begins with a zero nibble, which careless printing loses.
        let number = serial_of(&public, 0x0c)?;
        let (not_before, not_after) = validity(now);
        let subject = &name("Sandbox Tenpay sign");
        let new =
            NewCertificate { subject, key: &public, serial: number, not_before, not_after, role: Role::Leaf };
        let pem = pem(&issuer.issue(&new)?);
        let serial = format!("{number:016X}");
        self.certificates.push(Own { serial, pem, not_before, not_after, key, added_at: now });
        Ok(())
    }

    pub(super) fn root_pem(&self) -> Option<&str> {
        self.root_pem.as_deref()
    }

    pub(super) fn public_key_id(&self) -> Option<&str> {
        self.public.as_ref().map(|(id, _)| id.as_str())
    }

    /// The certificates that can be downloaded now.
    pub(super) fn listed(&self, now: UnixMillis, speed: Speed) -> impl Iterator<Item = &Own> {
        let next = self.certificates.iter().skip(1).map(Some).chain([None]);
        self.certificates
            .iter()
            .zip(next)
            .filter(move |(_, next)| next.is_none_or(|next| now < after(next.added_at, LISTED_SECS, speed)))
            .map(|(own, _)| own)
    }

    /// True for a key that is in use.
    pub(super) fn knows(&self, serial: &str, now: UnixMillis, speed: Speed) -> bool {
        self.public_key_id() == Some(serial) || self.listed(now, speed).any(|own| own.serial == serial)
    }

    /// The key of this name, to open what was encrypted for it.
    pub(super) fn key_of(&self, serial: &str) -> Option<&PrivateKey> {
        let certified = || self.certificates.iter().find(|own| own.serial == serial).map(|own| &own.key);
        self.public.as_ref().filter(|(id, _)| id == serial).map(|(_, key)| key).or_else(certified)
    }

    /// What a reply is signed with: the public key for whoever asks for it or if there is nothing else, otherwise a
    /// certificate that signs now. `coin` decides while two do.
    pub(super) fn reply_key(
        &self,
        asked: Option<&str>,
        now: UnixMillis,
        speed: Speed,
        coin: u8,
    ) -> Option<(String, PrivateKey)> {
        let wants = if asked.is_some() && asked == self.public_key_id() {
            WechatSigner::PublicKey
        } else {
            WechatSigner::Certificate
        };
        self.key_for(wants, now, speed, coin)
    }

    /// What a notify is signed with.
    pub(super) fn notify_key(&self, now: UnixMillis, speed: Speed, coin: u8) -> Option<(String, PrivateKey)> {
        self.key_for(self.notifies, now, speed, coin)
    }

    fn key_for(
        &self,
        wants: WechatSigner,
        now: UnixMillis,
        speed: Speed,
        coin: u8,
    ) -> Option<(String, PrivateKey)> {
        let certified = self.signing(now, speed, coin).map(|own| (own.serial.clone(), own.key.clone()));
        match wants {
            WechatSigner::PublicKey => self.public.clone().or(certified),
            WechatSigner::Certificate => certified.or_else(|| self.public.clone()),
        }
    }

    fn signing(&self, now: UnixMillis, speed: Speed, coin: u8) -> Option<&Own> {
        let oldest = self.certificates.first()?;
        let ready =
            |own: &&Own| own.serial == oldest.serial || now >= after(own.added_at, BOTH_SIGN_SECS, speed);
        let ready: Vec<&Own> = self.listed(now, speed).filter(ready).collect();
        ready.get(usize::from(coin) % ready.len().max(1)).copied()
    }
}

fn after(at: UnixMillis, secs: u64, speed: Speed) -> UnixMillis {
    UnixMillis::from_millis(at.as_millis().saturating_add(speed.millis(secs)))
}

/// From a day ago, so that a slow clock does not refuse it.
fn validity(now: UnixMillis) -> (UnixMillis, UnixMillis) {
    let not_before = UnixMillis::from_millis(now.as_millis().saturating_sub(DAY_SECS * 1000));
    (not_before, now.plus_secs(VALID_SECS))
}

fn name(common_name: &str) -> Name {
    let part = |attribute, text: &str| (attribute, text.to_owned());
    Name(vec![
        part(Attribute::Country, "CN"),
        part(Attribute::Organization, "Sandbox Tenpay"),
        part(Attribute::CommonName, common_name),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::generate_key;

    #[test]
    fn certificates_overlap() {
        let now = UnixMillis::from_millis(1_790_000_000_000);
        let mut keys = (0..3).map(|_| generate_key().unwrap());
        let mut next = || keys.next().unwrap();
        let mut platform = Platform::of_certificates(next(), next(), now).unwrap();
        let old = platform.certificates[0].serial.clone();
        platform.rotate(next(), now).unwrap();
        let new = platform.certificates[1].serial.clone();
        assert!(old.starts_with("0C") && new.starts_with("0C") && old != new);
        let at = |days: u64| now.plus_secs(days * DAY_SECS);
        let listed = |days| {
            let all = platform.listed(at(days), Speed::REAL);
            all.map(|own| own.serial.as_str()).collect::<Vec<_>>()
        };
        let signing = |days| {
            let by = |coin| platform.signing(at(days), Speed::REAL, coin).unwrap().serial.as_str();
            [by(0), by(1)]
        };
        assert_eq!((listed(0), signing(0)), (vec![old.as_str(), &new], [old.as_str(), &old]));
        assert_eq!((listed(5), signing(5)), (vec![old.as_str(), &new], [old.as_str(), &new]));
        assert_eq!((listed(10), signing(10)), (vec![new.as_str()], [new.as_str(), &new]));
        let quick = platform.listed(now.plus_secs(864), Speed::times(1000)).count();
        assert_eq!(quick, 1, "ten days at a thousand times the speed");
    }
}
