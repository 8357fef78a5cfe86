//! An SSH server inside the demo, so that the browser's terminal has a real shell to talk to.
//!
//! It listens on the loopback interface only, with a host key made in memory at start. It accepts one
//! client key, made at start too and handed to the demo. The SSH user name is a learner's name; each
//! learner gets a scratch home, removed at shutdown.
//!
//! Limited: the number of shells and connections, and for every process of a shell its processor time
//! (120 s), file size (10 MiB), open files (128), address space (4 GiB) and core files (none).
//! The subsystem `sftp` serves the learner's home and nothing else, with files of at most 10 MiB.
//! A demo that runs as root starts shells as `nobody`. Not limited: the number of processes, the disk, the
//! network, and what everybody on this machine may read; where the demo is not root, what its own account
//! may read. A learner can see the files of another. This is a target for a demo, not a sandbox.

use std::convert::Infallible;
use std::fmt;
use std::fs::Permissions;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use russh::keys::key::safe_rng;
use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, PrivateKey, ssh_key};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::timeout;
use zeroize::Zeroizing;

// This file is also a module of the integration test, from another folder: the paths are written out.
#[path = "shell_target/carry.rs"]
mod carry;
#[path = "shell_target/jail.rs"]
mod jail;
#[path = "shell_target/lab.rs"]
mod lab;
#[path = "shell_target/listen.rs"]
mod listen;
#[path = "shell_target/sftp.rs"]
mod sftp;
#[path = "shell_target/sftp_calls.rs"]
mod sftp_calls;
#[path = "shell_target/sftp_refusal.rs"]
mod sftp_refusal;
#[path = "shell_target/shell.rs"]
mod shell;
#[path = "shell_target/stragglers.rs"]
mod stragglers;
#[path = "shell_target/terminal.rs"]
mod terminal;
#[path = "shell_target/visitor.rs"]
mod visitor;

use lab::{Homes, Lab};

/// The longest packet of SFTP, as OpenSSH has it.
const PACKET_BYTES_MAX: u32 = 256 * 1024;
/// Connections beside those that hold a shell: enough for log-ins under way and refusals.
const CONNECTIONS_SPARE: usize = 16;

/// What the target allows.
#[derive(Debug, Clone)]
pub(crate) struct ShellTargetOptions {
    /// Shells and sessions of files open at the same time, together. One more is refused as "resource shortage" (RFC 4254, 5.1).
    pub(crate) shells_max: u16,
    /// How long [`ShellTarget::shutdown`] waits for shells to end, in seconds.
    pub(crate) shutdown_secs_max: u64,
}

impl Default for ShellTargetOptions {
    fn default() -> Self {
        Self { shells_max: 16, shutdown_secs_max: 10 }
    }
}

/// Why the target did not start, or did not stop cleanly.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShellTargetError {
    /// A key pair could not be made or written.
    #[error("the shell target could not make its keys")]
    Keys(#[from] ssh_key::Error),
    /// The loopback interface refused the listener.
    #[error("the shell target could not listen on 127.0.0.1")]
    Listen(#[source] io::Error),
    /// The folder of the scratch homes could not be made or removed.
    #[error(
        "the folder of the scratch homes could not be {done}: check the permissions of the temporary folder"
    )]
    Homes {
        /// `made` or `removed`.
        done: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// Some shells outlived the deadline.
    #[error("the shell target was still running {secs} s after it was told to stop")]
    StillRunning {
        /// The deadline that passed.
        secs: u64,
    },
}

/// A running target. Dropping it ends the shells too, but waits for nothing: prefer
/// [`ShellTarget::shutdown`].
pub(crate) struct ShellTarget {
    addr: SocketAddr,
    known_hosts_line: String,
    client_key_pem: Zeroizing<String>,
    shutdown_secs_max: u64,
    /// Dropped: everything stops.
    stop: watch::Sender<()>,
    /// Yields `None` once no task is left.
    ended: mpsc::Receiver<Infallible>,
    homes: TempDir,
}

impl ShellTarget {
    /// Makes the keys, binds a free port of 127.0.0.1 and starts to serve.
    ///
    /// # Errors
    /// When no key, no listener or no folder for the homes could be made.
    pub(crate) async fn start(options: ShellTargetOptions) -> Result<Self, ShellTargetError> {
        let host_key = PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519)?;
        let client_key = PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519)?;
        let homes = tempfile::Builder::new()
            .prefix("gatehouse-lab-")
            // Shells may run as another account: it passes through to its home, and sees no list of them.
            .permissions(Permissions::from_mode(0o711))
            .tempdir()
            .map_err(|source| ShellTargetError::Homes { done: "made", source })?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(ShellTargetError::Listen)?;
        let addr = listener.local_addr().map_err(ShellTargetError::Listen)?;
        let known_hosts_line =
            format!("[{}]:{} {}", addr.ip(), addr.port(), host_key.public_key().to_openssh()?);
        let client_key_pem = client_key.to_openssh(LineEnding::LF)?;

        let (stop, stopped) = watch::channel(());
        let (alive, ended) = mpsc::channel(1);
        let lab = Arc::new(Lab {
            client_key: client_key.public_key().clone(),
            homes: Homes::new(homes.path()),
            shells: Arc::new(Semaphore::new(options.shells_max.into())),
            alive: alive.downgrade(),
            stopped,
        });
        let connections_max = usize::from(options.shells_max) + CONNECTIONS_SPARE;
        let config = Arc::new(listen::config(host_key));
        tokio::spawn(listen::accept(listener, config, lab, connections_max, alive));
        Ok(Self {
            addr,
            known_hosts_line,
            client_key_pem,
            shutdown_secs_max: options.shutdown_secs_max,
            stop,
            ended,
            homes,
        })
    }

    /// Where the target listens.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The host key as a line of `known_hosts`: `[127.0.0.1]:PORT ssh-ed25519 AAAA...`.
    pub(crate) fn known_hosts_line(&self) -> String {
        self.known_hosts_line.clone()
    }

    /// The one private key that is let in, in OpenSSH's PEM format, without a passphrase.
    pub(crate) fn client_key_pem(&self) -> &str {
        &self.client_key_pem
    }

    /// Stops to listen, ends every shell and removes the homes.
    ///
    /// # Errors
    /// When something still ran after [`ShellTargetOptions::shutdown_secs_max`], or when a home could not
    /// be removed.
    pub(crate) async fn shutdown(self) -> Result<(), ShellTargetError> {
        let Self { stop, mut ended, homes, shutdown_secs_max: secs, .. } = self;
        drop(stop);
        if timeout(Duration::from_secs(secs), ended.recv()).await.is_err() {
            return Err(ShellTargetError::StillRunning { secs });
        }
        homes.close().map_err(|source| ShellTargetError::Homes { done: "removed", source })
    }
}

impl fmt::Debug for ShellTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShellTarget").field("addr", &self.addr).finish_non_exhaustive()
    }
}
