//! How connections come and go: fencing, where output goes on, and a session without an owner.

use std::time::Duration;

use super::connection::{Connection, Stage, Told};
use super::heartbeat::Heartbeat;
use super::{Bridge, CloseReason, ConnectionId, Presence, ProtocolError};
use crate::ResumeToken;
use crate::flow::Flow;
use crate::frame::{Caps, Failure, Hello, Opening, Role, VERSION, Welcome};

impl Bridge {
    /// A connection joins the session. Whether its ticket or token is good, the caller has found out.
    ///
    /// A new owner replaces the former one, who is told so. A connection that resumes is given all output
    /// from the byte it names, behind a `Gap` if that is gone; another owner is given what nobody has
    /// consumed and `replay_bytes` before it, an observer the last `replay_bytes`. `token` is what the
    /// `Welcome` gives an owner for the next time. A hello that cannot be served closes this connection only.
    pub fn attach(&mut self, now: Duration, hello: &Hello, role: Role, token: &ResumeToken) -> ConnectionId {
        self.saw(now);
        let id = ConnectionId(self.next_id);
        self.next_id = self.next_id.saturating_add(1);
        let refusal = self.refusal(hello);
        let mut connection = self.connection(id, hello, role, token);
        match (refusal, role) {
            (Some(reason), _) => connection.refuse(reason),
            (None, Role::Owner) => self.hand_over_to(id, hello),
            (None, Role::Observer) => {}
        }
        self.connections.push(connection);
        self.settle();
        id
    }

    /// The transport of a connection ended, whatever the cause.
    pub fn on_cut(&mut self, now: Duration, id: ConnectionId) {
        self.saw(now);
        self.connections.retain(|connection| connection.id != id);
        self.detach(id);
    }

    /// Ends one connection; the session goes on. An owner can come back, if its token still counts.
    pub fn kick(&mut self, id: ConnectionId, failure: Failure) {
        self.drop_connection(id, CloseReason::Kicked(failure));
    }

    /// Ends one connection with a farewell.
    pub(super) fn drop_connection(&mut self, id: ConnectionId, reason: CloseReason) {
        if let Some(connection) = self.connection_mut(id) {
            connection.leave(reason);
        }
        self.detach(id);
    }

    /// Why this hello is not served, if it is not.
    fn refusal(&self, hello: &Hello) -> Option<CloseReason> {
        if let Some(reason) = &self.closing {
            return Some(reason.clone());
        }
        if hello.version == 0 {
            return Some(CloseReason::Protocol(ProtocolError::Version(hello.version)));
        }
        match hello.opening {
            Opening::Resume { received, .. } if received > self.ring.end() => {
                Some(CloseReason::Protocol(ProtocolError::ResumeBeyondSent))
            }
            _ => None,
        }
    }

    fn connection(&self, id: ConnectionId, hello: &Hello, role: Role, token: &ResumeToken) -> Connection {
        let config = self.limits.config();
        let from = self.output_from(hello, role);
        let caps = hello.caps.common(Caps::ALL);
        let (size, token) = match role {
            Role::Owner => (hello.size, token.clone()),
            Role::Observer => (self.size.unwrap_or_default(), ResumeToken::none()),
        };
        let welcome = Welcome {
            version: hello.version.min(VERSION),
            caps,
            role,
            token,
            output_from: from,
            input_received: self.input.received(),
            input_bytes_max: config.input_bytes_max,
            unacked_bytes_max: config.unacked_bytes_max,
            idle_secs_max: config.idle_secs_max,
            absolute_secs_max: config.absolute_secs_max,
            detached_secs_max: config.detached_secs_max,
            size,
        };
        Connection {
            id,
            role,
            caps,
            stage: Stage::Open,
            welcome: Some(welcome),
            flow: Flow::new(&self.limits, from),
            heartbeat: Heartbeat::new(&self.limits, self.latest),
            // What is received is not all taken by the shell yet, and the window counts from there.
            input_ack_due: role == Role::Owner && self.input.received() > 0,
            told: Told { size, watchers: 0 },
        }
    }

    /// Where output begins for a new connection.
    fn output_from(&self, hello: &Hello, role: Role) -> u64 {
        let tail = self.ring.end().saturating_sub(self.limits.config().replay_bytes.into());
        let from = match (&hello.opening, role) {
            (Opening::Resume { received, .. }, _) => return *received,
            (_, Role::Owner) => tail.min(self.consumed),
            (_, Role::Observer) => tail,
        };
        // The first byte of all is never inside a character that began before.
        if from == 0 && self.ring.start() == 0 { 0 } else { self.ring.char_edge(from) }
    }

    fn hand_over_to(&mut self, id: ConnectionId, hello: &Hello) {
        if let Presence::Awaited = self.presence {
            self.last_input = self.latest;
        }
        if let Presence::Attached { owner, .. } = self.presence
            && let Some(former) = self.connection_mut(owner)
        {
            former.leave(CloseReason::Replaced);
        }
        self.presence = Presence::Attached { owner: id, since: self.latest };
        self.resize(hello.size);
    }

    /// The owner is gone, if it was `id`: the session waits for another one.
    fn detach(&mut self, id: ConnectionId) {
        if !matches!(self.presence, Presence::Attached { owner, .. } if owner == id) {
            return;
        }
        self.presence = Presence::Detached { since: self.latest };
        if self.limits.detached().is_zero() {
            self.close(self.absence());
        }
    }

    /// What it means that nobody came in time.
    pub(super) fn absence(&self) -> CloseReason {
        match (&self.ended, &self.presence) {
            (Some(ended), _) => CloseReason::Undrained(ended.end.clone()),
            (None, Presence::Awaited) => CloseReason::PeerSilent,
            (None, _) => CloseReason::Detached,
        }
    }
}
