//! An sshd on the servers' core that runs one program on a terminal for whoever logs in.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use testkit::Sshd;
use webssh_core::files::{FileLimits, Files};
use webssh_core::ssh::{Backend, ConnectOptions, Dial, Program, Shell};
use webssh_core::{
    Admission, Credentials, Destination, HostKeys, KnownHosts, Login, NoDialogue, Resolved, Secret,
    TargetPolicy,
};

use super::wrong;
use crate::Error;
use crate::stage::on_cores;

/// What both sides agree on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cipher {
    /// libssh2's fastest.
    ChaCha20,
    /// The first choice of paramiko, which has no ChaCha20.
    Aes128Ctr,
    /// russh's first choice here.
    Aes128Gcm,
    /// Whatever each side takes first of ChaCha20 and AES-128-CTR.
    Own,
}

/// How the program behind the server prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Into a pipe: as fast as the server takes it.
    Pipe,
    /// Onto a terminal, whose reader at the server gets at most 4 KiB at once.
    Terminal,
}

/// The server, and all that a dial needs.
pub(crate) struct Place {
    sshd: Sshd,
    folder: TempDir,
    cipher: Cipher,
    way: Way,
    dialer: Dialer,
}

/// What a client has to know about the server.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Access {
    addr: SocketAddr,
    user: String,
    key: PathBuf,
    host_key: String,
}

/// Opens terminals.
pub(crate) struct Dialer {
    destination: Destination,
    hosts: HostKeys,
    login: Login,
    options: ConnectOptions,
}

impl Cipher {
    /// Its name in RFC 4253 and in OpenSSH, or several to choose from.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ChaCha20 => "chacha20-poly1305@openssh.com",
            Self::Aes128Ctr => "aes128-ctr",
            Self::Aes128Gcm => "aes128-gcm@openssh.com",
            Self::Own => "chacha20-poly1305@openssh.com,aes128-ctr",
        }
    }
}

impl Place {
    /// A server that runs this program of bash, which has the path of a file as its one argument. It has to say
    /// `ready` when it has prepared its terminal.
    pub(crate) fn start(program: &str) -> Result<Self, Error> {
        Self::with(program, Cipher::ChaCha20, Way::Terminal)
    }

    /// The same with another cipher, or without a terminal.
    pub(crate) fn with(program: &str, cipher: Cipher, way: Way) -> Result<Self, Error> {
        let folder = tempfile::tempdir()?;
        let script = folder.path().join("program.sh");
        fs::write(&script, program)?;
        let run = format!("bash {} {}", script.display(), folder.path().join("file").display());
        Self::running(&run, folder, cipher, way)
    }

    /// A server that gives files and nothing else.
    pub(crate) fn of_files() -> Result<Self, Error> {
        Self::running("internal-sftp", tempfile::tempdir()?, Cipher::ChaCha20, Way::Pipe)
    }

    /// ChaCha20 is a MAC, too; with the others goes the one that we take first.
    fn running(run: &str, folder: TempDir, cipher: Cipher, way: Way) -> Result<Self, Error> {
        // The startup files of the account may do and wait for anything.
        let options = Sshd::options()
            .line(&format!("ForceCommand {run}"))
            .line(&format!("Ciphers {}", cipher.name()))
            .line("MACs hmac-sha2-256-etm@openssh.com")
            .line("SetEnv HOME=/nonexistent");
        let sshd = on_cores(Some(0), || options.start())?;
        fs::write(folder.path().join("known_hosts"), sshd.host_key_line())?;
        let mut dialer = Dialer::new(&access(&sshd))?;
        if way == Way::Pipe {
            // The server starts its own program instead.
            dialer.options.program = Program::Plain("program".to_owned());
            // As much ahead as the OpenSSH client and paramiko let it send.
            dialer.options.window_bytes = 2 * 1024 * 1024;
        }
        Ok(Self { sshd, folder, cipher, way, dialer })
    }

    /// The file that the program may use.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("file")
    }

    /// A folder that goes with the server.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What both sides agree on.
    pub(crate) fn cipher(&self) -> Cipher {
        self.cipher
    }

    /// How its program prints.
    pub(crate) fn way(&self) -> Way {
        self.way
    }

    /// Where it listens, the user and the user's key, for a client of another language.
    pub(crate) fn login(&self) -> (u16, &str, &Path) {
        (self.sshd.addr().port(), self.sshd.user(), self.sshd.client_key())
    }

    /// The same for a client of ours in another process.
    pub(crate) fn access(&self) -> Access {
        access(&self.sshd)
    }

    /// Opens terminals.
    pub(crate) fn dialer(&self) -> &Dialer {
        &self.dialer
    }

    /// The OpenSSH client, asked for the same, with a heartbeat.
    pub(crate) fn client(&self, heartbeat_secs: u32) -> Command {
        let mut command = Command::new("ssh");
        command.args([if self.way == Way::Terminal { "-tt" } else { "-T" }, "-q", "-e", "none"]);
        command.args(self.client_args()).arg("-o").arg(format!("ServerAliveInterval={heartbeat_secs}"));
        command.arg("127.0.0.1");
        command
    }

    /// The sftp client of OpenSSH, which takes commands from its standard input and ends at the first that fails.
    pub(crate) fn sftp(&self) -> Command {
        let mut command = Command::new("sftp");
        command.args(["-q", "-b", "-"]).args(self.client_args()).arg("127.0.0.1");
        command
    }

    /// Where and how the clients of OpenSSH log in.
    fn client_args(&self) -> Vec<String> {
        let known_hosts = self.folder.path().join("known_hosts");
        let options = [
            format!("Ciphers={}", self.cipher.name()),
            format!("Port={}", self.sshd.addr().port()),
            format!("User={}", self.sshd.user()),
            format!("UserKnownHostsFile={}", known_hosts.display()),
            format!("IdentityFile={}", self.sshd.client_key().display()),
            "IdentitiesOnly=yes".to_owned(),
            "BatchMode=yes".to_owned(),
        ];
        let options = options.into_iter().flat_map(|option| ["-o".to_owned(), option]);
        ["-F".to_owned(), "none".to_owned()].into_iter().chain(options).collect()
    }
}

fn access(sshd: &Sshd) -> Access {
    Access {
        addr: sshd.addr(),
        user: sshd.user().to_owned(),
        key: sshd.client_key().to_owned(),
        host_key: sshd.host_key_line(),
    }
}

impl Dialer {
    pub(crate) fn new(access: &Access) -> Result<Self, Error> {
        let addr = access.addr;
        let policy = TargetPolicy::new([addr.to_string().as_str()])?;
        let Admission::Allowed(target) = policy.admit(&addr.ip().to_string(), addr.port(), &access.user)?
        else {
            return Err(wrong("a target that is not listed", "a listed one"));
        };
        let Resolved::At(destination) = policy.destination(&target, &[addr]) else {
            return Err(wrong("an address that is refused", "a listed one"));
        };
        let key = Secret::new(fs::read_to_string(&access.key)?);
        let login = Login::new([Credentials::key(key, None)?]);
        let hosts = HostKeys::strict(KnownHosts::parse(&access.host_key)?);
        Ok(Self { destination, hosts, login, options: ConnectOptions::default() })
    }

    /// Opens a terminal.
    pub(crate) async fn shell(&self, backend: &dyn Backend) -> Result<Shell, Error> {
        let shell = backend.shell(&self.dial()).await?;
        shell.open().map_err(|refused| wrong(refused.to_string(), "an open shell"))
    }

    /// Opens a session of files.
    pub(crate) async fn files(&self, backend: &dyn Backend) -> Result<Files, Error> {
        let files = backend.files(&self.dial(), &FileLimits::default()).await?;
        files.open().map_err(|refused| wrong(refused.to_string(), "open files"))
    }

    fn dial(&self) -> Dial<'_> {
        Dial {
            destination: &self.destination,
            login: &self.login,
            hosts: &self.hosts,
            dialogue: &NoDialogue,
            options: &self.options,
            jump: None,
        }
    }
}
