//! The transport over reqwest, and the clock and generator of the system.

use super::{Edge, Transport, TransportError};
use crate::UnixMillis;
use crate::error::{Cause, Error};
use crate::store::BoxFuture;
use bytes::Bytes;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The longest reply that is read, in bytes, unless it is set: bills are the largest.
const REPLY_BYTES_MAX: usize = 64 * 1024 * 1024;
const CONNECT_SECS_MAX: u64 = 5;
const CALL_MILLIS_MAX: u64 = 15_000;

/// Sends over TLS with a time limit, a size limit, and no redirects.
#[derive(Debug, Clone)]
pub struct ReqwestTransport {
    client: reqwest::Client,
    reply_bytes_max: usize,
    call_millis_max: u64,
}

impl ReqwestTransport {
    /// A transport with the usual limits: 5 s to connect, 15 s a call, 64 MiB a reply.
    ///
    /// # Errors
    /// `Misuse` if the TLS roots of the system cannot be read.
    pub fn new() -> Result<Self, Error> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(CONNECT_SECS_MAX))
            // Signatures cover the bytes as they were sent, whatever features another crate gives to reqwest.
            .no_gzip()
            .no_brotli()
            .no_deflate()
            .no_zstd()
            .build()
            .map_err(|error| Cause::HttpClient(Box::new(error)))?;
        Ok(Self::over(client))
    }

    /// A transport over a client of the application. It has to follow no redirects and to decode no content
    /// encoding; the limits on time and size are this transport's.
    #[must_use]
    pub fn over(client: reqwest::Client) -> Self {
        Self { client, reply_bytes_max: REPLY_BYTES_MAX, call_millis_max: CALL_MILLIS_MAX }
    }

    /// The same transport with another limit on a reply.
    #[must_use]
    pub fn with_reply_bytes_max(mut self, bytes: usize) -> Self {
        self.reply_bytes_max = bytes;
        self
    }

    /// The same transport with another limit on the time from the first byte sent to the last byte read.
    #[must_use]
    pub fn with_call_millis_max(mut self, millis: u64) -> Self {
        self.call_millis_max = millis;
        self
    }

    async fn exchange(
        &self,
        request: http::Request<Bytes>,
        millis: u64,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let mut request = reqwest::Request::try_from(request).map_err(|error| nameless(false, error))?;
        *request.timeout_mut() = Some(Duration::from_millis(millis.min(self.call_millis_max)));
        let sent = self.client.execute(request).await;
        let mut reply = sent.map_err(|error| nameless(!error.is_connect(), error))?;
        let mut body = Vec::new();
        while let Some(chunk) = reply.chunk().await.map_err(|error| nameless(true, error))? {
            if chunk.len() > self.reply_bytes_max.saturating_sub(body.len()) {
                return Err(TransportError::new(true, "the reply is longer than the limit"));
            }
            body.extend_from_slice(&chunk);
        }
        let mut response = http::Response::new(Bytes::from(body));
        *response.status_mut() = reply.status();
        *response.headers_mut() = reply.headers().clone();
        Ok(response)
    }
}

/// The address of a request may be signed and good for a download, and holds numbers of ours: errors do not repeat it.
fn nameless(sent: bool, error: reqwest::Error) -> TransportError {
    TransportError::new(sent, error.without_url())
}

impl Transport for ReqwestTransport {
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
        Box::pin(self.exchange(request, self.call_millis_max))
    }

    fn send_within(
        &self,
        request: http::Request<Bytes>,
        millis: u64,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
        Box::pin(self.exchange(request, millis))
    }

    fn pause(&self, millis: u64) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(Duration::from_millis(millis)))
    }
}

/// The clock and the generator of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEdge;

impl Edge for SystemEdge {
    fn now(&self) -> UnixMillis {
        // A clock before 1970 counts as 1970: every gateway refuses it.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixMillis::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    fn random(&self) -> Result<[u8; 16], Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|error| Cause::Random(Box::new(error)))?;
        Ok(bytes)
    }
}
