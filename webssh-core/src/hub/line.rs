//! The line to a browser before its `Welcome`: carries the questions of a login, over tokio.

use std::future::Future;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::{sleep_until, timeout};

use super::HubLimits;
use super::talk::{Kind, Late, Reply, Talk, Tick};
use crate::bridge::{CloseReason, ProtocolError};
use crate::frame::{Caps, HostKeyFrame, PromptField, PromptFrame, Role, ServerFrame};
use crate::pump::{Clock, FLUSH_MAX, FrameSink, FrameSource, Incoming};
use crate::{BoxFuture, Dialogue, HostQuestion, Prompts, Secret};

/// A browser that waits for its shell.
pub(super) struct Line {
    state: Mutex<State>,
    clock: Clock,
    /// Whose question it is.
    turn: tokio::sync::Mutex<()>,
    /// There may be something to send.
    frames: Notify,
    /// The next deadline may have changed.
    deadline: Notify,
    /// A message was heard.
    heard: Notify,
}

struct State {
    talk: Talk,
    reply: Option<oneshot::Sender<Reply>>,
    finished: bool,
    farewell: Option<ServerFrame>,
}

/// Takes a question back when the one who asked goes away.
struct Withdraw<'a> {
    line: &'a Line,
    id: u32,
}

impl Line {
    pub(super) fn new(caps: Caps, limits: &HubLimits) -> Self {
        let talk = Talk::new(caps, limits, Duration::ZERO);
        Self {
            state: Mutex::new(State { talk, reply: None, finished: false, farewell: None }),
            clock: Clock::new(Duration::ZERO),
            turn: tokio::sync::Mutex::new(()),
            frames: Notify::new(),
            deadline: Notify::new(),
            heard: Notify::new(),
        }
    }

    /// Keeps up the conversation while `work` goes on. When it is done, both halves are between two
    /// frames. An `Err` means that the connection has ended and was told so.
    pub(super) async fn converse<R>(
        &self,
        source: &mut dyn FrameSource,
        sink: &mut dyn FrameSink,
        work: impl Future<Output = R>,
    ) -> Result<R, CloseReason> {
        let writer = self.write(sink);
        tokio::pin!(writer);
        let outcome = tokio::select! {
            biased;
            done = work => Ok(done),
            sent = &mut writer => return Err(transport_end(sent)),
            reason = self.read(source) => Err(reason),
            reason = self.watch() => Err(reason),
        };
        self.finish(outcome.as_ref().err().and_then(|reason| reason.farewell(Role::Owner)));
        // A frame that is half sent has to be sent to its end.
        match timeout(FLUSH_MAX, writer).await {
            Ok(Ok(())) => outcome,
            Ok(Err(error)) => outcome.and(Err(CloseReason::TransportFailed(error.kind()))),
            Err(_elapsed) => outcome.and(Err(CloseReason::PeerSilent)),
        }
    }

    /// What may still arrive after the conversation.
    pub(super) fn late(&self) -> Late {
        self.lock().talk.late()
    }

    async fn write(&self, sink: &mut dyn FrameSink) -> io::Result<()> {
        loop {
            let (frame, finished) = {
                let mut state = self.lock();
                let finished = state.finished;
                (if finished { state.farewell.take() } else { state.talk.poll() }, finished)
            };
            match frame {
                Some(frame) => sink.send(frame.encode()).await?,
                None if finished => return Ok(()),
                None => self.frames.notified().await,
            }
        }
    }

    async fn read(&self, source: &mut dyn FrameSource) -> CloseReason {
        loop {
            match source.recv().await {
                Incoming::Frame(frame) => {
                    if let Err(reason) = self.on_frame(&frame) {
                        return reason;
                    }
                }
                Incoming::Text => return CloseReason::Protocol(ProtocolError::Text),
                Incoming::Closed => return CloseReason::PeerClosed,
                Incoming::Failed(error) => return CloseReason::TransportFailed(error.kind()),
            }
        }
    }

    fn on_frame(&self, frame: &[u8]) -> Result<(), CloseReason> {
        let mut state = self.lock();
        if let Some(reply) = state.talk.on_frame(self.clock.now(), frame)?
            && let Some(waiting) = state.reply.take()
        {
            // Whoever asked may be gone; then the answer is wiped here.
            drop(waiting.send(reply));
        }
        self.deadline.notify_one();
        self.heard.notify_one();
        Ok(())
    }

    /// Pings, and waits for the answer; that it comes in time is seen to by [`converse`](Self::converse).
    pub(super) async fn prove(&self) {
        self.lock().talk.ping(self.clock.now());
        self.frames.notify_one();
        self.deadline.notify_one();
        while !self.lock().talk.is_answered() {
            self.heard.notified().await;
        }
    }

    /// Keeps the deadlines.
    async fn watch(&self) -> CloseReason {
        loop {
            let wake_at = self.clock.at(self.lock().talk.wake_at());
            tokio::select! {
                () = sleep_until(wake_at) => {}
                () = self.deadline.notified() => continue,
            }
            let mut state = self.lock();
            match state.talk.on_tick(self.clock.now()) {
                Tick::Silent => return CloseReason::PeerSilent,
                Tick::Unanswered => state.reply = None,
                Tick::Alive => {}
            }
            self.frames.notify_one();
        }
    }

    /// Lets the writer end after its present frame and these last words.
    fn finish(&self, farewell: Option<ServerFrame>) {
        let mut state = self.lock();
        state.finished = true;
        state.farewell = farewell;
        self.frames.notify_one();
    }

    /// Asks, and waits for the reply. Questions of a login come one after the other.
    async fn question(
        &self,
        kind: Kind,
        frame: impl FnOnce(u32) -> Option<ServerFrame> + Send,
    ) -> Option<Reply> {
        let _turn = self.turn.lock().await;
        let (sender, reply) = oneshot::channel();
        let id = {
            let mut state = self.lock();
            let id = state.talk.ask(self.clock.now(), kind, frame)?;
            state.reply = Some(sender);
            id
        };
        let _withdraw = Withdraw { line: self, id };
        self.frames.notify_one();
        self.deadline.notify_one();
        reply.await.ok()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Dialogue for Line {
    fn ask<'a>(&'a self, round: &'a Prompts) -> BoxFuture<'a, Option<Vec<Secret>>> {
        Box::pin(async {
            let kind = Kind::Prompts { count: round.prompts.len() };
            match self.question(kind, |id| prompts(id, round)).await? {
                Reply::Answers(answers) => Some(answers),
                Reply::HostKey { .. } => None,
            }
        })
    }

    fn trust<'a>(&'a self, question: &'a HostQuestion) -> BoxFuture<'a, bool> {
        Box::pin(async {
            let reply = self.question(Kind::HostKey, |id| Some(host_key(id, question))).await;
            matches!(reply, Some(Reply::HostKey { accept: true }))
        })
    }
}

impl Drop for Withdraw<'_> {
    fn drop(&mut self) {
        self.line.lock().talk.withdraw(self.id);
    }
}

/// The writer ends early only when the transport broke.
fn transport_end(sent: io::Result<()>) -> CloseReason {
    sent.err().map_or(CloseReason::PeerClosed, |error| CloseReason::TransportFailed(error.kind()))
}

/// `None` for more prompts than a frame can have; nobody is asked then.
fn prompts(id: u32, round: &Prompts) -> Option<ServerFrame> {
    let fields = round.prompts.iter().map(|prompt| PromptField::new(&prompt.text, prompt.echo)).collect();
    PromptFrame::new(id, &round.name, &round.instruction, fields).ok().map(ServerFrame::Prompt)
}

fn host_key(id: u32, question: &HostQuestion) -> ServerFrame {
    let host = match question.port {
        22 => question.host.clone(),
        // As known_hosts writes it.
        port => format!("[{}]:{port}", question.host),
    };
    let fingerprint = question.fingerprint.to_string();
    ServerFrame::HostKey(HostKeyFrame::new(id, &host, &question.algorithm, &fingerprint))
}
