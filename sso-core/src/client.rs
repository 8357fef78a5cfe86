//! An [`HttpClient`] over reqwest: one deadline, one limit on bodies, no redirects, https or the loopback.

use std::time::Duration;

use bytes::{Bytes, BytesMut};

use crate::address::is_private;
use crate::error::{Error, ErrorKind};
use crate::http_client::HttpClient;
use crate::store::BoxFuture;

/// Sends requests with reqwest over rustls. A clone shares its connections.
///
/// It needs a tokio runtime. Its errors name the host and nothing else of the address, which may hold secrets.
///
/// ```
/// use std::time::Duration;
/// use sso_core::ReqwestClient;
///
/// # fn main() -> Result<(), sso_core::Error> {
/// let client = ReqwestClient::new(Duration::from_secs(5))?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ReqwestClient {
    inner: reqwest::Client,
}

impl ReqwestClient {
    /// The longest body of a reply that is read, in bytes.
    pub const REPLY_BYTES_MAX: usize = 256 * 1024;

    /// A client that gives every request so much time, from the connection to the last byte of the reply.
    ///
    /// # Errors
    /// `Unavailable` if the system offers no TLS.
    pub fn new(deadline: Duration) -> Result<Self, Error> {
        let built = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(deadline)
            .user_agent(concat!("gatehouse/", env!("CARGO_PKG_VERSION")))
            .build();
        let inner = built.map_err(|source| {
            Error::with_source(ErrorKind::Unavailable, "no http client can be made", source.without_url())
        })?;
        Ok(Self { inner })
    }

    async fn send_now(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, Error> {
        if !is_private(request.uri()) {
            return Err(Error::new(
                ErrorKind::Misuse,
                "secrets go over https or the loopback only: change the address of the provider",
            ));
        }
        let host = request.uri().host().unwrap_or_default().to_owned();
        let request = request.try_into().map_err(|source: reqwest::Error| {
            let words = format!("the request to `{host}` cannot be sent");
            Error::with_source(ErrorKind::Misuse, words, source.without_url())
        })?;
        let mut reply = self.inner.execute(request).await.map_err(|source| broken(&host, source))?;
        let mut body = BytesMut::new();
        while let Some(chunk) = reply.chunk().await.map_err(|source| broken(&host, source))? {
            if body.len() + chunk.len() > Self::REPLY_BYTES_MAX {
                let words = format!("`{host}` sent more than {} bytes", Self::REPLY_BYTES_MAX);
                return Err(Error::new(ErrorKind::PeerMisbehaved, words));
            }
            body.extend_from_slice(&chunk);
        }
        let mut response = http::Response::new(body.freeze());
        *response.status_mut() = reply.status();
        *response.headers_mut() = reply.headers().clone();
        Ok(response)
    }
}

impl HttpClient for ReqwestClient {
    fn send<'a>(
        &'a self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'a, Result<http::Response<Bytes>, Error>> {
        Box::pin(self.send_now(request))
    }
}

fn broken(host: &str, source: reqwest::Error) -> Error {
    let (timeout, source) = (source.is_timeout(), source.without_url());
    if source.is_decode() || source.is_body() && !timeout {
        let words = format!("the reply of `{host}` broke off");
        return Error::with_source(ErrorKind::Unavailable, words, source).transient();
    }
    let words = if timeout {
        format!("`{host}` did not answer in time")
    } else {
        format!("`{host}` cannot be reached")
    };
    Error::with_source(ErrorKind::Unavailable, words, source).transient()
}
