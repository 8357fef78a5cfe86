//! Logging in with the keys of an SSH agent.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use webssh_core::ssh::Connected;
use webssh_core::{Credentials, ErrorKind};

use super::for_each_backend;
use super::lab::{AnyBackend, Call, Keys, sshd};
use super::screen::wait;

for_each_backend!(an_agent_lends_its_keys, an_agent_without_the_key_is_refused, an_agent_that_is_not_there);

/// An agent of its own, stopped on drop.
struct Agent {
    process: Child,
    socket: PathBuf,
}

impl Agent {
    fn start(keys: &Keys) -> Self {
        let socket = keys.path("agent");
        let mut command = Command::new("ssh-agent");
        command.arg("-D").arg("-a").arg(&socket).stdout(Stdio::null());
        let process = command.spawn().expect("apt-get install -y --no-install-recommends openssh-client");
        wait("the agent listens", || UnixStream::connect(&socket).is_ok());
        Self { process, socket }
    }

    fn add(&self, key: &Path) {
        let mut command = Command::new("ssh-add");
        let added = command.arg("-q").arg(key).env("SSH_AUTH_SOCK", &self.socket).status().unwrap();
        assert!(added.success());
    }

    fn credentials(&self) -> Credentials {
        Credentials::agent(&self.socket)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// The second of its keys is the right one.
async fn an_agent_lends_its_keys(backend: AnyBackend) {
    let (sshd, keys) = (sshd(), Keys::new());
    let agent = Agent::start(&keys);
    agent.add(&keys.make("other", "ed25519"));
    agent.add(sshd.client_key());
    let call = Call::new(sshd.addr(), sshd.user(), &sshd.host_key_line(), [agent.credentials()]);
    call.screen(&backend).await.run("echo let-$((1+1))", "let-2").await;
}

async fn an_agent_without_the_key_is_refused(backend: AnyBackend) {
    let (sshd, keys) = (sshd(), Keys::new());
    let agent = Agent::start(&keys);
    let call = Call::new(sshd.addr(), sshd.user(), &sshd.host_key_line(), [agent.credentials()]);
    let refused = call.connect(&backend).await.unwrap();
    assert!(matches!(refused, Connected::LoginRefused { .. }), "{refused:?}");
    agent.add(&keys.make("other", "ecdsa"));
    let refused = call.connect(&backend).await.unwrap();
    assert!(matches!(refused, Connected::LoginRefused { .. }), "{refused:?}");
}

async fn an_agent_that_is_not_there(backend: AnyBackend) {
    let (sshd, keys) = (sshd(), Keys::new());
    let credentials = Credentials::agent(keys.path("nowhere"));
    let call = Call::new(sshd.addr(), sshd.user(), &sshd.host_key_line(), [credentials]);
    let error = call.connect(&backend).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}
