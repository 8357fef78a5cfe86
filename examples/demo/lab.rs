//! The lab: which SSH server the course terminals reach, as whom, and how many at a time.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use webssh_core::frame::{Failure, FailureCode};
use webssh_core::ssh::{ConnectOptions, Connected, Libssh2, Shell};
use webssh_core::{Admission, Credentials, Error, KnownHosts, Secret, TargetPolicy};
use zeroize::Zeroizing;

/// The SSH server of the terminals.
#[derive(Debug)]
pub(crate) struct Lab {
    addr: SocketAddr,
    /// The one server that terminals may reach.
    policy: TargetPolicy,
    hosts: KnownHosts,
    /// The account for everybody, or none where every learner has one of their own.
    user: Option<String>,
    key_pem: Zeroizing<String>,
    places: Arc<Semaphore>,
    /// Terminals open now, by learner.
    taken: Arc<Mutex<HashMap<String, usize>>>,
}

/// Terminals that one learner may have open.
const TERMINALS_PER_LEARNER_MAX: usize = 4;

/// A place at a terminal, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    learner: String,
    taken: Arc<Mutex<HashMap<String, usize>>>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        let left = taken.get(&self.learner).map_or(0, |count| count.saturating_sub(1));
        if left == 0 {
            taken.remove(&self.learner);
        } else {
            taken.insert(self.learner.clone(), left);
        }
    }
}

/// A poisoned count is still a count: nothing in its critical sections can leave it half changed.
fn lock(taken: &Mutex<HashMap<String, usize>>) -> MutexGuard<'_, HashMap<String, usize>> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Lab {
    /// A lab on one server with a pinned host key.
    ///
    /// # Errors
    /// For a known_hosts text that is too large.
    pub(crate) fn new(
        addr: SocketAddr,
        known_hosts: &str,
        user: Option<String>,
        key_pem: Zeroizing<String>,
        terminals_max: u16,
    ) -> Result<Self, Error> {
        Ok(Self {
            addr,
            policy: TargetPolicy::new([addr.to_string().as_str()])?,
            hosts: KnownHosts::parse(known_hosts)?,
            user,
            key_pem,
            places: Arc::new(Semaphore::new(terminals_max.into())),
            taken: Arc::default(),
        })
    }

    /// A place at a terminal; none when all are taken, or the learner has their share.
    pub(crate) fn place(&self, learner: &str) -> Option<Place> {
        let permit = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let mut taken = lock(&self.taken);
        let count = taken.entry(learner.to_owned()).or_default();
        if *count >= TERMINALS_PER_LEARNER_MAX {
            return None;
        }
        *count += 1;
        drop(taken);
        Some(Place { learner: learner.to_owned(), taken: Arc::clone(&self.taken), _permit: permit })
    }

    /// Opens a shell for a learner, or says in the wire's words why not.
    pub(crate) async fn connect(&self, learner: &str) -> Result<Shell, Failure> {
        let opened = self.open(learner).await.map_err(|cause| {
            tracing::error!(cause = chain(&cause), "the lab server could not be used");
            Failure::new(FailureCode::Unreachable)
        })?;
        match opened {
            Some(Connected::Open(shell)) => Ok(shell),
            Some(Connected::HostRefused(verdict)) => {
                tracing::error!(?verdict, "the lab server's host key was refused");
                Err(Failure::new(FailureCode::HostKey))
            }
            Some(Connected::LoginRefused) => Err(Failure::new(FailureCode::Login)),
            None => Err(Failure::new(FailureCode::NotAllowed)),
        }
    }

    async fn open(&self, learner: &str) -> Result<Option<Connected>, Error> {
        let user = self.user.as_deref().unwrap_or(learner);
        let admission = self.policy.admit(&self.addr.ip().to_string(), self.addr.port(), user)?;
        let Admission::Allowed(target) = admission else {
            return Ok(None);
        };
        let credentials = Credentials::key(Secret::new(self.key_pem.to_string()), None)?;
        let options = ConnectOptions::default();
        Libssh2::connect(&target, self.addr, &self.hosts, credentials, options).await.map(Some)
    }
}

/// An error and all its sources on one line, escaped: some of the words may come from the server.
fn chain(cause: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(cause), |cause| cause.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ").escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_learner_has_a_share_and_gives_it_back() {
        let addr = SocketAddr::from(([127, 0, 0, 1], 22));
        let lab = Lab::new(addr, "", None, Zeroizing::new(String::new()), 5).unwrap();
        let mut places: Vec<_> = (0..TERMINALS_PER_LEARNER_MAX).map(|_| lab.place("mei").unwrap()).collect();
        assert!(lab.place("mei").is_none());
        let other = lab.place("lei").unwrap();
        assert!(lab.place("bo").is_none(), "all five are taken");
        places.pop();
        assert!(lab.place("mei").is_some());
        drop((places, other));
        assert!(lock(&lab.taken).is_empty());
    }
}
