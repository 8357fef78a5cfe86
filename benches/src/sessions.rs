//! Users and their logins, the same for both sides of a figure about sessions.

use sso_core::{DeviceKind, Login, UserId};

use crate::Error;
use crate::contest::Load;
use crate::workload::Request;

/// What a browser says about itself.
pub(crate) const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
/// Where it is.
pub(crate) const ADDRESS: &str = "192.0.2.7";
/// The kind of device, as stores write it.
pub(crate) const DEVICE: &str = "web";
/// Different users; as many as callers sign in at the same time.
const COUNT: u32 = 64;

/// All users, each with a name of 12 characters.
pub(crate) fn users() -> Result<Vec<UserId>, Error> {
    (0..COUNT).map(|number| Ok(UserId::new(Request::new(number).buyer)?)).collect()
}

/// A login from a browser.
pub(crate) fn login() -> Login {
    Login::new(DeviceKind::Web, AGENT, ADDRESS)
}

/// So many logins of each user.
pub(crate) fn full(each: u8) -> Load {
    Load { requests: COUNT * u32::from(each), callers: COUNT }
}
