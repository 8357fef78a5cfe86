//! What an application plugs in: the way to send, the clock, the randomness.

use crate::UnixMillis;
use crate::error::Error;
use crate::store::BoxFuture;
use bytes::Bytes;
use std::fmt;

/// Sends requests and waits. Implementations limit the time and the size of a reply, follow no redirect, and check
/// the server's certificate.
pub trait Transport: fmt::Debug + Send + Sync {
    /// Sends one request and reads the whole reply.
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>>;

    /// Sends one request and gives up after this time. Without a timer of its own an implementation leaves this
    /// out: then the limits of [`Transport::send`] are all there is.
    fn send_within(
        &self,
        request: http::Request<Bytes>,
        millis: u64,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
        let _no_timer = millis;
        self.send(request)
    }

    /// Waits before the next attempt.
    fn pause(&self, millis: u64) -> BoxFuture<'_, ()>;
}

/// A request that got no whole reply.
#[derive(Debug, thiserror::Error)]
#[error("the gateway cannot be reached{}", if *sent { ", the request may have arrived" } else { "" })]
#[non_exhaustive]
pub struct TransportError {
    /// True unless it is certain that no byte of the request left.
    pub sent: bool,
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl TransportError {
    /// A failure; `sent` is false only if it is certain that no byte of the request left.
    pub fn new(sent: bool, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { sent, source: source.into() }
    }
}

/// The clock and the generator of the process.
pub trait Edge: fmt::Debug + Send + Sync {
    /// The time of day.
    fn now(&self) -> UnixMillis;

    /// Fresh random bytes.
    ///
    /// # Errors
    /// `Unavailable` if the system gives none.
    fn random(&self) -> Result<[u8; 16], Error>;
}
