//! One connection of a session, from its attachment to its end.

use std::sync::Arc;

use tokio::time::{sleep, timeout};

use super::core::Link;
use super::shared::Shared;
use super::{FLUSH_MAX, FrameSink, FrameSource, Incoming};
use crate::bridge::{CloseReason, ConnectionId, Send as Outgoing};
use crate::frame::Role;

/// A place at a session. Dropping it detaches, so a connection's task can be cancelled at any time.
#[derive(Debug)]
pub(crate) struct Attachment {
    pub(super) shared: Arc<Shared>,
    pub(super) id: ConnectionId,
    pub(super) link: Arc<Link>,
    /// The session ends when this connection does.
    pub(super) sole: bool,
}

impl Attachment {
    /// Drives the connection to its end. Reading and writing do not wait for each other: neither future is
    /// dropped half done while the connection lives.
    pub(crate) async fn run(self, source: &mut dyn FrameSource, sink: &mut dyn FrameSink) -> CloseReason {
        tokio::select! {
            biased;
            reason = self.write(sink) => reason,
            reason = self.read(source) => self.closed_as().unwrap_or(reason),
            reason = self.overdue() => reason,
        }
    }

    async fn write(&self, sink: &mut dyn FrameSink) -> CloseReason {
        loop {
            match self.shared.poll_connection(self.id) {
                Some(Outgoing::Frame(frame)) => {
                    if let Err(error) = sink.send(frame).await {
                        return CloseReason::TransportFailed(error.kind());
                    }
                }
                Some(Outgoing::Close(reason)) => return reason,
                None => self.link.frames.notified().await,
            }
        }
    }

    async fn read(&self, source: &mut dyn FrameSource) -> CloseReason {
        loop {
            match source.recv().await {
                Incoming::Frame(frame) => {
                    self.shared.with(|core, now| core.bridge.on_frame(now, self.id, &frame));
                }
                Incoming::Text => self.shared.with(|core, _| core.bridge.on_text(self.id)),
                Incoming::Closed => return CloseReason::PeerClosed,
                Incoming::Failed(error) => return CloseReason::TransportFailed(error.kind()),
            }
        }
    }

    /// Waits until the bridge has given the connection up and the last frames had their time.
    async fn overdue(&self) -> CloseReason {
        loop {
            self.link.closing.notified().await;
            if self.sole {
                // The shell does not wait for the last frames. This connection keeps its own reason.
                self.shared.with(|core, _| core.bridge.close(CloseReason::Detached));
            }
            sleep(FLUSH_MAX).await;
            if let Some(reason) = self.closed_as() {
                return reason;
            }
        }
    }

    /// The reason for which the bridge has closed this connection, if it has.
    fn closed_as(&self) -> Option<CloseReason> {
        if self.shared.with(|core, _| core.is_open(self.id)) {
            return None;
        }
        loop {
            match self.shared.poll_connection(self.id)? {
                Outgoing::Close(reason) => return Some(reason),
                // Nobody is left to send it to.
                Outgoing::Frame(_) => {}
            }
        }
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        self.shared.with(|core, now| core.cut(now, self.id));
    }
}

/// Tells a connection that has no place at a session why it ends. A transport that does not take it in time
/// ends all the same.
pub(crate) async fn farewell(sink: &mut dyn FrameSink, reason: CloseReason) -> CloseReason {
    if let Some(frame) = reason.farewell(Role::Owner) {
        let _told = timeout(FLUSH_MAX, sink.send(frame.encode())).await;
    }
    reason
}
