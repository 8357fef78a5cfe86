//! Sends calls: the one short edge file. HTTP, clock and randomness are plugged in; repeats use the same numbers.

use crate::UnixMillis;
use crate::call::{Call, Effect, Nonce, Reply, Stake, Stamp};
use crate::error::{Cause, Error, ErrorKind};
use bytes::Bytes;
use std::sync::Arc;

mod outcome;
#[cfg(feature = "reqwest")]
mod reqwest;
mod retry;
#[cfg(test)]
mod tests;
mod transport;

pub use self::outcome::{Outcome, OutcomeUnknown};
#[cfg(feature = "reqwest")]
pub use self::reqwest::{ReqwestTransport, SystemEdge};
pub use self::retry::Retry;
pub use self::transport::{Edge, Transport, TransportError};

/// Sends calls through a transport. Cloning shares it.
///
/// ```
/// # #[cfg(feature = "reqwest")]
/// # fn example() -> Result<(), payments::Error> {
/// use payments::{Client, ReqwestTransport, Retry, SystemEdge};
/// use std::sync::Arc;
///
/// let client = Client::new(Arc::new(ReqwestTransport::new()?), Arc::new(SystemEdge))
///     .with_retry(Retry::new(2, 300, 10_000));
/// # drop(client);
/// # Ok(())
/// # }
/// # #[cfg(feature = "reqwest")]
/// # example().unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct Client {
    transport: Arc<dyn Transport>,
    edge: Arc<dyn Edge>,
    retry: Retry,
}

impl Client {
    /// A client over these parts, with the usual [`Retry`].
    #[must_use]
    pub fn new(transport: Arc<dyn Transport>, edge: Arc<dyn Edge>) -> Self {
        Self { transport, edge, retry: Retry::default() }
    }

    /// The same client with other retries.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// The clock.
    #[must_use]
    pub fn now(&self) -> UnixMillis {
        self.edge.now()
    }

    /// A fresh stamp.
    ///
    /// # Errors
    /// `Unavailable` if the system gives no random bytes.
    pub fn stamp(&self) -> Result<Stamp, Error> {
        Ok(Stamp { now: self.edge.now(), nonce: Nonce::from_bytes(self.edge.random()?) })
    }

    /// Sends a call, again where that is safe, and reads the reply. Every attempt is signed afresh and carries the
    /// same numbers; a call that may act once only is not sent again after a byte of it may have left.
    ///
    /// An attempt that may have acted and was not answered puts all that follows in doubt, except a success: a
    /// refusal of the repeat ("it exists already", "more than is left") may be the work of the first attempt. So it
    /// is [`Outcome::Unknown`] too, with the refusal as its cause. A refusal that nothing precedes is final.
    ///
    /// # Errors
    /// As [`Call::request`] and [`Call::read`]. A call that changes something and got no answer is
    /// [`Outcome::Unknown`]; one that only asks is `Unavailable`.
    pub async fn call<C: Call>(&self, merchant: &C::Merchant, call: &C) -> Result<Outcome<C::Output>, Error> {
        let (begun_at, effect) = (self.edge.now(), call.effect());
        let mut in_doubt = false;
        let mut attempt = 1;
        loop {
            // Every second attempt goes to the other host, where there is one.
            let origin = if attempt % 2 == 0 { call.fallback_origin(merchant) } else { None };
            let left_millis = self.retry.left_millis(begun_at, self.edge.now());
            let failure = match self.attempt(merchant, call, origin, left_millis).await {
                Ok(output) => match call.refusal_code(&output) {
                    Some(code) if in_doubt => Failure::refused(code),
                    _ => return Ok(Outcome::Known(output)),
                },
                Err(failure) => failure,
            };
            let repeat = failure.error.is_transient() && effect.allows_repeat(failure.sent);
            in_doubt |= failure.tells_nothing();
            let next = self.retry.pause_before(attempt + 1, begun_at, self.edge.now());
            let Some(pause_millis) = next.filter(|_| repeat) else {
                return match effect.into_stake() {
                    Some(stake) if in_doubt => {
                        Ok(Outcome::Unknown(OutcomeUnknown::new(stake, failure.error)))
                    }
                    _ => Err(failure.error),
                };
            };
            self.transport.pause(pause_millis).await;
            attempt += 1;
        }
    }

    /// Sends a request that is not a signed call, such as the download of a bill, and reads nothing of the reply.
    ///
    /// # Errors
    /// `Unavailable` if there is no reply.
    pub async fn fetch(&self, request: http::Request<Bytes>) -> Result<Reply, Error> {
        let response = self.transport.send(request).await.map_err(Cause::from)?;
        Ok(Reply::new(response, self.edge.now()))
    }

    async fn attempt<C: Call>(
        &self,
        merchant: &C::Merchant,
        call: &C,
        origin: Option<String>,
        left_millis: u64,
    ) -> Result<C::Output, Failure> {
        let unsent = |error| Failure { sent: false, error };
        let request = call.request(merchant, self.stamp().map_err(unsent)?).map_err(unsent)?;
        let request = match origin {
            Some(origin) => moved_to(request, &origin).map_err(unsent)?,
            None => request,
        };
        let sent = self.transport.send_within(request, left_millis).await;
        let response =
            sent.map_err(|error| Failure { sent: error.sent, error: Cause::from(error).into() })?;
        let reply = Reply::new(response, self.edge.now());
        call.read(merchant, &reply).map_err(|error| Failure { sent: true, error })
    }

    /// Waits.
    pub async fn pause(&self, millis: u64) {
        self.transport.pause(millis).await;
    }
}

impl Effect {
    fn allows_repeat(&self, sent: bool) -> bool {
        match self {
            Self::Reads | Self::Idempotent(_) => true,
            Self::Once(_) => !sent,
        }
    }

    fn into_stake(self) -> Option<Stake> {
        match self {
            Self::Reads => None,
            Self::Idempotent(stake) | Self::Once(stake) => Some(stake),
        }
    }
}

/// One attempt that failed.
struct Failure {
    sent: bool,
    error: Error,
}

impl Failure {
    /// A refusal that came as an answer, after an attempt that may have acted.
    fn refused(code: &str) -> Self {
        let message = "an earlier attempt had no answer and may have acted".to_owned();
        let cause =
            Cause::Gateway { kind: ErrorKind::InvalidInput, code: crate::error::quoted(code), message };
        Self { sent: true, error: cause.into() }
    }

    /// A request that may have arrived and a reply that cannot be proved or read say nothing about what happened;
    /// a refusal does.
    fn tells_nothing(&self) -> bool {
        use ErrorKind::{PeerMisbehaved, Unavailable, Unverified};
        self.sent && matches!(self.error.kind(), Unavailable | Unverified | PeerMisbehaved)
    }
}

/// The same request at another origin; what is signed holds no host.
fn moved_to(request: http::Request<Bytes>, origin: &str) -> Result<http::Request<Bytes>, Error> {
    let (mut parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    parts.uri =
        format!("{origin}{path}").parse().map_err(|error| Cause::Request(http::Error::from(error)))?;
    Ok(http::Request::from_parts(parts, body))
}
