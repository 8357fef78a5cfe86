//! The session task's side: what russh reports of the server, put on the line.

use std::sync::Arc;

use russh::client::{self, ChannelOpenHandle, DisconnectReason, Msg, Session};
use russh::keys::PublicKeyOrCertificate;
use russh::{Channel, ChannelId, Names, Sig, cipher};
use tokio::sync::oneshot;

use super::PACKET_BYTES;
use super::fault::Fault;
use super::line::Line;
use crate::ChannelEnd;

/// A host key to judge, before anything else is said to the server.
pub(super) struct Question {
    /// The key as it went over the wire.
    pub(super) key: Vec<u8>,
    pub(super) answer: oneshot::Sender<bool>,
}

pub(super) struct Handler {
    line: Arc<Line>,
    /// Where the host key is judged; taken when it was.
    judge: Option<oneshot::Sender<Question>>,
    /// Whether a server without strict key exchange has to agree on a cipher that does not need it.
    demands_strict: bool,
    /// The first key exchange is over.
    agreed: bool,
}

impl Handler {
    pub(super) fn new(line: Arc<Line>, judge: oneshot::Sender<Question>, demands_strict: bool) -> Self {
        Self { line, judge: Some(judge), demands_strict, agreed: false }
    }

    /// Fails if the server sent more in one packet than it may.
    fn look(&self, data: &[u8]) -> Result<&Line, Fault> {
        let bytes_max = usize::try_from(PACKET_BYTES).unwrap_or(usize::MAX);
        if data.len() > bytes_max {
            return Err(Fault::PacketTooLarge { bytes: data.len(), bytes_max });
        }
        Ok(&self.line)
    }
}

impl client::Handler for Handler {
    type Error = Fault;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Fault> {
        let key = match shown {
            PublicKeyOrCertificate::PublicKey { key, .. } => key.to_bytes(),
            PublicKeyOrCertificate::Certificate(certificate) => certificate.to_bytes(),
        };
        let (answer, verdict) = oneshot::channel();
        let question = Question { key: key.map_err(russh::Error::from)?, answer };
        // Without a judge the attempt was given up, which is a no.
        let asked = self.judge.take().is_some_and(|judge| judge.send(question).is_ok());
        if asked && verdict.await.unwrap_or(false) { Ok(true) } else { Err(Fault::HostRefused) }
    }

    async fn kex_done(
        &mut self,
        _shared_secret: Option<&[u8]>,
        names: &Names,
        _session: &mut Session,
    ) -> Result<(), Fault> {
        // A later exchange is inside the protected session.
        let first = !std::mem::replace(&mut self.agreed, true);
        if first && self.demands_strict && !names.strict_kex() && names.cipher == cipher::CHACHA20_POLY1305 {
            return Err(Fault::NotStrict);
        }
        Ok(())
    }

    async fn data(&mut self, _: ChannelId, data: &[u8], _: &mut Session) -> Result<(), Fault> {
        self.look(data)?.output(data);
        Ok(())
    }

    async fn extended_data(
        &mut self,
        _: ChannelId,
        _: u32,
        data: &[u8],
        _: &mut Session,
    ) -> Result<(), Fault> {
        self.look(data)?.complaint(data);
        Ok(())
    }

    async fn channel_eof(&mut self, _: ChannelId, _: &mut Session) -> Result<(), Fault> {
        self.line.eof();
        Ok(())
    }

    async fn channel_close(&mut self, _: ChannelId, _: &mut Session) -> Result<(), Fault> {
        self.line.closed();
        Ok(())
    }

    async fn exit_status(&mut self, _: ChannelId, status: u32, _: &mut Session) -> Result<(), Fault> {
        self.line.exited(ChannelEnd::Exited { status });
        Ok(())
    }

    async fn exit_signal(
        &mut self,
        _: ChannelId,
        signal: Sig,
        _: bool,
        _: &str,
        _: &str,
        _: &mut Session,
    ) -> Result<(), Fault> {
        let plain = |c: &char| c.is_ascii_alphanumeric() || "-@.".contains(*c);
        let signal = name(&signal).chars().filter(plain).take(32).collect();
        self.line.exited(ChannelEnd::Killed { signal });
        Ok(())
    }

    async fn disconnected(&mut self, reason: DisconnectReason<Fault>) -> Result<(), Fault> {
        self.line.failed(match reason {
            DisconnectReason::ReceivedDisconnect(info) => Fault::disconnected(&info),
            DisconnectReason::Error(fault) => fault,
        });
        Ok(())
    }

    // A server may open nothing here: the handle that is dropped says no.

    async fn server_channel_open_session(
        &mut self,
        _: Channel<Msg>,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Fault> {
        Ok(())
    }

    async fn server_channel_open_agent_forward(
        &mut self,
        _: Channel<Msg>,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Fault> {
        Ok(())
    }

    async fn server_channel_open_forwarded_tcpip(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        _: &str,
        _: u32,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Fault> {
        Ok(())
    }

    async fn server_channel_open_forwarded_streamlocal(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Fault> {
        Ok(())
    }

    async fn server_channel_open_direct_tcpip(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        _: &str,
        _: u32,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Fault> {
        Ok(())
    }

    async fn server_channel_open_direct_streamlocal(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Fault> {
        Ok(())
    }

    async fn server_channel_open_x11(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Fault> {
        Ok(())
    }
}

fn name(signal: &Sig) -> &str {
    match signal {
        Sig::ABRT => "ABRT",
        Sig::ALRM => "ALRM",
        Sig::FPE => "FPE",
        Sig::HUP => "HUP",
        Sig::ILL => "ILL",
        Sig::INT => "INT",
        Sig::KILL => "KILL",
        Sig::PIPE => "PIPE",
        Sig::QUIT => "QUIT",
        Sig::SEGV => "SEGV",
        Sig::TERM => "TERM",
        Sig::USR1 => "USR1",
        Sig::Custom(name) => name,
    }
}
