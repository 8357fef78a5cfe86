//! A place to connect to, with all that a dial needs.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use testkit::{Sshd, SshdOptions};
use webssh_core::ssh::{Backend, ConnectOptions, Connected, Dial, GuardedLibssh2, Libssh2, Shell};
use webssh_core::{
    Admission, Credentials, Destination, Dialogue, Error, HostKeys, KnownHosts, Login, NoDialogue, Resolved,
    Secret, TargetPolicy,
};

use crate::contract::lab::patient;

/// One server, from the point of view of one user.
pub(crate) struct Lab {
    pub(crate) destination: Destination,
    pub(crate) hosts: HostKeys,
    pub(crate) login: Login,
    pub(crate) options: ConnectOptions,
}

impl Lab {
    pub(crate) fn new(
        addr: SocketAddr,
        user: &str,
        known_hosts: &str,
        login: impl IntoIterator<Item = Credentials>,
    ) -> Self {
        let policy = TargetPolicy::new([addr.to_string().as_str()]).unwrap();
        let Admission::Allowed(target) = policy.admit(&addr.ip().to_string(), addr.port(), user).unwrap()
        else {
            panic!("the server is listed");
        };
        let Resolved::At(destination) = policy.destination(&target, &[addr]) else {
            panic!("the address is listed");
        };
        Self {
            destination,
            hosts: HostKeys::strict(KnownHosts::parse(known_hosts).unwrap()),
            login: Login::new(login),
            options: patient(),
        }
    }

    /// A real server, at another address if something stands in front of it.
    pub(crate) fn of(sshd: &Sshd, addr: SocketAddr) -> Self {
        let line = sshd.host_key_line().replace(&sshd.addr().port().to_string(), &addr.port().to_string());
        Self::new(addr, sshd.user(), &line, [credentials(sshd.client_key())])
    }

    pub(crate) fn with(mut self, options: ConnectOptions) -> Self {
        self.options = options;
        self
    }

    pub(crate) fn dial<'a>(&'a self, dialogue: &'a dyn Dialogue) -> Dial<'a> {
        Dial {
            destination: &self.destination,
            login: &self.login,
            hosts: &self.hosts,
            dialogue,
            options: &self.options,
            jump: None,
        }
    }

    pub(crate) async fn shell(&self) -> Result<Connected<Shell>, Error> {
        Libssh2.shell(&self.dial(&NoDialogue)).await
    }

    pub(crate) async fn guarded_shell(&self) -> Shell {
        opened(GuardedLibssh2.shell(&self.dial(&NoDialogue)).await.unwrap())
    }
}

pub(crate) fn opened(connected: Connected<Shell>) -> Shell {
    connected.open().unwrap_or_else(|refused| panic!("{refused}"))
}

/// A server whose shells do not run the startup files of the account, which may do and wait for anything.
pub(crate) fn options() -> SshdOptions {
    Sshd::options().line("SetEnv HOME=/nonexistent")
}

pub(crate) fn credentials(key: &Path) -> Credentials {
    Credentials::key(Secret::new(fs::read_to_string(key).unwrap()), None).unwrap()
}

pub(crate) async fn connect(
    sshd: &Sshd,
    known_hosts: &str,
    credentials: Credentials,
) -> Result<Connected<Shell>, Error> {
    Lab::new(sshd.addr(), sshd.user(), known_hosts, [credentials]).shell().await
}

pub(crate) async fn shell(sshd: &Sshd) -> Shell {
    opened(Lab::of(sshd, sshd.addr()).shell().await.unwrap())
}
