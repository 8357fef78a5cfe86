//! The first frame of a connection: who it is, and what it may have.

use std::sync::Arc;

use super::budget::Claim;
use super::line::Line;
use super::random;
use super::registry::{Bid, Bidding, Registry, Reservation, refused};
use crate::ResumeToken;
use crate::bridge::CloseReason;
use crate::frame::{FailureCode, Hello, Opening};
use crate::pump::{Attachment, FrameSink, FrameSource, read_hello};
use crate::ticket::{Grant, Purpose, Redemption, SessionId};

/// What a connection came for.
pub(super) enum Admitted<T> {
    /// A place at a running session.
    Attached(Place<T>),
    /// A new session.
    Open(Box<Order<T>>),
    /// Nothing any more: the connection has ended, and was told why.
    Over(CloseReason),
}

/// A place at a running session, with what it reserved.
pub(super) struct Place<T> {
    attachment: Attachment,
    _reservation: Option<Reservation<T>>,
}

/// A session to be opened.
pub(super) struct Order<T> {
    pub(super) hello: Hello,
    pub(super) user: String,
    pub(super) target: T,
}

impl<T> Place<T> {
    pub(super) async fn run(self, source: &mut dyn FrameSource, sink: &mut dyn FrameSink) -> CloseReason {
        self.attachment.run(source, sink).await
    }
}

/// Reads the `Hello` and redeems what it shows. A known guest may show only what is theirs.
pub(super) async fn admit<T>(
    registry: &Arc<Registry<T>>,
    guest: Option<&str>,
    source: &mut dyn FrameSource,
    sink: &mut dyn FrameSink,
) -> Result<Admitted<T>, CloseReason> {
    let _handshake = registry.reserve(Claim::Handshake)?;
    let hello = tokio::select! {
        hello = read_hello(source, registry.limits().session.hello()) => hello?,
        () = registry.closing() => return Err(CloseReason::Shutdown),
    };
    let bid = match &hello.opening {
        // The hub gives out no shell without knowing to whom.
        Opening::Plain => return Err(refused(FailureCode::Ticket)),
        Opening::Resume { token, .. } => registry.resume(guest, &hello, token)?,
        Opening::Ticket(ticket) => {
            let Redemption::Granted(Grant { user, purpose }) = registry.redeem(ticket.as_str()) else {
                return Err(refused(FailureCode::Ticket));
            };
            if guest.is_some_and(|guest| guest != user) {
                return Err(refused(FailureCode::NotAllowed));
            }
            match purpose {
                Purpose::Open(target) => {
                    return Ok(Admitted::Open(Box::new(Order { hello, user, target })));
                }
                Purpose::Watch(id) => return watch(registry, id, &hello),
                Purpose::Attach(id) => registry.take_over(id, &user, &hello, token()?)?,
            }
        }
    };
    match bid {
        Bidding::Attached(attachment) => Ok(attached(attachment)),
        Bidding::Contested(bid) => contest(registry, &bid, &hello, source, sink).await,
    }
}

fn watch<T>(registry: &Arc<Registry<T>>, id: SessionId, hello: &Hello) -> Result<Admitted<T>, CloseReason> {
    let (reservation, attachment) = registry.watch(id, hello)?;
    Ok(Admitted::Attached(Place { attachment, _reservation: Some(reservation) }))
}

/// Has a bidder answer a ping before it takes the session from another connection.
async fn contest<T>(
    registry: &Arc<Registry<T>>,
    bid: &Bid<T>,
    hello: &Hello,
    source: &mut dyn FrameSource,
    sink: &mut dyn FrameSink,
) -> Result<Admitted<T>, CloseReason> {
    let line = Line::new(hello.caps, registry.limits());
    let proof = async {
        tokio::select! {
            () = line.prove() => Ok(()),
            () = registry.closing() => Err(CloseReason::Shutdown),
        }
    };
    match line.converse(source, sink, proof).await {
        Ok(proven) => proven?,
        Err(reason) => return Ok(Admitted::Over(reason)),
    }
    registry.grant(bid, hello).map(attached)
}

/// A new resume token. A system without random bytes has no shell to give.
pub(super) fn token() -> Result<ResumeToken, CloseReason> {
    random().map(ResumeToken::from_bytes).map_err(|_| refused(FailureCode::Busy))
}

fn attached<T>(attachment: Attachment) -> Admitted<T> {
    Admitted::Attached(Place { attachment, _reservation: None })
}
