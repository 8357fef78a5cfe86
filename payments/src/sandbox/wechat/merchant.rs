//! The merchant as WeChat Pay has it on file.

use crate::error::{Cause, Error};
use crate::{AppId, PublicKey, SellerId};
use std::fmt;
use zeroize::Zeroizing;

/// A merchant of WeChat Pay: its numbers, the key that it signs with, and the API v3 key that it shares with the
/// gateway.
#[derive(Clone)]
pub struct WechatRegistration {
    pub(super) app_id: AppId,
    pub(super) mchid: SellerId,
    serial: String,
    pub(super) public_key: PublicKey,
    pub(super) api_v3_key: Zeroizing<[u8; 32]>,
}

impl WechatRegistration {
    /// A merchant. `cert_serial` is the serial of its API certificate in hexadecimal digits, which it names in every
    /// request; the sandbox wants to see the number and not the certificate. The API v3 key has 32 ASCII characters.
    ///
    /// # Errors
    /// `InvalidInput` if the serial or the key has another shape.
    pub fn new(
        app_id: AppId,
        mchid: SellerId,
        cert_serial: &str,
        public_key: PublicKey,
        api_v3_key: [u8; 32],
    ) -> Result<Self, Error> {
        let api_v3_key = Zeroizing::new(api_v3_key);
        if !api_v3_key.iter().all(u8::is_ascii_graphic) {
            return Err(Cause::Shape { what: "api v3 key", why: "it has 32 visible ASCII characters" }.into());
        }
        let serial = canonical(cert_serial);
        let fits = (1..=64).contains(&serial.len()) && serial.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !fits {
            return Err(Cause::Shape {
                what: "certificate serial",
                why: "it has 1 to 64 hexadecimal digits",
            }
            .into());
        }
        Ok(Self { app_id, mchid, serial, public_key, api_v3_key })
    }

    /// Serials are numbers: case and leading zeros do not count.
    pub(super) fn has_serial(&self, serial: &str) -> bool {
        canonical(serial) == self.serial
    }
}

fn canonical(serial: &str) -> String {
    serial.trim_start_matches('0').to_ascii_uppercase()
}

/// The API v3 key opens everything, so it is not shown.
impl fmt::Debug for WechatRegistration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WechatRegistration")
            .field("app_id", &self.app_id)
            .field("mchid", &self.mchid)
            .field("serial", &self.serial)
            .finish_non_exhaustive()
    }
}
