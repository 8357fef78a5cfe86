//! Shells over libssh2: connect, verify the host, log in, open a terminal.
//!
//! libssh2 is driven without blocking. One task owns the session and its one channel; nothing else can
//! reach them, because a packet that was sent in part must be finished by the very same call.

#[cfg(not(unix))]
compile_error!("the feature `ssh2` needs a unix system");

mod link;
mod login;
mod owner;
mod version;

use std::net::SocketAddr;
use std::time::Duration;

use ssh2::{ExtendedData, MethodType, Session};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Shell, ShellPort};
use crate::error::{Error, Inner};
use crate::{Credentials, HostKey, HostVerdict, KnownHosts, Target, WinSize};
use link::Link;
use login::Login;
use owner::Owner;

/// The receive window of the channel: what the server may send ahead, and so what can still be shown
/// after a Ctrl-C.
const WINDOW_BYTES: u32 = 256 * 1024;

/// The largest packet the server may send.
const PACKET_BYTES: u32 = 32 * 1024;

/// libssh2 feeds AES-GCM to OpenSSL block by block, so here ChaCha20 is the fast choice. No CBC.
const CIPHERS: &str = "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com,\
                       aes256-ctr,aes192-ctr,aes128-ctr";

/// Encrypt-then-MAC only.
const MACS: &str = "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com";

/// Host key algorithms in the order of preference, each with the name of its key in known_hosts.
/// Certificates are left out: they are not supported.
const HOST_KEYS: [(&str, &str); 6] = [
    ("ssh-ed25519", "ssh-ed25519"),
    ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256"),
    ("ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384"),
    ("ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521"),
    ("rsa-sha2-512", "ssh-rsa"),
    ("rsa-sha2-256", "ssh-rsa"),
];

/// The libssh2 backend. The oldest version it runs with is 1.11.2.
///
/// # Limitations
///
/// libssh2 leaves three things open that cannot be closed from outside:
///
/// - A server that hangs while its kernel goes on acknowledging (a stopped process) is not noticed. Such
///   a session ends when the user leaves, or by the limits of its [`Bridge`](crate::Bridge).
/// - The memory of packets that were received and not yet read is limited by their payload only (256 KiB).
///   A hostile server that sends packets with little or none, or replies that nobody asked for, makes it
///   grow. Where servers are not trusted, limit the memory of the process.
/// - Strict key exchange is offered, but not demanded: whether the server took it cannot be asked. With a
///   server that lacks it, somebody in between can drop the first packets after the key exchange unseen
///   when ChaCha20-Poly1305 or an encrypt-then-MAC mode is agreed on (CVE-2023-48795, "Terrapin"). Keep
///   servers up to date: OpenSSH has strict key exchange since 9.6.
#[derive(Debug)]
#[non_exhaustive]
pub struct Libssh2;

/// How to connect. Any value is fine.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectOptions {
    /// Seconds for everything from the TCP connection to the open shell.
    pub connect_secs_max: u32,
    /// Seconds between keepalive messages; less than 5 counts as 5.
    pub keepalive_secs: u32,
    /// Seconds after which bytes that the server's kernel has not acknowledged break the TCP connection
    /// (TCP_USER_TIMEOUT; Linux only). Less than 1 counts as 1, more than a week as a week. It says nothing
    /// about a server program that hangs: see the limitations of [`Libssh2`].
    pub unanswered_secs_max: u32,
    /// Seconds for a polite end of the channel; after them the connection is cut.
    pub close_secs_max: u32,
    /// The first size of the terminal.
    pub size: WinSize,
}

/// 15 seconds to connect, 30 between keepalives, 60 unanswered, 2 to close, 80x24.
impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            connect_secs_max: 15,
            keepalive_secs: 30,
            unanswered_secs_max: 60,
            close_secs_max: 2,
            size: WinSize::default(),
        }
    }
}

/// What became of a connection attempt.
#[derive(Debug)]
#[must_use]
pub enum Connected {
    /// The shell is open.
    Open(Shell),
    /// The host key is not [`Known`](HostVerdict::Known); no credential was sent. Show the fingerprint.
    HostRefused(HostVerdict),
    /// The server did not accept the credentials. Ask the user again.
    LoginRefused,
}

impl Libssh2 {
    /// Connects to `addr`, an address of `target` that the caller has resolved and checked, and opens a
    /// shell on a terminal of the type `xterm-256color`.
    ///
    /// The host key is judged by `hosts` before any credential is sent. Needs a tokio runtime with I/O
    /// and time; the shell lives in a task of that runtime.
    ///
    /// # Errors
    /// `Misuse` when `addr` cannot be the target, or libssh2 is older than 1.11.2; `InvalidInput` for a
    /// private key that cannot be read; `PeerMisbehaved` when the server breaks the protocol or has no
    /// safe algorithm; `Unavailable` when it cannot be reached in time.
    pub async fn connect(
        target: &Target,
        addr: SocketAddr,
        hosts: &KnownHosts,
        credentials: Credentials,
        options: ConnectOptions,
    ) -> Result<Connected, Error> {
        version::check()?;
        if !target.may_be_at(addr) {
            return Err(Inner::WrongAddress { addr, target: target.to_string() }.into());
        }
        let secs_max = options.connect_secs_max;
        let attempt = attempt(target, addr, hosts, credentials, options);
        timeout(secs(secs_max), attempt).await.map_err(|_| Inner::Deadline { secs_max })?
    }
}

async fn attempt(
    target: &Target,
    addr: SocketAddr,
    hosts: &KnownHosts,
    credentials: Credentials,
    options: ConnectOptions,
) -> Result<Connected, Error> {
    let socket = TcpStream::connect(addr).await.map_err(socket_error("connecting"))?;
    let mut link = Link::new(socket, secs(options.unanswered_secs_max))?;
    prefer(link.session(), target, hosts).map_err(link::session_error("choosing algorithms"))?;
    link.handshake().await?;
    let verdict = hosts.verdict(target.host(), target.port(), &host_key(link.session())?);
    if !matches!(verdict, HostVerdict::Known) {
        return Ok(Connected::HostRefused(verdict));
    }
    match login::login(&link, target.user(), credentials).await? {
        Login::Refused => Ok(Connected::LoginRefused),
        Login::Accepted => {
            let (shell, port) = Shell::pair();
            open(link, port, &options).await?;
            Ok(Connected::Open(shell))
        }
    }
}

/// Opens the channel and hands everything to the owner task.
async fn open(link: Link, port: ShellPort, options: &ConnectOptions) -> Result<(), Error> {
    let doing = "opening a shell";
    let session = link.session();
    let open = || session.channel_open("session", WINDOW_BYTES, PACKET_BYTES, None);
    let mut channel = link.drive(doing, open).await?;
    // Standard error that nobody reads would pile up without limit.
    link.drive(doing, || channel.handle_extended_data(ExtendedData::Merge)).await?;
    let (cols, rows) = (u32::from(options.size.cols()), u32::from(options.size.rows()));
    link.drive(doing, || channel.request_pty("xterm-256color", None, Some((cols, rows, 0, 0)))).await?;
    link.drive(doing, || channel.shell()).await?;
    let keepalive = secs(options.keepalive_secs.max(5));
    let owner = Owner::new(link, channel, port, keepalive, secs(options.close_secs_max));
    tokio::spawn(owner.run());
    Ok(())
}

/// Sets the algorithms; the kinds of host key that are on record come first, so that an honest server
/// shows a key that can be compared.
fn prefer(session: &Session, target: &Target, hosts: &KnownHosts) -> Result<(), ssh2::Error> {
    let on_record = |kind: &str| {
        let mut lines = hosts.matching(target.host(), target.port());
        lines.any(|line| !line.is_revoked() && line.key().algorithm() == kind)
    };
    let (first, then): (Vec<_>, Vec<_>) = HOST_KEYS.into_iter().partition(|(_, kind)| on_record(kind));
    let names: Vec<&str> = first.into_iter().chain(then).map(|(name, _)| name).collect();
    session.method_pref(MethodType::HostKey, &names.join(","))?;
    for (method, names) in [
        (MethodType::CryptCs, CIPHERS),
        (MethodType::CryptSc, CIPHERS),
        (MethodType::MacCs, MACS),
        (MethodType::MacSc, MACS),
    ] {
        session.method_pref(method, names)?;
    }
    Ok(())
}

fn host_key(session: &Session) -> Result<HostKey, Error> {
    let (blob, _) = session.host_key().ok_or(Inner::HostKey("the server showed none"))?;
    HostKey::from_blob(blob)
}

fn socket_error(doing: &'static str) -> impl Fn(std::io::Error) -> Error {
    move |source| Inner::Socket { doing, source }.into()
}

fn secs(number: u32) -> Duration {
    Duration::from_secs(u64::from(number))
}
