//! The time that a connection may take, which stands still while a person is asked.

use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout};

use super::attempt::secs;
use super::dial::ConnectOptions;
use crate::error::{Error, Inner};
use crate::pump::BoxFuture;
use crate::{Dialogue, HostQuestion, Prompts, Secret};

/// A [`Dialogue`] whose answers come in time or not at all, and the deadline that waits for them.
pub(crate) struct Patience<'a> {
    dialogue: &'a dyn Dialogue,
    secs_max: u32,
    time: Mutex<Time>,
    /// A question was put or answered.
    changed: Notify,
}

#[derive(Clone, Copy)]
struct Time {
    /// When the attempt is over. The time that a person needed was added to it.
    deadline: Instant,
    /// When the question was put that is open now.
    asked: Option<Instant>,
    /// What is left for questions.
    left: Duration,
}

/// A question that is open; dropped when it was answered or given up.
struct Question<'a, 'b>(&'a Patience<'b>);

impl<'a> Patience<'a> {
    /// The clock of an attempt starts now.
    pub(crate) fn new(dialogue: &'a dyn Dialogue, options: &ConnectOptions) -> Self {
        let (deadline, left) =
            (Instant::now() + secs(options.connect_secs_max), secs(options.dialogue_secs_max));
        let time = Mutex::new(Time { deadline, asked: None, left });
        Self { dialogue, secs_max: options.connect_secs_max, time, changed: Notify::new() }
    }

    /// Runs an attempt until its deadline.
    ///
    /// # Errors
    /// That of the attempt, or `Unavailable` when it took too long.
    pub(crate) async fn within<T>(
        &self,
        attempt: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        tokio::pin!(attempt);
        loop {
            let Time { deadline, asked, .. } = *self.time();
            tokio::select! {
                result = &mut attempt => return result,
                () = self.changed.notified() => {}
                () = sleep_until(deadline), if asked.is_none() => {
                    return Err(Inner::Deadline { secs_max: self.secs_max }.into());
                }
            }
        }
    }

    /// Starts a question; says how long it may take.
    fn start(&self) -> (Question<'_, 'a>, Duration) {
        let mut time = self.time();
        time.asked = Some(Instant::now());
        self.changed.notify_one();
        (Question(self), time.left)
    }

    /// A poisoned time is still a time: nothing can leave it half changed.
    fn time(&self) -> MutexGuard<'_, Time> {
        self.time.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts one question at a time, as a connection does.
impl Dialogue for Patience<'_> {
    fn ask<'a>(&'a self, round: &'a Prompts) -> BoxFuture<'a, Option<Vec<Secret>>> {
        Box::pin(async move {
            let (_open, left) = self.start();
            timeout(left, self.dialogue.ask(round)).await.unwrap_or(None)
        })
    }

    fn trust<'a>(&'a self, question: &'a HostQuestion) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            let (_open, left) = self.start();
            timeout(left, self.dialogue.trust(question)).await.unwrap_or(false)
        })
    }
}

impl Drop for Question<'_, '_> {
    fn drop(&mut self) {
        let mut time = self.0.time();
        if let Some(asked) = time.asked.take() {
            let took = asked.elapsed();
            time.deadline += took;
            time.left = time.left.saturating_sub(took);
        }
        self.0.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    /// Answers after so long.
    struct Slow(Duration);

    impl Dialogue for Slow {
        fn ask<'a>(&'a self, _: &'a Prompts) -> BoxFuture<'a, Option<Vec<Secret>>> {
            Box::pin(async {
                tokio::time::sleep(self.0).await;
                Some(Vec::new())
            })
        }

        fn trust<'a>(&'a self, _: &'a HostQuestion) -> BoxFuture<'a, bool> {
            Box::pin(async {
                tokio::time::sleep(self.0).await;
                true
            })
        }
    }

    fn round() -> Prompts {
        Prompts::new("", "", [("Password: ", false)]).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_of_a_person_does_not_count() {
        let options = ConnectOptions { connect_secs_max: 10, dialogue_secs_max: 100, ..Default::default() };
        let slow = Slow(Duration::from_secs(60));
        let patience = Patience::new(&slow, &options);
        let started = Instant::now();
        let attempt = async {
            tokio::time::sleep(Duration::from_secs(4)).await;
            assert!(Dialogue::ask(&patience, &round()).await.is_some());
            pending::<Result<(), Error>>().await
        };
        let error = patience.within(attempt).await.unwrap_err();
        assert!(error.is_transient() && error.to_string().contains("10 seconds"), "{error}");
        assert_eq!(started.elapsed().as_secs(), 70);
    }

    #[tokio::test(start_paused = true)]
    async fn a_person_does_not_have_for_ever() {
        let options = ConnectOptions { connect_secs_max: 10, dialogue_secs_max: 100, ..Default::default() };
        let slow = Slow(Duration::from_secs(60));
        let patience = Patience::new(&slow, &options);
        let started = Instant::now();
        let attempt = async {
            assert!(Dialogue::ask(&patience, &round()).await.is_some());
            assert!(Dialogue::ask(&patience, &round()).await.is_none(), "40 seconds were left");
            Ok(())
        };
        patience.within(attempt).await.unwrap();
        assert_eq!(started.elapsed().as_secs(), 100);
    }
}
