//! What the driver of a shell and its connections share: the bridge, and what is on its way to the shell.
//!
//! Everything in here happens at once, under one lock. Whoever brings an event settles it: asks the bridge
//! what to do, does what needs no waiting, and wakes those who have to do the rest.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;

use super::hooks::{Effect, Hooks};
use crate::audit::{Command, CommandId, Verdict};
use crate::bridge::{Action, Bridge, ChannelEnd, CloseReason, ConnectionId};
use crate::frame::{Failure, FailureCode};
use crate::ssh::{InputPermit, ShellInput};

/// The state of one session.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) bridge: Bridge,
    hooks: Hooks,
    /// Gone when the session has ended: the shell ends with it.
    input: Option<Arc<ShellInput>>,
    /// Input that waits for room at the shell. The bridge gives out the next piece when it is gone.
    writes: VecDeque<Bytes>,
    /// The bytes of the piece that the bridge has given out, to be acknowledged when the shell has them.
    owed: usize,
    links: Vec<(ConnectionId, Arc<Link>)>,
    awaited: Awaited,
    ended: Option<CloseReason>,
}

/// How a connection's task is woken.
#[derive(Debug, Default)]
pub(super) struct Link {
    /// There may be a frame to send.
    pub(super) frames: Notify,
    /// The bridge has given the connection up: only the farewell is left.
    pub(super) closing: Notify,
}

/// What the driver waits for, beside its bell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Awaited {
    output: bool,
    room: bool,
    wake_at: Option<Duration>,
    review: Option<CommandId>,
}

/// What the driver has to do next.
#[derive(Debug)]
pub(super) enum Next {
    /// The session is over.
    Done(CloseReason),
    /// Wait for all of these at once, and for the bell.
    Wait(Wait),
}

/// What to wait for.
#[derive(Debug)]
pub(super) struct Wait {
    /// Whether there is room for output of the shell.
    pub(super) output: bool,
    /// The shell whose input queue has to have a place.
    pub(super) room: Option<Arc<ShellInput>>,
    /// The next deadline.
    pub(super) wake_at: Option<Duration>,
    /// A command to ask the reviewer about.
    pub(super) asked: Option<Command>,
    /// The command whose review counts; any other is void.
    pub(super) review: Option<CommandId>,
}

impl Core {
    pub(super) fn new(bridge: Bridge, input: ShellInput, hooks: Hooks) -> Self {
        Self {
            bridge,
            hooks,
            input: Some(Arc::new(input)),
            writes: VecDeque::new(),
            owed: 0,
            links: Vec::new(),
            awaited: Awaited::default(),
            ended: None,
        }
    }

    /// The reason, once the session is over.
    pub(super) fn ended(&self) -> Option<&CloseReason> {
        self.ended.as_ref()
    }

    /// Whether a connection takes part; if not, only its farewell is left.
    pub(super) fn is_open(&self, id: ConnectionId) -> bool {
        !self.bridge.is_closing() && self.bridge.connections().any(|view| view.id == id && view.open)
    }

    pub(super) fn link(&mut self, id: ConnectionId) -> Arc<Link> {
        let link = Arc::new(Link::default());
        self.links.push((id, Arc::clone(&link)));
        link
    }

    pub(super) fn cut(&mut self, now: Duration, id: ConnectionId) {
        self.links.retain(|(other, _)| *other != id);
        self.bridge.on_cut(now, id);
    }

    /// The shell printed, and there is room for it.
    pub(super) fn on_output(&mut self, now: Duration, bytes: &Bytes) {
        self.show(now, bytes);
        self.hooks.on_output(now, bytes);
    }

    pub(super) fn on_end(&mut self, now: Duration, end: ChannelEnd) {
        self.hooks.on_end(now, &end);
        self.bridge.on_channel_closed(now, end);
    }

    pub(super) fn on_tick(&mut self, now: Duration) {
        self.bridge.on_tick(now);
        self.hooks.on_tick(now);
    }

    pub(super) fn on_verdict(&mut self, now: Duration, id: CommandId, verdict: Verdict) {
        self.hooks.on_verdict(now, id, verdict);
    }

    /// Types what waited for room. The session may have ended meanwhile.
    pub(super) fn on_room(&mut self, now: Duration, permit: InputPermit<'_>) {
        if let Some(bytes) = self.writes.pop_front() {
            self.hooks.on_typed(now, &bytes);
            permit.send(bytes);
        }
        self.write_what_fits(now);
    }

    /// The shell takes no input any more; its end comes as output. What it did not take stays unacknowledged.
    pub(super) fn input_closed(&mut self) {
        self.input = None;
        self.writes.clear();
    }

    /// What the driver has to do. What it is told now is what it waits for.
    pub(super) fn next(&mut self) -> Next {
        if let Some(reason) = &self.ended {
            return Next::Done(reason.clone());
        }
        let asked = self.hooks.take_asked();
        self.awaited = self.wanted();
        Next::Wait(Wait {
            output: self.awaited.output,
            room: self.input.clone().filter(|_| self.awaited.room),
            wake_at: self.awaited.wake_at,
            asked,
            review: self.awaited.review,
        })
    }

    /// Whether the driver waits for other things than it should. A deadline that has moved away is no
    /// reason to wake it: it will look again at the old one.
    pub(super) fn misses_driver(&self) -> bool {
        let (wanted, awaited) = (self.wanted(), self.awaited);
        let earlier = match (wanted.wake_at, awaited.wake_at) {
            (Some(wanted), Some(awaited)) => wanted < awaited,
            (wanted, awaited) => wanted.is_some() && awaited.is_none(),
        };
        let others = Awaited { wake_at: awaited.wake_at, ..wanted };
        self.ended.is_some() || earlier || others != awaited || self.hooks.has_asked()
    }

    fn wanted(&self) -> Awaited {
        Awaited {
            output: self.bridge.wants_channel_read(),
            room: !self.writes.is_empty(),
            wake_at: self.bridge.wake_at().into_iter().chain(self.hooks.wake_at()).min(),
            review: self.hooks.reviewing(),
        }
    }

    /// Does what bridge and hooks ask for, as far as it can be done without waiting.
    pub(super) fn settle(&mut self, now: Duration) {
        loop {
            self.take_effects(now);
            if self.hooks.failed {
                self.bridge.close(CloseReason::Recording);
            }
            if self.ended.is_some() {
                return;
            }
            match self.bridge.poll() {
                Some(Action::WriteChannel(bytes)) => self.type_in(now, bytes),
                Some(Action::ResizeChannel(size)) => {
                    self.hooks.on_resize(now, size);
                    if let Some(input) = &self.input {
                        input.resize(size);
                    }
                }
                Some(Action::Close(reason)) => self.finish(reason),
                None => return,
            }
        }
    }

    pub(super) fn wake_connections(&self) {
        for (id, link) in &self.links {
            link.frames.notify_one();
            if !self.is_open(*id) {
                link.closing.notify_one();
            }
        }
    }

    /// A piece of input from the bridge, which gives out the next one when this one is acknowledged.
    fn type_in(&mut self, now: Duration, bytes: Bytes) {
        self.owed = bytes.len();
        self.writes.extend(self.hooks.on_input(now, bytes));
        self.take_effects(now);
        self.write_what_fits(now);
    }

    fn take_effects(&mut self, now: Duration) {
        while let Some(effect) = self.hooks.poll(now) {
            match effect {
                Effect::Type(bytes) => {
                    self.writes.push_back(bytes);
                    self.write_what_fits(now);
                }
                Effect::End { text } => {
                    let failure = Failure::with_text(FailureCode::Denied, &text);
                    self.bridge.close(CloseReason::Kicked(failure));
                }
            }
        }
        while self.bridge.wants_channel_read()
            && let Some(remark) = self.hooks.take_remark()
        {
            self.show(now, &remark);
            self.hooks.on_shown(now, &remark);
        }
    }

    /// Types what there is room for at once; the rest waits for the driver to find some. Input that is with
    /// the shell, or held back by the audit, is acknowledged; a shell that takes no more leaves it
    /// unacknowledged.
    fn write_what_fits(&mut self, now: Duration) {
        let Some(input) = self.input.clone() else { return };
        while !self.writes.is_empty() {
            let Some(permit) = input.try_permit() else { return };
            if let Some(bytes) = self.writes.pop_front() {
                self.hooks.on_typed(now, &bytes);
                permit.send(bytes);
            }
        }
        if self.owed > 0 {
            self.bridge.on_channel_written(std::mem::take(&mut self.owed));
        }
    }

    fn show(&mut self, now: Duration, bytes: &[u8]) {
        // `wants_channel_read` leaves room for any chunk of a shell, so this does not fail.
        if let Err(error) = self.bridge.on_channel(now, bytes) {
            self.bridge.on_channel_closed(now, ChannelEnd::Lost(Arc::new(error)));
        }
    }

    fn finish(&mut self, reason: CloseReason) {
        self.ended = Some(reason);
        self.input = None;
        self.writes.clear();
        self.hooks.finish();
        self.wake_connections();
    }
}
