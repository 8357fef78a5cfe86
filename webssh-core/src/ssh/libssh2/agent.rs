//! Login with the keys of an SSH agent of this machine.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use ssh2::{PublicKey, Session};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::interactive::Questions;
use super::link::Link;
use super::login::{Answer, answer, attempt};
use crate::error::{Error, Inner};
use crate::ssh::patience::Patience;

/// Agents that are asked at the same time. libssh2 waits for them without a limit, so some threads may be
/// lost to agents that hang, but not all.
static AGENTS: Semaphore = Semaphore::const_new(8);

/// The keys that are tried; OpenSSH ends a connection after six that it does not know.
const KEYS_MAX: usize = 6;

/// An agent and the keys it has.
struct Agent {
    agent: ssh2::Agent,
    keys: Vec<PublicKey>,
    /// Held as long as a thread may hang on the agent.
    _permit: Option<SemaphorePermit<'static>>,
}

/// Logs in with the first of the agent's keys that the server knows.
pub(super) async fn login(
    link: &mut Link,
    user: &str,
    socket: &Path,
    patience: &Patience<'_>,
) -> Result<Answer, Error> {
    // The semaphore is never closed.
    let mut permit = AGENTS.acquire().await.ok();
    let socket = socket.to_owned();
    let open = move |session: &Session| open(session, &socket, permit.take());
    let agent = attempt(link, open, &mut Questions::none(), patience).await?;
    let agent =
        agent.map_err(|source| Inner::Agent { doing: "asking for its keys", source: Box::new(source) })?;
    let count = agent.keys.len().min(KEYS_MAX);
    let agent = Arc::new(Mutex::new(agent));
    for number in 0..count {
        let (agent, user) = (Arc::clone(&agent), user.to_owned());
        let call =
            move |_: &Session| agent.lock().unwrap_or_else(PoisonError::into_inner).show(&user, number);
        if answer(attempt(link, call, &mut Questions::none(), patience).await?)? == Answer::Accepted {
            return Ok(Answer::Accepted);
        }
    }
    Ok(Answer::Refused)
}

fn open(
    session: &Session,
    socket: &Path,
    permit: Option<SemaphorePermit<'static>>,
) -> Result<Agent, ssh2::Error> {
    let mut agent = session.agent()?;
    agent.set_identity_path(socket)?;
    agent.connect()?;
    agent.list_identities()?;
    let keys = agent.identities()?;
    Ok(Agent { agent, keys, _permit: permit })
}

impl Agent {
    fn show(&self, user: &str, number: usize) -> Result<(), ssh2::Error> {
        match self.keys.get(number) {
            Some(key) => self.agent.userauth(user, key),
            None => Err(ssh2::Error::unknown()),
        }
    }
}
