//! The rule of a connection before its `Welcome`: pings, and one question at a time. No lock, no clock.

use std::time::Duration;

use super::{HubLimits, secs};
use crate::Secret;
use crate::bridge::{CloseReason, ProtocolError};
use crate::frame::{Caps, ClientFrame, RTT_UNKNOWN, ServerFrame};

/// What the two ends of a connection have said so far.
#[derive(Debug)]
pub(super) struct Talk {
    /// Whether the client knows questions.
    asks: bool,
    ping_every: Duration,
    pong_within: Duration,
    answer_within: Duration,
    beat: Beat,
    pings: u64,
    /// Questions asked so far; also the number of the next.
    asked: u32,
    question: Option<Question>,
}

#[derive(Debug, Clone, Copy)]
enum Beat {
    Quiet { ping_at: Duration },
    Waiting { stamp: u64, deadline: Duration, sent: bool },
}

#[derive(Debug)]
struct Question {
    id: u32,
    kind: Kind,
    /// Until it has left.
    frame: Option<ServerFrame>,
    until: Duration,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// As many answers as there are prompts.
    Prompts { count: usize },
    /// Whether a host key is to be trusted.
    HostKey,
}

/// What a browser answered.
#[derive(Debug)]
pub(super) enum Reply {
    Answers(Vec<Secret>),
    HostKey { accept: bool },
}

/// What a tick of the clock means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tick {
    Alive,
    /// Nobody answered the question.
    Unanswered,
    /// Nobody answers pings.
    Silent,
}

/// What a browser may still answer after its `Welcome`, because both crossed on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Late {
    pub(super) stamp: Option<u64>,
    pub(super) asked: u32,
}

impl Talk {
    pub(super) fn new(caps: Caps, limits: &HubLimits, now: Duration) -> Self {
        let ping_every = limits.session.heartbeat();
        Self {
            asks: caps.has(Caps::DIALOGUE),
            ping_every,
            pong_within: limits.session.heartbeat_timeout(),
            answer_within: secs(limits.question_secs_max),
            beat: Beat::Quiet { ping_at: now + ping_every },
            pings: 0,
            asked: 0,
            question: None,
        }
    }

    /// Asks a question, which gets its number from here. `None` when the client knows no questions, or when
    /// this one does not fit a frame.
    pub(super) fn ask(
        &mut self,
        now: Duration,
        kind: Kind,
        frame: impl FnOnce(u32) -> Option<ServerFrame>,
    ) -> Option<u32> {
        if !self.asks {
            return None;
        }
        let id = self.asked;
        let frame = Some(frame(id)?);
        self.asked = id.checked_add(1)?;
        self.question = Some(Question { id, kind, frame, until: now + self.answer_within });
        Some(id)
    }

    /// Pings now: whoever answers is there.
    pub(super) fn ping(&mut self, now: Duration) {
        self.beat = self.next_ping(now);
    }

    /// Whether no ping waits for its answer.
    pub(super) fn is_answered(&self) -> bool {
        matches!(self.beat, Beat::Quiet { .. })
    }

    /// Nobody waits for the answer any more.
    pub(super) fn withdraw(&mut self, id: u32) {
        self.question = self.question.take().filter(|question| question.id != id);
    }

    /// A message of the browser; a reply to the open question is given back.
    pub(super) fn on_frame(&mut self, now: Duration, frame: &[u8]) -> Result<Option<Reply>, CloseReason> {
        let taken = match ClientFrame::decode(frame) {
            Ok(ClientFrame::Leave) => return Err(CloseReason::Left),
            Ok(ClientFrame::Pong { stamp }) => self.on_pong(now, stamp).map(|()| None),
            Ok(ClientFrame::Answer(answer)) => {
                let (id, answers) = (answer.id(), answer.into_secrets());
                let kind = Kind::Prompts { count: answers.len() };
                self.on_answer(id, kind).map(|wanted| wanted.then_some(Reply::Answers(answers)))
            }
            Ok(ClientFrame::HostAnswer { id, accept }) => {
                let wanted = self.on_answer(id, Kind::HostKey);
                wanted.map(|wanted| wanted.then_some(Reply::HostKey { accept }))
            }
            Ok(ClientFrame::Hello(_)) => Err(ProtocolError::HelloTwice),
            Ok(_) => Err(ProtocolError::WelcomeExpected),
            Err(error) => Err(ProtocolError::Frame(error)),
        };
        taken.map_err(CloseReason::Protocol)
    }

    pub(super) fn on_tick(&mut self, now: Duration) -> Tick {
        match self.beat {
            Beat::Waiting { deadline, .. } if now >= deadline => return Tick::Silent,
            Beat::Quiet { ping_at } if now >= ping_at => self.beat = self.next_ping(now),
            Beat::Quiet { .. } | Beat::Waiting { .. } => {}
        }
        if self.question.as_ref().is_some_and(|question| now >= question.until) {
            self.question = None;
            return Tick::Unanswered;
        }
        Tick::Alive
    }

    /// The next frame for the browser.
    pub(super) fn poll(&mut self) -> Option<ServerFrame> {
        if let Beat::Waiting { stamp, sent, .. } = &mut self.beat
            && !*sent
        {
            *sent = true;
            return Some(ServerFrame::Ping { stamp: *stamp, rtt_ms: RTT_UNKNOWN });
        }
        self.question.as_mut()?.frame.take()
    }

    /// When [`on_tick`](Self::on_tick) has to be called.
    pub(super) fn wake_at(&self) -> Duration {
        let beat = match self.beat {
            Beat::Quiet { ping_at } => ping_at,
            Beat::Waiting { deadline, .. } => deadline,
        };
        self.question.as_ref().map_or(beat, |question| question.until.min(beat))
    }

    pub(super) fn late(&self) -> Late {
        let stamp = match self.beat {
            Beat::Waiting { stamp, sent: true, .. } => Some(stamp),
            Beat::Waiting { .. } | Beat::Quiet { .. } => None,
        };
        Late { stamp, asked: self.asked }
    }

    fn next_ping(&mut self, now: Duration) -> Beat {
        // From the top down: the bridge, which goes on with its own stamps, counts up.
        let stamp = u64::MAX - self.pings;
        self.pings = self.pings.saturating_add(1);
        Beat::Waiting { stamp, deadline: now + self.pong_within, sent: false }
    }

    fn on_pong(&mut self, now: Duration, stamp: u64) -> Result<(), ProtocolError> {
        if !matches!(self.beat, Beat::Waiting { stamp: asked, sent: true, .. } if asked == stamp) {
            return Err(ProtocolError::StrayPong);
        }
        self.beat = Beat::Quiet { ping_at: now + self.ping_every };
        Ok(())
    }

    /// Whether the answer is the one that is waited for. One to an older question came too late; one to a
    /// question that was never asked, or of the wrong kind, is a lie.
    fn on_answer(&mut self, id: u32, kind: Kind) -> Result<bool, ProtocolError> {
        match &self.question {
            Some(question) if question.id == id => {
                if question.kind != kind || question.frame.is_some() {
                    return Err(ProtocolError::StrayAnswer);
                }
                self.question = None;
                Ok(true)
            }
            _ if id < self.asked => Ok(false),
            _ => Err(ProtocolError::StrayAnswer),
        }
    }
}

impl Late {
    /// Whether a frame that came after the `Welcome` belongs to the time before it.
    pub(super) fn takes(&mut self, frame: &[u8]) -> bool {
        match ClientFrame::decode(frame) {
            Ok(ClientFrame::Pong { stamp }) if self.stamp == Some(stamp) => {
                self.stamp = None;
                true
            }
            Ok(ClientFrame::Answer(answer)) => answer.id() < self.asked,
            Ok(ClientFrame::HostAnswer { id, .. }) => id < self.asked,
            _ => false,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.stamp.is_none() && self.asked == 0
    }
}
