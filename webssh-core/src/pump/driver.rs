//! The one task of a session: it waits for the shell, for time, and for whoever listens in.

use std::fmt;
use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use tokio::time::{Instant, sleep_until};

use super::Reviewer;
use super::core::{Next, Wait};
use super::shared::Shared;
use crate::BoxFuture;
use crate::audit::{CommandId, Verdict};
use crate::bridge::CloseReason;
use crate::record::Recorder;
use crate::ssh::{InputPermit, Output, ShellInput, ShellOutput};

/// Owns the reading half of the shell. Dropping it ends the session.
pub(super) struct Driver {
    shared: Arc<Shared>,
    output: ShellOutput,
    /// Output that came after the room for it was given away: a browser that comes back needs what a
    /// detached session may forget.
    held: Option<Bytes>,
    recorder: Option<Arc<Recorder>>,
    reviewer: Option<Arc<dyn Reviewer>>,
    review: Option<(CommandId, BoxFuture<'static, Verdict>)>,
}

impl Driver {
    pub(super) fn new(
        shared: Arc<Shared>,
        output: ShellOutput,
        recorder: Option<Arc<Recorder>>,
        reviewer: Option<Arc<dyn Reviewer>>,
    ) -> Self {
        Self { shared, output, held: None, recorder, reviewer, review: None }
    }

    /// Runs until the session is over.
    pub(super) async fn run(mut self) -> CloseReason {
        // One timer for the whole session. It is set anew only when the deadline has moved.
        let alarm = sleep_until(Instant::now());
        tokio::pin!(alarm);
        loop {
            let wait = match self.shared.next(&mut self.held) {
                Next::Done(reason) => return reason,
                Next::Wait(wait) => self.with_review(wait),
            };
            if let Some(at) = wait.wake_at.map(|at| self.shared.at(at)).filter(|at| *at != alarm.deadline()) {
                alarm.as_mut().reset(at);
            }
            let output = wait.output && self.held.is_none();
            // Every branch may be dropped while it waits: a chunk of output and a permit are either here
            // or still with the shell, and the bell keeps ringing until it is heard.
            tokio::select! {
                output = self.output.recv(), if output => self.on_output(output),
                permit = permit(wait.room.as_deref()), if wait.room.is_some() => self.on_room(permit),
                () = alarm.as_mut(), if wait.wake_at.is_some() => {
                    self.shared.with(|core, now| core.on_tick(now));
                }
                (id, verdict) = decision(&mut self.review), if self.review.is_some() => {
                    self.review = None;
                    self.shared.with(|core, now| core.on_verdict(now, id, verdict));
                }
                () = failure(self.recorder.as_deref()), if self.recorder.is_some() => {
                    self.shared.with(|core, _| core.bridge.close(CloseReason::Recording));
                }
                () = self.shared.bell.notified() => {}
            }
        }
    }

    /// Asks the reviewer, and drops a review that is void.
    fn with_review(&mut self, mut wait: Wait) -> Wait {
        if let (Some(command), Some(reviewer)) = (wait.asked.take(), &self.reviewer) {
            self.review = Some((command.id, reviewer.review(command)));
        }
        if self.review.as_ref().map(|(id, _)| *id) != wait.review {
            self.review = None;
        }
        wait
    }

    fn on_output(&mut self, output: Output) {
        match output {
            // It is taken when the loop comes round, if there still is room.
            Output::Bytes(bytes) => self.held = Some(bytes),
            Output::Ended(end) => self.shared.with(|core, now| core.on_end(now, end)),
        }
    }

    fn on_room(&self, permit: Option<InputPermit<'_>>) {
        self.shared.with(|core, now| match permit {
            Some(permit) => core.on_room(now, permit),
            None => core.input_closed(),
        });
    }
}

async fn permit(input: Option<&ShellInput>) -> Option<InputPermit<'_>> {
    match input {
        Some(input) => input.permit().await,
        None => pending().await,
    }
}

async fn failure(recorder: Option<&Recorder>) {
    match recorder {
        Some(recorder) => recorder.failed().await,
        None => pending().await,
    }
}

/// Waits for the review without giving it up when another event comes first.
async fn decision(review: &mut Option<(CommandId, BoxFuture<'static, Verdict>)>) -> (CommandId, Verdict) {
    poll_fn(|context| match review {
        Some((id, decision)) => decision.as_mut().poll(context).map(|verdict| (*id, verdict)),
        None => Poll::Pending,
    })
    .await
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.shared.with(|core, _| {
            if core.ended().is_none() {
                core.bridge.close(CloseReason::Shutdown);
            }
        });
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("shared", &self.shared).finish_non_exhaustive()
    }
}
