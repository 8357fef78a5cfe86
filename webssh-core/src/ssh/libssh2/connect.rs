//! From a dial to an open shell: the way there, the keys, the host, the login, the channel.

use ssh2::{Channel, ExtendedData, Session};

use super::link::{Link, socket_error};
use super::login::{Outcome, login};
use super::owner::Owner;
use super::socket::Socket;
use super::{algorithms, jump, version};
use crate::error::{Error, Inner};
use crate::files::{FileLimits, Files};
use crate::pump::BoxFuture;
use crate::ssh::attempt::Purpose;
use crate::ssh::patience::Patience;
use crate::ssh::{ConnectOptions, Connected, Dial, Shell};
use crate::{HostKey, HostVerdict};

/// The largest packet the server may send.
const PACKET_BYTES: u32 = 32 * 1024;

/// The files of a server, on a connection of their own.
pub(super) async fn files(
    dial: &Dial<'_>,
    guarded: bool,
    limits: &FileLimits,
) -> Result<Connected<Files>, Error> {
    let options = dial.options.for_files();
    let dial = Dial { options: &options, ..*dial };
    open(&dial, guarded, Purpose::Files).await?.with_files(limits).await
}

/// A channel for this purpose, which its owner moves bytes of.
pub(super) async fn open(
    dial: &Dial<'_>,
    guarded: bool,
    purpose: Purpose,
) -> Result<Connected<Shell>, Error> {
    version::check()?;
    dial.check()?;
    let way = match way(dial, guarded).await? {
        Connected::Open(way) => way,
        Connected::HostRefused(verdict) => return Ok(Connected::HostRefused(verdict)),
        Connected::LoginRefused { tried, offered } => return Ok(Connected::LoginRefused { tried, offered }),
        Connected::JumpRefused { target, refusal } => return Ok(Connected::JumpRefused { target, refusal }),
    };
    let patience = Patience::new(dial.dialogue, dial.options);
    let attempt = async {
        match link(dial, way, guarded, &patience).await?.open() {
            Ok(mut link) => {
                let channel = match purpose {
                    Purpose::Terminal => terminal(&mut link, dial.options).await?,
                    Purpose::Files => sftp(&mut link, dial.options).await?,
                };
                let (shell, port) = Shell::pair();
                tokio::spawn(Owner::new(link, channel, port, dial.options).run());
                Ok(Connected::Open(shell))
            }
            Err(refused) => Ok(refused.of_any()),
        }
    };
    patience.within(attempt).await
}

/// How the destination is reached.
pub(super) enum Way {
    /// By its addresses.
    Direct,
    /// Through a jump host.
    Through(Socket),
}

/// Opens the way through the jump hosts, if there are any.
pub(super) fn way<'a>(dial: &'a Dial<'a>, guarded: bool) -> BoxFuture<'a, Result<Connected<Way>, Error>> {
    Box::pin(async move {
        let Some(host) = dial.jump else { return Ok(Connected::Open(Way::Direct)) };
        let target = host.destination.target();
        let named = |source: Error| Error::from(Inner::Jump { target: target.to_string(), source });
        // A refusal further away names its own host already.
        let way = match way(host, guarded).await?.open() {
            Ok(way) => way,
            Err(refused) => return Ok(refused.of_any()),
        };
        let patience = Patience::new(host.dialogue, host.options);
        let attempt = async {
            match link(host, way, guarded, &patience).await?.open() {
                Ok(link) => jump::open(link, dial.destination.addr(), host.options).await.map(Ok),
                Err(refused) => Ok(Err(refused)),
            }
        };
        match patience.within(attempt).await.map_err(named)? {
            Ok(stream) => Ok(Connected::Open(Way::Through(Socket::Unix(stream)))),
            Err(refusal) => Ok(Connected::JumpRefused { target: target.clone(), refusal: Box::new(refusal) }),
        }
    })
}

/// Connects, verifies the host and logs in.
pub(super) async fn link(
    dial: &Dial<'_>,
    way: Way,
    guarded: bool,
    patience: &Patience<'_>,
) -> Result<Connected<Link>, Error> {
    let target = dial.destination.target();
    let (host, port) = (target.host(), target.port());
    let on_record = dial.hosts.on_record(host, port).await?;
    let socket = match way {
        Way::Through(socket) => socket,
        Way::Direct => {
            let addrs: Vec<_> = dial.destination.addrs().collect();
            let connected = Socket::connect(&addrs, dial.options.unanswered_max()).await;
            connected.map_err(socket_error("connecting"))?
        }
    };
    let mut link = Link::new(socket, guarded)?;
    let terrapin = dial.options.terrapin;
    link.handshake(|session, offer| algorithms::agree(session, offer, &on_record, terrapin)).await?;
    let verdict = dial.hosts.judge(host, port, &host_key(link.session())?, patience).await?;
    if !matches!(verdict, HostVerdict::Known) {
        return Ok(Connected::HostRefused(verdict));
    }
    match login(&mut link, target.user(), dial.login, patience).await? {
        Outcome::Accepted => Ok(Connected::Open(link)),
        Outcome::Refused { tried, offered } => Ok(Connected::LoginRefused { tried, offered }),
    }
}

/// Opens a channel with the program of the options.
pub(super) async fn terminal(link: &mut Link, options: &ConnectOptions) -> Result<Channel, Error> {
    let doing = Purpose::Terminal.doing();
    // Standard error that nobody reads would pile up without limit.
    let mut channel = session_channel(link, options, ExtendedData::Merge, doing).await?;
    if options.program.has_terminal() {
        let size = Some((u32::from(options.size.cols()), u32::from(options.size.rows()), 0, 0));
        link.drive(doing, || channel.request_pty(&options.term, None, size)).await?;
    }
    match options.program.command() {
        None => link.drive(doing, || channel.shell()).await?,
        Some(command) => link.drive(doing, || channel.exec(command)).await?,
    }
    Ok(channel)
}

/// Opens a channel with the subsystem `sftp`, without standard error between its packets.
async fn sftp(link: &mut Link, options: &ConnectOptions) -> Result<Channel, Error> {
    let doing = Purpose::Files.doing();
    let mut channel = session_channel(link, options, ExtendedData::Ignore, doing).await?;
    link.drive(doing, || channel.subsystem("sftp")).await?;
    Ok(channel)
}

async fn session_channel(
    link: &mut Link,
    options: &ConnectOptions,
    stderr: ExtendedData,
    doing: &'static str,
) -> Result<Channel, Error> {
    link.settle()?;
    let (session, window) = (link.session().clone(), options.window());
    let mut channel =
        link.drive(doing, || session.channel_open("session", window, PACKET_BYTES, None)).await?;
    link.drive(doing, || channel.handle_extended_data(stderr)).await?;
    Ok(channel)
}

fn host_key(session: &Session) -> Result<HostKey, Error> {
    let (blob, _) = session.host_key().ok_or(Inner::HostKey("the server showed none"))?;
    HostKey::from_blob(blob)
}
