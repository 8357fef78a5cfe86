//! The first message of a connection.

use std::time::Duration;

use tokio::time::timeout;

use super::{FrameSource, Incoming};
use crate::bridge::{CloseReason, ProtocolError};
use crate::frame::{ClientFrame, Hello};

/// Waits for the `Hello`, which has to come first and in time.
pub(crate) async fn read_hello(source: &mut dyn FrameSource, within: Duration) -> Result<Hello, CloseReason> {
    let Ok(incoming) = timeout(within, source.recv()).await else { return Err(CloseReason::PeerSilent) };
    let protocol = |error| Err(CloseReason::Protocol(error));
    match incoming {
        Incoming::Closed => Err(CloseReason::PeerClosed),
        Incoming::Failed(error) => Err(CloseReason::TransportFailed(error.kind())),
        Incoming::Text => protocol(ProtocolError::Text),
        Incoming::Frame(frame) => match ClientFrame::decode(&frame) {
            Ok(ClientFrame::Hello(hello)) if hello.version == 0 => protocol(ProtocolError::Version(0)),
            Ok(ClientFrame::Hello(hello)) => Ok(hello),
            Ok(_) => protocol(ProtocolError::HelloExpected),
            Err(error) => protocol(ProtocolError::Frame(error)),
        },
    }
}
