//! A way of sending that ends in a sandbox of this process, with a clock that only waiting moves.

use bytes::Bytes;
use http::{Request, Response};
use payments::sandbox::Sandbox;
use payments::store::BoxFuture;
use payments::{Client, Edge, Error, Retry, Transport, TransportError, UnixMillis};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A sandbox, its clock, and a counter in place of a generator. Cloning shares them.
#[derive(Clone)]
pub(crate) struct Loopback(Arc<Inner>);

struct Inner {
    sandbox: Sandbox,
    millis: AtomicU64,
    drawn: AtomicU64,
}

impl Loopback {
    pub(crate) fn new(sandbox: Sandbox, now: UnixMillis) -> Self {
        let (millis, drawn) = (AtomicU64::new(now.as_millis()), AtomicU64::new(0));
        Self(Arc::new(Inner { sandbox, millis, drawn }))
    }

    pub(crate) fn sandbox(&self) -> &Sandbox {
        &self.0.sandbox
    }

    pub(crate) fn now(&self) -> UnixMillis {
        UnixMillis::from_millis(self.0.millis.load(Ordering::Relaxed))
    }

    pub(crate) fn advance_millis(&self, millis: u64) {
        self.0.millis.fetch_add(millis, Ordering::Relaxed);
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(Arc::new(self.clone()), Arc::new(self.clone())).with_retry(Retry::NONE)
    }

    fn count(&self) -> u64 {
        self.0.drawn.fetch_add(1, Ordering::Relaxed)
    }

    fn random32(&self) -> [u8; 32] {
        let mut bytes = [3; 32];
        for (slot, byte) in bytes.iter_mut().zip(self.count().to_be_bytes()) {
            *slot = byte;
        }
        bytes
    }

    /// Sends a request as the merchant or a browser would: the sandbox sees path and query only.
    pub(crate) fn exchange(&self, request: Request<Bytes>) -> Response<Bytes> {
        let (mut parts, body) = request.into_parts();
        parts.uri = parts.uri.path_and_query().unwrap().as_str().parse().unwrap();
        self.0.sandbox.handle(&Request::from_parts(parts, body), self.now(), self.random32())
    }

    pub(crate) fn get(&self, address: &str) -> Response<Bytes> {
        self.exchange(Request::get(address).body(Bytes::new()).unwrap())
    }

    pub(crate) fn post(&self, address: &str, body: &str) -> Response<Bytes> {
        self.exchange(Request::post(address).body(Bytes::from(body.to_owned())).unwrap())
    }

    /// The notifies that are due, acknowledged with this answer.
    pub(crate) fn notifies(&self, answer: &Response<Bytes>) -> Vec<Request<Bytes>> {
        let due = self.0.sandbox.due(self.now()).into_iter().map(|delivery| {
            let answer = Some((answer.status(), answer.body().as_ref()));
            self.0.sandbox.answered(delivery.id, answer, self.now());
            delivery.request
        });
        due.collect()
    }
}

impl Transport for Loopback {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        Box::pin(async move { Ok(self.exchange(request)) })
    }

    fn pause(&self, millis: u64) -> BoxFuture<'_, ()> {
        self.advance_millis(millis);
        Box::pin(std::future::ready(()))
    }
}

impl Edge for Loopback {
    fn now(&self) -> UnixMillis {
        Self::now(self)
    }

    fn random(&self) -> Result<[u8; 16], Error> {
        let mut bytes = [9; 16];
        for (slot, byte) in bytes.iter_mut().zip(self.count().to_be_bytes()) {
            *slot = byte;
        }
        Ok(bytes)
    }
}

impl fmt::Debug for Loopback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loopback").finish_non_exhaustive()
    }
}
