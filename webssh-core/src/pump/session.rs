//! The handle of a session: connections come and go by it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::connection::{Attachment, farewell};
use super::core::Core;
use super::driver::Driver;
use super::hooks::Hooks;
use super::shared::Shared;
use super::{FrameSink, FrameSource, Reviewer};
use crate::ResumeToken;
use crate::audit::Audit;
use crate::bridge::{Bridge, CloseReason, ConnectionId, ConnectionView};
use crate::frame::{Failure, FailureCode, Hello, Role};
use crate::record::Recorder;
use crate::ssh::Shell;

/// A running session. Clones are the same session; dropping them all does not end it.
#[derive(Debug, Clone)]
pub struct Session(Arc<Shared>);

/// What a session does beside its work: nothing by default.
#[derive(Default)]
#[non_exhaustive]
pub struct SessionOptions {
    /// Records what is shown. Spawn the recorder's task; the recording ends with the session.
    pub recorder: Option<Recorder>,
    /// Looks at commands before the shell gets them.
    pub audit: Option<Audit>,
    /// Decides about the commands that the audit leaves for review; without one they are denied.
    pub reviewer: Option<Arc<dyn Reviewer>>,
}

/// How a session stands.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SessionStatus {
    /// Since the session started.
    pub age: Duration,
    /// The connections that are attached.
    pub connections: Vec<ConnectionView>,
    /// Why the session ended, if it has.
    pub ended: Option<CloseReason>,
}

pub(super) fn start(bridge: Bridge, shell: Shell, options: SessionOptions) -> (Session, Driver) {
    let (input, output) = shell.split();
    let reviewer = options.reviewer.clone();
    let hooks = Hooks::new(options);
    let recorder = hooks.recorder();
    let shared = Arc::new(Shared::new(Core::new(bridge, input, hooks)));
    (Session(Arc::clone(&shared)), Driver::new(shared, output, recorder, reviewer))
}

impl Session {
    /// Attaches a connection whose `hello` was read and judged, and drives it until it ends; then says why.
    /// As owner it takes the place of the owner before it, who is told. `token` goes into its `Welcome`.
    ///
    /// The session goes on when the connection ends. Dropping the future detaches the connection. Closing
    /// it stays with the caller.
    pub async fn attach(
        &self,
        hello: &Hello,
        role: Role,
        token: &ResumeToken,
        source: &mut dyn FrameSource,
        sink: &mut dyn FrameSink,
    ) -> CloseReason {
        match self.begin(hello, role, token) {
            Ok(attachment) => attachment.run(source, sink).await,
            // Whoever comes too late hears no more than that.
            Err(_over) => farewell(sink, CloseReason::Refused(Failure::new(FailureCode::Gone))).await,
        }
    }

    /// Takes a place at the session, or says why it is over.
    pub(crate) fn begin(
        &self,
        hello: &Hello,
        role: Role,
        token: &ResumeToken,
    ) -> Result<Attachment, CloseReason> {
        let (id, link) = self.0.with(|core, now| {
            if let Some(reason) = core.ended() {
                return Err(reason.clone());
            }
            let id = core.bridge.attach(now, hello, role, token);
            Ok((id, core.link(id)))
        })?;
        Ok(Attachment { shared: Arc::clone(&self.0), id, link, sole: false })
    }

    /// Whether somebody types here.
    pub(crate) fn has_owner(&self) -> bool {
        self.0.view().0.iter().any(|view| view.role == Role::Owner)
    }

    /// Takes the place of the only connection that this session will have.
    pub(crate) fn begin_sole(&self, hello: &Hello) -> Result<Attachment, CloseReason> {
        let mut attachment = self.begin(hello, Role::Owner, &ResumeToken::none())?;
        attachment.sole = true;
        Ok(attachment)
    }

    /// Sends one connection away with these words. Says whether it was attached.
    pub fn kick(&self, id: ConnectionId, failure: Failure) -> bool {
        self.0.with(|core, _| {
            let attached = core.is_open(id);
            if attached {
                core.bridge.kick(id, failure);
            }
            attached
        })
    }

    /// Ends the session. Its connections are told why, where a frame for that exists.
    pub fn close(&self, reason: CloseReason) {
        self.0.with(|core, _| core.bridge.close(reason));
    }

    /// How the session stands now.
    #[must_use]
    pub fn status(&self) -> SessionStatus {
        let (connections, ended) = self.0.view();
        SessionStatus { age: self.0.age(), connections, ended }
    }
}

impl fmt::Debug for SessionOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionOptions")
            .field("recorder", &self.recorder)
            .field("audit", &self.audit)
            .field("reviewer", &self.reviewer.as_ref().map(|_| "…"))
            .finish()
    }
}
