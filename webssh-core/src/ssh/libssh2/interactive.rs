//! Keyboard-interactive login (RFC 4256): libssh2 asks from within a call, the person answers elsewhere.
//!
//! The call waits on a thread of the blocking pool. The questions go over a queue to the task of the
//! connection, which puts them to the [`Dialogue`] and sends the answers back.

use ssh2::{KeyboardInteractivePrompt, Prompt, Session};
use tokio::sync::{Semaphore, SemaphorePermit, mpsc, oneshot};
use tokio::task::JoinHandle;

use super::link::Link;
use super::login::{Answer, answer, attempt, joined};
use crate::error::{Error, ErrorKind, Inner};
use crate::ssh::patience::Patience;
use crate::{Dialogue, Prompts, Secret};

/// Logins that wait for a person at the same time, each on a thread: half of tokio's blocking pool.
static DIALOGUES: Semaphore = Semaphore::const_new(256);

/// Rounds of questions in one login.
const ROUNDS_MAX: u32 = 16;

/// The longest answer, in bytes.
const ANSWER_BYTES_MAX: usize = 4096;

/// Questions from a call that is under way.
pub(super) struct Questions {
    rounds: Option<mpsc::Receiver<Round>>,
    asked: u32,
    declined: bool,
    broken: Option<Error>,
}

/// One round, and where its answers go.
struct Round {
    prompts: Result<Prompts, Error>,
    answers: oneshot::Sender<Vec<Secret>>,
}

/// What libssh2 calls.
struct Prompter {
    rounds: mpsc::Sender<Round>,
    /// Held as long as a thread may wait.
    _permit: Option<SemaphorePermit<'static>>,
}

/// Logs in by the answers of a person.
pub(super) async fn login(link: &mut Link, user: String, patience: &Patience<'_>) -> Result<Answer, Error> {
    // The semaphore is never closed.
    let permit = DIALOGUES.acquire().await.ok();
    let (rounds, receiver) = mpsc::channel(1);
    let mut prompter = Prompter { rounds, _permit: permit };
    let mut questions = Questions { rounds: Some(receiver), ..Questions::none() };
    let call = move |session: &Session| session.userauth_keyboard_interactive(&user, &mut prompter);
    let result = attempt(link, call, &mut questions, patience).await;
    if let Some(broken) = questions.broken {
        return Err(broken);
    }
    if questions.declined { Ok(Answer::Declined) } else { answer(result?) }
}

impl Questions {
    /// Of a call that asks nothing.
    pub(super) fn none() -> Self {
        Self { rounds: None, asked: 0, declined: false, broken: None }
    }

    /// Waits for a call, and answers what it asks meanwhile.
    pub(super) async fn put_while<T>(
        &mut self,
        mut task: JoinHandle<T>,
        link: &Link,
        patience: &Patience<'_>,
    ) -> Result<T, Error> {
        loop {
            let Some(rounds) = &mut self.rounds else { return joined(&mut task).await };
            tokio::select! {
                done = joined(&mut task) => return done,
                Some(round) = rounds.recv() => self.put(round, link, patience).await,
            }
        }
    }

    async fn put(&mut self, round: Round, link: &Link, patience: &Patience<'_>) {
        self.asked += 1;
        let prompts = if self.asked > ROUNDS_MAX { Err(endless()) } else { round.prompts };
        let answers = match &prompts {
            Ok(prompts) => {
                let fits = |answers: &Vec<Secret>| {
                    answers.len() == prompts.prompts.len()
                        && answers.iter().all(|answer| answer.reveal().len() <= ANSWER_BYTES_MAX)
                };
                patience.ask(prompts).await.filter(fits)
            }
            Err(_) => None,
        };
        // libssh2 cannot be told that there is no answer: it would send empty ones, which count as wrong.
        // So the connection is cut first.
        if answers.is_none() {
            self.declined = true;
            link.cut();
        }
        self.broken = prompts.err();
        // A call that no longer waits has failed already.
        let _unheard = round.answers.send(answers.unwrap_or_default());
    }
}

fn endless() -> Error {
    let source = format!("the server asks more than {ROUNDS_MAX} rounds of questions").into();
    Inner::Session { doing: "logging in", kind: ErrorKind::PeerMisbehaved, source }.into()
}

impl KeyboardInteractivePrompt for Prompter {
    /// The first text is the title of the round, whatever the wrapper calls it.
    fn prompt<'a>(&mut self, name: &str, instructions: &str, prompts: &[Prompt<'a>]) -> Vec<String> {
        let asked = prompts.iter().map(|prompt| (prompt.text.as_ref(), prompt.echo));
        let prompts = Prompts::new(name, instructions, asked);
        let (answers, answered) = oneshot::channel();
        if self.rounds.blocking_send(Round { prompts, answers }).is_err() {
            return Vec::new();
        }
        let answers = answered.blocking_recv().unwrap_or_default();
        answers.iter().map(|answer| answer.reveal().to_owned()).collect()
    }
}
