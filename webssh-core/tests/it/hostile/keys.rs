//! The server's side of one key exchange: curve25519-sha256, ssh-ed25519, aes128-gcm@openssh.com.

use std::io;

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use sha2::{Digest as _, Sha256};

/// One direction of an encrypted connection.
pub(crate) struct Gcm {
    key: LessSafeKey,
    nonce: [u8; 12],
}

/// What both sides have said before they agree.
#[derive(Default)]
pub(crate) struct Said {
    pub(crate) client_version: Vec<u8>,
    pub(crate) server_version: Vec<u8>,
    pub(crate) client_kexinit: Vec<u8>,
    pub(crate) server_kexinit: Vec<u8>,
}

/// What comes of an exchange: the reply, and the keys from client and from server.
pub(crate) struct Agreed {
    pub(crate) reply: Vec<u8>,
    pub(crate) opening: Gcm,
    pub(crate) sealing: Gcm,
}

pub(crate) fn string(bytes: &[u8]) -> Vec<u8> {
    let len = u32::try_from(bytes.len()).unwrap();
    [&len.to_be_bytes(), bytes].concat()
}

/// A positive number (RFC 4251, section 5).
fn mpint(bytes: &[u8]) -> Vec<u8> {
    let from = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let bytes = &bytes[from..];
    let sign = bytes.first().is_some_and(|byte| *byte >= 0x80);
    if sign { string(&[&[0], bytes].concat()) } else { string(bytes) }
}

/// The blob of the host key.
pub(crate) fn host_key_blob(pair: &Ed25519KeyPair) -> Vec<u8> {
    [string(b"ssh-ed25519"), string(pair.public_key().as_ref())].concat()
}

/// Answers `SSH_MSG_KEX_ECDH_INIT` (RFC 5656, section 4). A server that lies signs something else.
pub(crate) fn agree(said: &Said, init: &[u8], pair: &Ed25519KeyPair, lies: bool) -> io::Result<Agreed> {
    let broken = |_| io::Error::from(io::ErrorKind::InvalidData);
    let theirs = init.get(5..37).ok_or(io::ErrorKind::InvalidData)?;
    let private = EphemeralPrivateKey::generate(&X25519, &SystemRandom::new()).map_err(broken)?;
    let ours = private.compute_public_key().map_err(broken)?;
    let peer = UnparsedPublicKey::new(&X25519, theirs);
    let secret = agree_ephemeral(private, peer, aws_lc_rs::error::Unspecified, |secret| Ok(mpint(secret)))
        .map_err(broken)?;
    let host_key = host_key_blob(pair);
    let hashed = [
        string(&said.client_version),
        string(&said.server_version),
        string(&said.client_kexinit),
        string(&said.server_kexinit),
        string(&host_key),
        string(theirs),
        string(ours.as_ref()),
        secret.clone(),
    ]
    .concat();
    let hash = Sha256::digest(hashed);
    let signed = if lies { pair.sign(b"something else") } else { pair.sign(&hash) };
    let signature = [string(b"ssh-ed25519"), string(signed.as_ref())].concat();
    let reply = [&[31][..], &string(&host_key), &string(ours.as_ref()), &string(&signature)].concat();
    let derived = |letter: u8| {
        Sha256::new()
            .chain_update(&secret)
            .chain_update(hash)
            .chain_update([letter])
            .chain_update(hash)
            .finalize()
    };
    let opening = Gcm::new(&derived(b'C'), &derived(b'A'));
    let sealing = Gcm::new(&derived(b'D'), &derived(b'B'));
    Ok(Agreed { reply, opening, sealing })
}

impl Gcm {
    pub(crate) const TAG_BYTES: usize = 16;

    fn new(key: &[u8], nonce: &[u8]) -> Self {
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key[..16]).unwrap());
        Self { key, nonce: nonce[..12].try_into().unwrap() }
    }

    fn next(&mut self) -> Nonce {
        let nonce = Nonce::assume_unique_for_key(self.nonce);
        let counter = u64::from_be_bytes(self.nonce[4..].try_into().unwrap()).wrapping_add(1);
        self.nonce[4..].copy_from_slice(&counter.to_be_bytes());
        nonce
    }

    /// Encrypts a packet without its length, and gives length, packet and tag.
    pub(crate) fn seal(&mut self, mut packet: Vec<u8>) -> Vec<u8> {
        let len = u32::try_from(packet.len()).unwrap().to_be_bytes();
        let nonce = self.next();
        self.key.seal_in_place_append_tag(nonce, Aad::from(len), &mut packet).unwrap();
        [&len[..], &packet].concat()
    }

    /// Decrypts a packet with its tag.
    pub(crate) fn open(&mut self, len: [u8; 4], mut sealed: Vec<u8>) -> io::Result<Vec<u8>> {
        let nonce = self.next();
        let opened = self.key.open_in_place(nonce, Aad::from(len), &mut sealed);
        Ok(opened.map_err(|_| io::ErrorKind::InvalidData)?.to_vec())
    }
}
