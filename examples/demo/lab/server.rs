//! The SSH server of the terminals and files: where it is, as whom, and how its refusals sound to a learner.

use std::net::SocketAddr;
use std::sync::Arc;

use webssh_core::files::{FileLimits, Files};
use webssh_core::frame::{Failure, FailureCode};
use webssh_core::ssh::{Backend, ConnectOptions, Connected, Dial, Libssh2, Shell};
use webssh_core::{
    Admission, Credentials, Destination, Dialogue, Error, HostKeys, KnownHosts, Login, NoDialogue, Resolved,
    Secret, TargetPolicy, WinSize,
};

/// How the lab proves who it is.
#[derive(Debug)]
pub(crate) struct Key {
    /// The account for everybody, or none where every learner has one of their own.
    pub(crate) user: Option<String>,
    /// A private key in PEM.
    pub(crate) pem: Secret,
}

/// One server with a pinned host key.
#[derive(Debug)]
pub(crate) struct Server {
    addr: SocketAddr,
    /// The one server that terminals may reach.
    policy: TargetPolicy,
    hosts: HostKeys,
    user: Option<String>,
    login: Login,
    backend: Arc<dyn Backend>,
}

impl Server {
    /// The server at `addr`, whose host key stands in `known_hosts`.
    ///
    /// # Errors
    /// For a known_hosts text that is too large, or a key that cannot be used.
    pub(crate) fn new(addr: SocketAddr, known_hosts: &str, key: Key) -> Result<Self, Error> {
        Ok(Self {
            addr,
            policy: TargetPolicy::new([addr.to_string().as_str()])?,
            hosts: HostKeys::strict(KnownHosts::parse(known_hosts)?),
            user: key.user,
            login: Login::new([Credentials::key(key.pem, None)?]),
            backend: Arc::new(Libssh2),
        })
    }

    /// Opens a shell for a learner, or says in the wire's words why not.
    pub(super) async fn shell(
        &self,
        learner: &str,
        size: WinSize,
        dialogue: &dyn Dialogue,
    ) -> Result<Shell, Failure> {
        let destination = self.destination(learner)?;
        let mut options = ConnectOptions::default();
        options.size = size;
        opened(self.backend.shell(&self.dial(&destination, dialogue, &options)).await)
    }

    /// Opens a learner's files, on a connection of their own. Nobody is asked anything.
    pub(super) async fn files(&self, learner: &str, limits: &FileLimits) -> Result<Files, Failure> {
        let destination = self.destination(learner)?;
        let options = ConnectOptions::default();
        opened(self.backend.files(&self.dial(&destination, &NoDialogue, &options), limits).await)
    }

    fn dial<'a>(
        &'a self,
        destination: &'a Destination,
        dialogue: &'a dyn Dialogue,
        options: &'a ConnectOptions,
    ) -> Dial<'a> {
        Dial { destination, login: &self.login, hosts: &self.hosts, dialogue, options, jump: None }
    }

    /// Where the server is, if it may be dialled.
    fn destination(&self, learner: &str) -> Result<Destination, Failure> {
        let found = self.allowed(learner).map_err(|cause| unusable(&cause))?;
        found.ok_or_else(|| Failure::new(FailureCode::Target))
    }

    fn allowed(&self, learner: &str) -> Result<Option<Destination>, Error> {
        let user = self.user.as_deref().unwrap_or(learner);
        let Admission::Allowed(target) =
            self.policy.admit(&self.addr.ip().to_string(), self.addr.port(), user)?
        else {
            return Ok(None);
        };
        Ok(match self.policy.destination(&target, &[self.addr]) {
            Resolved::At(destination) => Some(destination),
            Resolved::Refused(refusal) => {
                tracing::error!(%refusal, "the lab server may not be dialled");
                None
            }
        })
    }
}

/// What was opened, or the words for a learner; the others go to the log.
fn opened<T>(connected: Result<Connected<T>, Error>) -> Result<T, Failure> {
    match connected.map_err(|cause| unusable(&cause))? {
        Connected::Open(open) => Ok(open),
        Connected::HostRefused(verdict) => {
            tracing::error!(?verdict, "the lab server's host key was refused");
            Err(Failure::new(FailureCode::HostKey))
        }
        refused => {
            tracing::error!(%refused, "the lab server refused the lab");
            Err(Failure::new(FailureCode::Login))
        }
    }
}

fn unusable(cause: &Error) -> Failure {
    tracing::error!(cause = chain(cause), "the lab server could not be used");
    Failure::new(FailureCode::Unreachable)
}

/// An error and all its sources on one line, escaped: some of the words may come from the server.
fn chain(cause: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(cause), |cause| cause.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ").escape_debug().to_string()
}
