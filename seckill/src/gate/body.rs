//! The bytes of a sealed text: a fixed head, a few bytes more, and the code over them, as base64url.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | version, 1 |
//! | 1 | use: 1 eligible, 2 admitted, 3 path, 4 challenge |
//! | 8 | expiry in unix milliseconds, big end first |
//! | 16 | tag of the sale |
//! | 16 | tag of the sale and the buyer |
//! | 0 to 17 | nonce, difficulty |
//! | 32 | HMAC-SHA-256 |

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::seal::{MAC_BYTES, Secret, TAG_BYTES};
use super::token::Purpose;
use crate::ids::{BuyerId, SaleId};
use crate::time::UnixMillis;

const VERSION: u8 = 1;
const SEAL: &str = "seckill gate seal 1";
const SALE: &str = "seckill gate sale 1";
const BUYER: &str = "seckill gate buyer 1";

/// What a sealed text is for. A challenge is no pass until it is solved, so it is not a [`Purpose`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Pass(Purpose),
    Challenge,
}

/// The fields under the seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Body {
    pub(super) usage: Use,
    pub(super) expires: UnixMillis,
    pub(super) sale: [u8; TAG_BYTES],
    pub(super) buyer: [u8; TAG_BYTES],
    pub(super) extra: Vec<u8>,
}

impl Body {
    pub(super) const EXTRA_BYTES_MAX: usize = 17;
    const BYTES_MAX: usize = 2 + 8 + 2 * TAG_BYTES + Self::EXTRA_BYTES_MAX + MAC_BYTES;
    pub(super) const TEXT_BYTES_MAX: usize = (Self::BYTES_MAX * 4).div_ceil(3);

    /// The fields as `secret` tags them.
    pub(super) fn new(
        secret: &Secret,
        usage: Use,
        sale: &SaleId,
        buyer: &BuyerId,
        expires: UnixMillis,
        extra: &[u8],
    ) -> Self {
        let (sale, buyer) = (sale.as_str().as_bytes(), buyer.as_str().as_bytes());
        Self {
            usage,
            expires,
            sale: secret.tag(SALE, &[sale]),
            buyer: secret.tag(BUYER, &[sale, buyer]),
            extra: extra.to_vec(),
        }
    }

    /// The text with its seal.
    pub(super) fn sealed(&self, secret: &Secret) -> String {
        let mut bytes = self.to_bytes();
        let mac = secret.mac(SEAL, &bytes);
        bytes.extend_from_slice(&mac);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    pub(super) fn is_sealed(&self, secret: &Secret, mac: &[u8; MAC_BYTES]) -> bool {
        secret.sealed(SEAL, &self.to_bytes(), mac)
    }

    /// Reads any text; `None` when it is not exactly one that `sealed` could have written.
    pub(super) fn read(text: &str) -> Option<(Self, [u8; MAC_BYTES])> {
        if text.len() > Self::TEXT_BYTES_MAX {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (body, mac) = bytes.split_last_chunk::<MAC_BYTES>()?;
        Some((Self::parse(body)?, *mac))
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (&[version, usage], rest) = bytes.split_first_chunk::<2>()?;
        let (expires, rest) = rest.split_first_chunk::<8>()?;
        let (sale, rest) = rest.split_first_chunk::<TAG_BYTES>()?;
        let (buyer, extra) = rest.split_first_chunk::<TAG_BYTES>()?;
        if version != VERSION || extra.len() > Self::EXTRA_BYTES_MAX {
            return None;
        }
        let expires = UnixMillis::new(u64::from_be_bytes(*expires)).ok()?;
        let usage = Use::from_byte(usage)?;
        Some(Self { usage, expires, sale: *sale, buyer: *buyer, extra: extra.to_vec() })
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::BYTES_MAX);
        bytes.extend_from_slice(&[VERSION, self.usage.byte()]);
        bytes.extend_from_slice(&self.expires.millis().to_be_bytes());
        bytes.extend_from_slice(&self.sale);
        bytes.extend_from_slice(&self.buyer);
        bytes.extend_from_slice(&self.extra);
        bytes
    }
}

impl Use {
    fn byte(self) -> u8 {
        match self {
            Self::Pass(Purpose::Eligible) => 1,
            Self::Pass(Purpose::Admitted) => 2,
            Self::Pass(Purpose::Path) => 3,
            Self::Challenge => 4,
        }
    }

    fn from_byte(byte: u8) -> Option<Self> {
        let all = [
            Self::Pass(Purpose::Eligible),
            Self::Pass(Purpose::Admitted),
            Self::Pass(Purpose::Path),
            Self::Challenge,
        ];
        all.into_iter().find(|usage| usage.byte() == byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

        #[test]
        fn reading_never_panics_and_reads_only_what_was_written(
            head in prop_oneof![Just(vec![]), (1u8..=5).prop_map(|usage| vec![1, usage, 0, 0])],
            tail in proptest::collection::vec(any::<u8>(), 0..100),
        ) {
            let bytes = [head, tail].concat();
            let read = Body::read(&URL_SAFE_NO_PAD.encode(&bytes));
            let possible = (Body::BYTES_MAX - Body::EXTRA_BYTES_MAX..=Body::BYTES_MAX).contains(&bytes.len());
            prop_assert!(possible || read.is_none());
            if let Some((body, mac)) = read {
                let mut again = body.to_bytes();
                again.extend_from_slice(&mac);
                prop_assert_eq!(again, bytes);
            }
        }

        #[test]
        fn a_body_is_read_as_it_was_written(
            byte in 1u8..=4, millis in 0..=UnixMillis::MAX.millis(),
            sale: [u8; 16], buyer: [u8; 16], extra in proptest::collection::vec(any::<u8>(), 0..=17),
        ) {
            let secret = Secret::new(&[7; 32]).unwrap();
            let (usage, expires) = (Use::from_byte(byte).unwrap(), UnixMillis::new(millis).unwrap());
            let body = Body { usage, expires, sale, buyer, extra };
            let (read, mac) = Body::read(&body.sealed(&secret)).unwrap();
            prop_assert!(read.is_sealed(&secret, &mac));
            prop_assert_eq!(read, body);
        }
    }
}
