//! The lab: which SSH server the course terminals reach, as whom, and how many at a time.

use std::net::SocketAddr;
use std::sync::Arc;

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
        })
    }

    /// A place at a terminal, given back when it is dropped; none when all are taken.
    pub(crate) fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    /// Opens a shell for a learner, or says in the wire's words why not.
    pub(crate) async fn connect(&self, learner: &str) -> Result<Shell, Failure> {
        let opened = self.open(learner).await.map_err(|cause| {
            tracing::error!(%cause, "the lab server could not be used");
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
