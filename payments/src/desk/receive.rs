//! A notify comes in over HTTP, the exact answer goes out. Work that follows is recorded in the same transaction as
//! the settlement and done later by a [`Worker`](crate::worker::Worker), so that the answer is within any limit.

use super::{Desk, Receipt};
use crate::error::{Cause, Error};
use crate::{Ack, Channel};
use bytes::Bytes;
use http::{Request, Response, StatusCode};

/// The longest body of a notify, in bytes. Let the server stop reading there.
pub const NOTIFY_BYTES_MAX: usize = 1024 * 1024;

/// A notify that was received.
#[derive(Debug)]
#[non_exhaustive]
pub struct Received {
    /// What to answer, byte for byte.
    pub response: Response<Bytes>,
    /// What it was. An error means that the gateway is asked to tell again: the notify is not proved
    /// (`Unverified`, `InvalidInput`), or the store does not answer (`Unavailable`).
    pub receipt: Result<Receipt, Error>,
}

impl Desk {
    /// Receives a notify that was posted to the address of this channel: method, path, headers and the whole body.
    /// Verified, checked, settled once; duplicates, late and double payments are acknowledged, everything that is
    /// not recorded is not.
    pub async fn receive(&self, channel: Channel, request: &Request<Bytes>) -> Received {
        let counter = match self.counter(channel) {
            Ok(counter) => counter,
            Err(error) => return Received { response: not_found(), receipt: Err(error) },
        };
        let receipt = self.read(channel, request).await;
        let ack = receipt.as_ref().map_or(Ack::Fail, Receipt::ack);
        Received { response: counter.gateway.ack(ack), receipt }
    }

    async fn read(&self, channel: Channel, request: &Request<Bytes>) -> Result<Receipt, Error> {
        if request.body().len() > NOTIFY_BYTES_MAX {
            let why = "it is longer than 1 MiB; limit the bodies that the server reads";
            return Err(Cause::Shape { what: "notify", why }.into());
        }
        let message = self.gateway(channel)?.read_notify(request, self.now())?;
        self.record(message).await
    }
}

/// There is no gateway that this could be an answer to.
fn not_found() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}
