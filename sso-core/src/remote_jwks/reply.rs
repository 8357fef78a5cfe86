//! What the reply to a request for a key set says. Nothing in it is trusted.

use bytes::Bytes;
use http::{Response, StatusCode, header};

use crate::error::{Error, ErrorKind};
use crate::key_set::jwks::PublicKeySet;

/// What came of a request.
#[derive(Debug)]
pub(crate) enum Fetched {
    /// The keys have not changed.
    Unchanged,
    /// The keys, and the version that the issuer gave them.
    Keys { keys: PublicKeySet, etag: Option<String> },
}

/// The longest entity tag that is sent back, in bytes.
const ETAG_BYTES_MAX: usize = 256;

/// Reads a reply; `asked` says whether the request named a version.
pub(crate) fn read(reply: &Response<Bytes>, asked: bool) -> Result<Fetched, Error> {
    match reply.status() {
        StatusCode::OK => {}
        StatusCode::NOT_MODIFIED if asked => return Ok(Fetched::Unchanged),
        status if status.is_redirection() => {
            return Err(refused("the address of a key set redirects: give the final address"));
        }
        status if status.is_server_error() => {
            let words = format!("the server of a key set answered with {}", status.as_u16());
            return Err(Error::new(ErrorKind::Unavailable, words).transient());
        }
        status => {
            let words = format!("the server of a key set answered with {}", status.as_u16());
            return Err(Error::new(ErrorKind::PeerMisbehaved, words));
        }
    }
    if reply.body().len() > PublicKeySet::JWKS_BYTES_MAX {
        return Err(refused("a key set is longer than 64 KiB"));
    }
    let text = std::str::from_utf8(reply.body()).map_err(unreadable)?;
    let keys = PublicKeySet::from_jwks(text).map_err(unreadable)?;
    let etag = reply.headers().get(header::ETAG).and_then(|etag| etag.to_str().ok());
    Ok(Fetched::Keys { keys, etag: etag.filter(|etag| etag.len() <= ETAG_BYTES_MAX).map(str::to_owned) })
}

fn refused(words: &'static str) -> Error {
    Error::new(ErrorKind::PeerMisbehaved, words)
}

fn unreadable(source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::with_source(ErrorKind::PeerMisbehaved, "the key set of an issuer is not acceptable", source)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_reply_is_read_without_panic(
            status in 100_u16..600,
            body in "\\PC{0,80}|\\{\"keys\":\\[(\\{\"(kty|kid|n|e|x)\":(\"RSA\"|\"AQAB\"|1)\\},?){0,3}\\]\\}",
            asked: bool,
        ) {
            let mut reply = Response::new(Bytes::from(body));
            *reply.status_mut() = StatusCode::from_u16(status).unwrap();
            let unchanged = status == 304 && asked;
            prop_assert_eq!(read(&reply, asked).is_ok(), unchanged);
        }
    }
}
