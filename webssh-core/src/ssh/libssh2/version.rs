//! The version of the linked libssh2, and the oldest one that is safe to use.
//!
//! Every release up to 1.11.1 lets a hostile server write to the heap before login. The library cannot
//! be asked without unsafe code, but it tells its version to every server: here, to the other end of a
//! socket pair.

use std::io::Read as _;
use std::os::unix::net::UnixStream;
use std::sync::OnceLock;
use std::time::Duration;

use ssh2::Session;

use super::link::{session_error, socket_error, would_block};
use crate::error::{Error, Inner, quoted};

/// Refuses a libssh2 that is too old; asks the library once a process.
pub(super) fn check() -> Result<(), Error> {
    static BANNER: OnceLock<String> = OnceLock::new();
    let banner = match BANNER.get() {
        Some(banner) => banner,
        None => {
            let asked = ask()?;
            BANNER.get_or_init(|| asked)
        }
    };
    if is_safe(banner) {
        Ok(())
    } else {
        Err(Inner::LibraryTooOld { found: quoted(banner.trim_end()) }.into())
    }
}

/// The line with which libssh2 greets a server (RFC 4253, section 4.2).
fn ask() -> Result<String, Error> {
    let failed = socket_error("asking libssh2 for its version");
    let (near, mut far) = UnixStream::pair().map_err(&failed)?;
    let mut session = Session::new().map_err(session_error("starting"))?;
    session.set_tcp_stream(near);
    session.set_blocking(false);
    if let Err(error) = session.handshake()
        && !would_block(&error)
    {
        return Err(session_error("asking libssh2 for its version")(error));
    }
    far.set_read_timeout(Some(Duration::from_secs(1))).map_err(&failed)?;
    let mut banner = [0; 255];
    let len = far.read(&mut banner).map_err(&failed)?;
    Ok(String::from_utf8_lossy(banner.get(..len).unwrap_or_default()).into_owned())
}

/// 1.11.2 or newer. A development snapshot counts as the release it leads to.
fn is_safe(banner: &str) -> bool {
    let Some(version) = banner.strip_prefix("SSH-2.0-libssh2_") else {
        return false;
    };
    let digits = |part: &str| {
        let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        part.split_at(end).0.parse::<u32>().ok()
    };
    let numbers: Option<Vec<u32>> = version.trim_end().splitn(3, '.').map(digits).collect();
    numbers.is_some_and(|numbers| numbers.as_slice() >= [1, 11, 2].as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_is_1_11_2() {
        for (banner, safe) in [
            ("SSH-2.0-libssh2_1.11.2_DEV\r\n", true),
            ("SSH-2.0-libssh2_1.12.0\r\n", true),
            ("SSH-2.0-libssh2_2.0.0\r\n", true),
            ("SSH-2.0-libssh2_1.11.1\r\n", false),
            ("SSH-2.0-libssh2_1.10.0\r\n", false),
            ("SSH-2.0-libssh2_1.11\r\n", false),
            ("SSH-2.0-OpenSSH_9.2\r\n", false),
            ("", false),
        ] {
            assert_eq!(is_safe(banner), safe, "{banner:?}");
        }
    }

    #[test]
    fn the_linked_library_is_safe() {
        check().unwrap();
    }
}
