//! One sshd that lets the current user in with a key made for the occasion.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::home::Home;
use crate::process::Process;
use crate::program::Program;
use crate::{Error, account, port};

const SERVER: Program = Program::new("sshd", "openssh-server");
const KEYGEN: Program = Program::new("ssh-keygen", "openssh-server");
/// sshd run by root insists on this directory for its unprivileged part.
const PRIVILEGE_SEPARATION_DIR: &str = "/run/sshd";

/// An sshd of its own on 127.0.0.1, stopped on drop.
///
/// Only public keys are accepted, only for the account that runs the tests.
///
/// ```
/// # fn main() -> Result<(), testkit::Error> {
/// # if testkit::skipped("sshd") { return Ok(()); }
/// let sshd = testkit::Sshd::start()?;
/// assert!(sshd.client_key().is_file());
/// assert!(sshd.host_key_line().contains(" ssh-ed25519 AAAA"));
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Sshd {
    process: Process,
    _home: Home,
    port: u16,
    user: String,
    client_key: PathBuf,
    /// `ssh-ed25519 AAAA...`
    host_key: String,
}

/// What an [`Sshd`] is started with.
///
/// ```
/// # fn main() -> Result<(), testkit::Error> {
/// # if testkit::skipped("sshd") { return Ok(()); }
/// let sshd = testkit::Sshd::options().line("Ciphers aes256-ctr").line("MaxSessions 1").start()?;
/// assert_ne!(sshd.addr().port(), 22);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default)]
pub struct SshdOptions {
    lines: Vec<String>,
}

impl SshdOptions {
    /// Adds a line of sshd_config before the others. sshd keeps the first value of a keyword, so this one wins.
    pub fn line(mut self, line: &str) -> Self {
        self.lines.push(line.to_owned());
        self
    }

    /// Makes the keys, starts the server and waits until it listens.
    ///
    /// # Errors
    ///
    /// `Unavailable` when openssh-server is not installed or /run/sshd cannot be made, `PeerMisbehaved` when
    /// sshd refuses its configuration, `InvalidInput` when the current user has no line in /etc/passwd.
    pub fn start(self) -> Result<Sshd, Error> {
        let home = Home::new("sshd")?;
        let host_key = make_key(&home, "host_key")?;
        let client_public = make_key(&home, "client_key")?;
        home.write("authorized_keys", &format!("{client_public}\n"))?;
        let user = account::current()?.name;
        let (port, process) = port::start(|port| launch(&home, &self.lines, port))?;
        let client_key = home.join("client_key");
        Ok(Sshd { process, _home: home, port, user, client_key, host_key })
    }
}

impl Sshd {
    /// Starts a server with the usual settings.
    ///
    /// # Errors
    ///
    /// As [`SshdOptions::start`].
    pub fn start() -> Result<Self, Error> {
        Self::options().start()
    }

    /// The usual settings: public keys only, sftp inside the server, no PAM.
    pub fn options() -> SshdOptions {
        SshdOptions::default()
    }

    /// Where the server listens.
    pub fn addr(&self) -> SocketAddr {
        port::local(self.port)
    }

    /// The account that is let in: the one that runs the tests.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The file of an ed25519 private key without passphrase that is accepted for [`Sshd::user`].
    pub fn client_key(&self) -> &Path {
        &self.client_key
    }

    /// The known_hosts line of the server: `[127.0.0.1]:port ssh-ed25519 AAAA...`.
    pub fn host_key_line(&self) -> String {
        format!("[127.0.0.1]:{} {}", self.port, self.host_key)
    }

    /// The id of the listening process.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }
}

/// Makes an ed25519 key pair and returns the public half as `ssh-ed25519 AAAA...`.
fn make_key(home: &Home, name: &str) -> Result<String, Error> {
    let mut keygen = KEYGEN.command()?;
    keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", "testkit", "-f"]).arg(home.join(name));
    KEYGEN.run(&mut keygen)?;
    let public = home.read(&format!("{name}.pub"))?;
    Ok(public.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
}

fn launch(home: &Home, lines: &[String], port: u16) -> Result<Process, Error> {
    if account::is_root() {
        fs::create_dir_all(PRIVILEGE_SEPARATION_DIR)
            .map_err(|e| Error::io(format!("make `{PRIVILEGE_SEPARATION_DIR}`"), e))?;
    }
    let config = home.write("sshd_config", &config(home, lines, port))?;
    let mut command = SERVER.command()?;
    // In the foreground, with the log on standard error.
    command.args(["-D", "-e", "-f"]).arg(config);
    let ready = format!("Server listening on 127.0.0.1 port {port}");
    Process::start(SERVER, command, &home.join("sshd.log"), &ready)
}

fn config(home: &Home, lines: &[String], port: u16) -> String {
    let host_key = home.text("host_key");
    let authorized_keys = home.text("authorized_keys");
    let usual = format!(
        "ListenAddress 127.0.0.1:{port}\n\
         HostKey {host_key}\n\
         AuthorizedKeysFile {authorized_keys}\n\
         PidFile none\n\
         StrictModes no\n\
         UsePAM no\n\
         UseDNS no\n\
         PermitRootLogin prohibit-password\n\
         PubkeyAuthentication yes\n\
         PasswordAuthentication no\n\
         KbdInteractiveAuthentication no\n\
         PrintMotd no\n\
         PrintLastLog no\n\
         MaxStartups 500\n\
         MaxSessions 100\n\
         Subsystem sftp internal-sftp\n\
         LogLevel VERBOSE\n"
    );
    lines.iter().map(|line| format!("{line}\n")).chain([usual]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_recognised() {
        if crate::skipped("sshd") {
            return;
        }
        let (_listener, taken) = port::taken();
        let home = Home::new("sshd").unwrap();
        make_key(&home, "host_key").unwrap();
        assert!(launch(&home, &[], taken).unwrap_err().is_port_taken());
    }
}
