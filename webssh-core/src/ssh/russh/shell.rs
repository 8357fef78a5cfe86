//! A channel on a session that is logged in: a shell on a terminal, or the files.

use russh::client::Msg;
use russh::{Channel, ChannelMsg};

use super::dial::Session;
use super::fault::Fault;
use super::owner::Owner;
use crate::error::Error;
use crate::ssh::attempt::Purpose;
use crate::ssh::{ConnectOptions, Shell};

/// Opens the channel and hands everything to the owner task.
pub(super) async fn open(
    mut session: Session,
    options: &ConnectOptions,
    purpose: Purpose,
) -> Result<Shell, Error> {
    if purpose == Purpose::Files {
        session.line.drop_stderr();
    }
    let channel = match opened(&session, options, purpose).await {
        Ok(channel) => channel,
        Err(Fault::Ssh(error)) => return Err(session.broken(error).await.during(purpose.doing())),
        Err(fault) => return Err(fault.during(purpose.doing())),
    };
    session.line.opened();
    // Nobody listens at this end: what comes is already on the line.
    let (_unread, writer) = channel.split();
    let (shell, port) = Shell::pair();
    tokio::spawn(Owner::new(session, writer, port, options).run());
    Ok(shell)
}

async fn opened(
    session: &Session,
    options: &ConnectOptions,
    purpose: Purpose,
) -> Result<Channel<Msg>, Fault> {
    let mut channel = session.handle.channel_open_session().await?;
    if purpose == Purpose::Files {
        channel.request_subsystem(true, "sftp").await?;
        granted(&mut channel, "start sftp").await?;
        return Ok(channel);
    }
    if options.program.has_terminal() {
        let (cols, rows) = (options.size.cols().into(), options.size.rows().into());
        channel.request_pty(true, &options.term, cols, rows, 0, 0, &[]).await?;
        granted(&mut channel, "give a terminal").await?;
    }
    match options.program.command() {
        None => {
            channel.request_shell(true).await?;
            granted(&mut channel, "start a shell").await?;
        }
        Some(command) => {
            channel.exec(true, command).await?;
            granted(&mut channel, "start the command").await?;
        }
    }
    Ok(channel)
}

/// Waits for the answer to a request. Output that comes before it is on the line as well.
async fn granted(channel: &mut Channel<Msg>, what: &'static str) -> Result<(), Fault> {
    loop {
        match channel.wait().await {
            Some(ChannelMsg::Success) => return Ok(()),
            Some(ChannelMsg::Failure) => return Err(Fault::Denied(what)),
            Some(ChannelMsg::Close) | None => return Err(russh::Error::Disconnect.into()),
            Some(_) => {}
        }
    }
}
