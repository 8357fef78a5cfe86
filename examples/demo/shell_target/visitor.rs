//! One SSH connection: who is let in, and that a shell on a terminal or the files of the home are all there is.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use russh::server::{Auth, ChannelOpenHandle, Handler, Msg, PublicKeyOffer, Session, VerifiedPublicKey};
use russh::{Channel, ChannelId, ChannelOpenFailure, Pty};
use tokio::sync::{oneshot, watch};

use super::jail::Jail;
use super::lab::{Lab, Learner};
use super::shell::{self, Program, Shell};
use super::terminal::{self, Terminal};

/// The handler of one connection. What is not overridden below (passwords, forwarding) russh refuses.
pub(super) struct Visitor {
    lab: Arc<Lab>,
    learner: Option<Learner>,
    /// Channels on which nothing runs yet.
    doors: HashMap<ChannelId, Door>,
    entered: watch::Sender<bool>,
}

/// A channel before its shell: the terminal that was asked for, and the task that waits.
struct Door {
    terminal: Option<Terminal>,
    start: oneshot::Sender<Program>,
}

impl Visitor {
    /// A stranger; the receiver turns true when they have logged in.
    pub(super) fn new(lab: Arc<Lab>) -> (Self, watch::Receiver<bool>) {
        let (entered, seen) = watch::channel(false);
        (Self { lab, learner: None, doors: HashMap::new(), entered }, seen)
    }

    fn learner(&self, user: &str, key: &russh::keys::PublicKey) -> Option<Learner> {
        // Only the key itself counts, not the comment beside it.
        if key.key_data() != self.lab.client_key.key_data() {
            return None;
        }
        Learner::parse(user)
    }

    fn home(&self) -> io::Result<PathBuf> {
        let Some(learner) = &self.learner else {
            return Err(io::Error::other("a program was asked for before the log-in"));
        };
        self.lab.homes.home(learner)
    }

    fn shell(&self, terminal: &Terminal) -> io::Result<Program> {
        Ok(Program::Shell(Box::new(Shell::spawn(terminal, &self.home()?)?)))
    }

    fn files(&self) -> io::Result<Program> {
        Jail::new(&self.home()?).map(Program::Files)
    }
}

impl Handler for Visitor {
    type Error = russh::Error;

    async fn auth_publickey_offered(
        &mut self,
        user: &str,
        offer: PublicKeyOffer<'_>,
    ) -> Result<Auth, Self::Error> {
        Ok(self.learner(user, offer.public_key).map_or_else(Auth::reject, |_| Auth::Accept))
    }

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        self.learner = self.learner(user, key.public_key);
        Ok(if self.learner.is_some() { Auth::Accept } else { Auth::reject() })
    }

    async fn auth_succeeded(&mut self, _session: &mut Session) -> Result<(), Self::Error> {
        self.entered.send_replace(true);
        Ok(())
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        // A channel takes the place of its shell, so that a refusal comes early and as a reason code.
        let (Ok(place), Some(alive)) =
            (Arc::clone(&self.lab.shells).try_acquire_owned(), self.lab.alive.upgrade())
        else {
            reply.reject(ChannelOpenFailure::ResourceShortage).await;
            return Ok(());
        };
        let (start, started) = oneshot::channel();
        self.doors.insert(channel.id(), Door { terminal: None, start });
        let stopped = self.lab.stopped.clone();
        tokio::spawn(async move {
            shell::attend(channel, started, stopped).await;
            drop((place, alive));
        });
        reply.accept().await;
        Ok(())
    }

    async fn channel_close(&mut self, channel: ChannelId, _session: &mut Session) -> Result<(), Self::Error> {
        self.doors.remove(&channel);
        Ok(())
    }

    async fn pty_request(
        &mut self,
        channel: ChannelId,
        term: &str,
        columns: u32,
        rows: u32,
        _pix_width: u32,
        _pix_height: u32,
        _modes: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let terminal = Terminal::parse(term, columns, rows);
        match (self.doors.get_mut(&channel), terminal) {
            (Some(door @ Door { terminal: None, .. }), Some(terminal)) => {
                door.terminal = Some(terminal);
                session.channel_success(channel)
            }
            _ => session.channel_failure(channel),
        }
    }

    async fn window_change_request(
        &mut self,
        channel: ChannelId,
        columns: u32,
        rows: u32,
        _pix_width: u32,
        _pix_height: u32,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        // A running shell hears of it in its own task; the request has no reply (RFC 4254, 6.7).
        let terminal = self.doors.get_mut(&channel).and_then(|door| door.terminal.as_mut());
        if let (Some(terminal), Some(size)) = (terminal, terminal::size(columns, rows)) {
            terminal.size = size;
        }
        Ok(())
    }

    async fn shell_request(&mut self, channel: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        // A refusal drops the door, and with it the channel.
        let Some(Door { terminal: Some(terminal), start }) = self.doors.remove(&channel) else {
            return session.channel_failure(channel);
        };
        started(self.shell(&terminal), start, channel, session)
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        _command: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_failure(channel)
    }

    async fn subsystem_request(
        &mut self,
        channel: ChannelId,
        name: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        if name != "sftp" {
            return session.channel_failure(channel);
        }
        let Some(Door { terminal: None, start }) = self.doors.remove(&channel) else {
            return session.channel_failure(channel);
        };
        started(self.files(), start, channel, session)
    }

    async fn env_request(
        &mut self,
        channel: ChannelId,
        _name: &str,
        _value: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_failure(channel)
    }

    async fn x11_request(
        &mut self,
        channel: ChannelId,
        _single_connection: bool,
        _protocol: &str,
        _cookie: &str,
        _screen: u32,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_failure(channel)
    }
}

/// Hands a program to the task of its channel, and tells the client.
fn started(
    program: io::Result<Program>,
    start: oneshot::Sender<Program>,
    channel: ChannelId,
    session: &mut Session,
) -> Result<(), russh::Error> {
    let running =
        program.and_then(|program| start.send(program).map_err(|_| io::Error::other("the target stops")));
    match running {
        Ok(()) => session.channel_success(channel),
        Err(error) => {
            tracing::warn!(%error, "the shell target could not start a program");
            session.channel_failure(channel)
        }
    }
}
