//! What a connection needs: destinations, credentials, keys, and the servers of the tests.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use tempfile::TempDir;
use testkit::{Sshd, SshdOptions};
use tokio::net::TcpSocket;
use webssh_core::pump::BoxFuture;
use webssh_core::ssh::{Backend, ConnectOptions, Connected, Dial, Shell};
use webssh_core::{
    Admission, Credentials, Destination, Dialogue, Error, HostKeys, HostQuestion, KnownHosts, Login, Prompts,
    Resolved, Secret, TargetPolicy,
};

use super::screen::Screen;

pub(crate) type AnyBackend = Arc<dyn Backend>;

/// All that a dial borrows.
pub(crate) struct Call {
    pub(crate) destination: Destination,
    pub(crate) login: Login,
    pub(crate) hosts: HostKeys,
    pub(crate) options: ConnectOptions,
    pub(crate) person: Person,
}

/// Somebody in front of a browser, with answers that were given beforehand.
#[derive(Default)]
pub(crate) struct Person {
    /// For each round of questions the answers; then nobody is there.
    pub(crate) answers: std::sync::Mutex<Vec<Vec<&'static str>>>,
    pub(crate) trusts: bool,
    /// What was asked.
    pub(crate) asked: std::sync::Mutex<Vec<String>>,
}

impl Person {
    pub(crate) fn who_says(answers: &[&[&'static str]]) -> Self {
        let answers = answers.iter().rev().map(|round| round.to_vec()).collect();
        Self { answers: std::sync::Mutex::new(answers), ..Self::default() }
    }
}

impl Dialogue for Person {
    fn ask<'a>(&'a self, round: &'a Prompts) -> BoxFuture<'a, Option<Vec<Secret>>> {
        Box::pin(async {
            let words = round.prompts.iter().map(|prompt| format!("{}{}", prompt.text, prompt.echo));
            self.asked.lock().unwrap().push(words.collect::<Vec<_>>().join("|"));
            let answers = self.answers.lock().unwrap().pop()?;
            Some(answers.into_iter().map(|answer| Secret::new(answer.to_owned())).collect())
        })
    }

    fn trust<'a>(&'a self, question: &'a HostQuestion) -> BoxFuture<'a, bool> {
        Box::pin(async {
            self.asked.lock().unwrap().push(question.fingerprint.to_string());
            self.trusts
        })
    }
}

impl Call {
    /// To `addr`, as `user`, with the host key lines and credentials that are right.
    pub(crate) fn new(
        addr: SocketAddr,
        user: &str,
        known_hosts: &str,
        login: impl IntoIterator<Item = Credentials>,
    ) -> Self {
        Self {
            destination: destination(addr, user),
            login: Login::new(login),
            hosts: HostKeys::strict(KnownHosts::parse(known_hosts).unwrap()),
            options: patient(),
            person: Person::default(),
        }
    }

    /// To a real sshd, in every way right.
    pub(crate) fn sshd(sshd: &Sshd) -> Self {
        Self::new(sshd.addr(), sshd.user(), &sshd.host_key_line(), [key(sshd.client_key())])
    }

    /// The same, through something else that listens at `addr`.
    pub(crate) fn sshd_at(sshd: &Sshd, addr: SocketAddr) -> Self {
        let line = sshd.host_key_line().replace(&sshd.addr().port().to_string(), &addr.port().to_string());
        Self::new(addr, sshd.user(), &line, [key(sshd.client_key())])
    }

    pub(crate) fn dial<'a>(&'a self, jump: Option<&'a Dial<'a>>) -> Dial<'a> {
        Dial {
            destination: &self.destination,
            login: &self.login,
            hosts: &self.hosts,
            dialogue: &self.person,
            options: &self.options,
            jump,
        }
    }

    pub(crate) async fn connect(&self, backend: &AnyBackend) -> Result<Connected<Shell>, Error> {
        backend.shell(&self.dial(None)).await
    }

    pub(crate) async fn shell(&self, backend: &AnyBackend) -> Shell {
        match self.connect(backend).await.unwrap() {
            Connected::Open(shell) => shell,
            refused => panic!("{refused:?}"),
        }
    }

    /// A shell that waits for commands.
    pub(crate) async fn screen(&self, backend: &AnyBackend) -> Screen {
        Screen::ready(self.shell(backend).await).await
    }
}

/// The usual options, with more time to connect and to close; generous, because test machines are busy.
pub(crate) fn patient() -> ConnectOptions {
    let mut options = ConnectOptions::default();
    (options.connect_secs_max, options.close_secs_max) = (60, 10);
    options
}

pub(crate) fn destination(addr: SocketAddr, user: &str) -> Destination {
    let policy = TargetPolicy::new([addr.to_string().as_str()]).unwrap();
    let Admission::Allowed(target) = policy.admit(&addr.ip().to_string(), addr.port(), user).unwrap() else {
        panic!("{addr} is listed");
    };
    match policy.destination(&target, &[addr]) {
        Resolved::At(destination) => destination,
        Resolved::Refused(refusal) => panic!("{refusal}"),
    }
}

/// An address that refuses connections, and what keeps others from it.
pub(crate) fn nobody() -> (SocketAddr, TcpSocket) {
    let kept = TcpSocket::new_v4().unwrap();
    kept.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    (kept.local_addr().unwrap(), kept)
}

/// A server whose shells do not run the startup files of the account, which may do and wait for anything.
pub(crate) fn server() -> SshdOptions {
    Sshd::options().line("SetEnv HOME=/nonexistent")
}

pub(crate) fn sshd() -> Sshd {
    server().start().unwrap()
}

pub(crate) fn key(file: &Path) -> Credentials {
    Credentials::key(Secret::new(fs::read_to_string(file).unwrap()), None).unwrap()
}

pub(crate) fn locked_key(file: &Path, passphrase: &str) -> Credentials {
    let pem = Secret::new(fs::read_to_string(file).unwrap());
    Credentials::key(pem, Some(Secret::new(passphrase.to_owned()))).unwrap()
}

pub(crate) fn password(password: &str) -> Credentials {
    Credentials::password(Secret::new(password.to_owned())).unwrap()
}

/// A folder with keys of its own.
pub(crate) struct Keys(TempDir);

impl Keys {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Makes a key of this kind and gives its file.
    pub(crate) fn make(&self, name: &str, kind: &str) -> PathBuf {
        let file = self.path(name);
        keygen(&["-t", kind, "-N", "", "-f", &file.to_string_lossy()]);
        file
    }

    /// Another key, which no server knows.
    pub(crate) fn stranger(&self) -> Credentials {
        key(&self.make("stranger", "ed25519"))
    }
}

/// The public half of a key file, as it stands in a line.
pub(crate) fn public(file: &Path) -> String {
    let text = fs::read_to_string(file.with_extension("pub")).unwrap();
    text.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

pub(crate) fn keygen(args: &[&str]) {
    let made = Command::new("ssh-keygen").arg("-q").args(args).status();
    assert!(made.expect("apt-get install -y --no-install-recommends openssh-client").success());
}
