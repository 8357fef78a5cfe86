//! A server that the test plays with russh: the ways to log in for which sshd would need accounts.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::BytesMut;
use russh::keys::key::safe_rng;
use russh::keys::{Algorithm, PrivateKey};
use russh::server::{
    Auth, ChannelOpenHandle, Config, Handler, Msg, PublicKeyOffer, Response, Session, VerifiedPublicKey,
    run_stream,
};
use russh::{Channel, ChannelId, ChannelMsg, MethodKind, MethodSet, Pty, Sig};
use tokio::io::copy;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use webssh_core::files::packet::{Answer, ClientPacket, ServerPacket, Splitter, StatusCode};

/// What the server wants of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wants {
    Password,
    /// A password and a code in one round, then nothing in a second one.
    Answers,
    /// More questions, for ever.
    EverMore,
    /// A key, and then the password.
    KeyThenPassword,
}

/// What the shell of the server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// It sends back what was typed.
    Echoes,
    /// It is killed by a signal.
    IsKilled,
    /// It closes without a status.
    Closes,
    /// It says that there is no more output, and nothing else.
    OnlyEof,
    /// It does not want to start.
    RefusesShell,
}

/// A server on a free port of 127.0.0.1, stopped on drop.
pub(crate) struct Played {
    pub(crate) addr: SocketAddr,
    pub(crate) host_key_line: String,
    /// The methods with which users tried, in order.
    pub(crate) tried: Arc<Mutex<Vec<&'static str>>>,
    accepting: JoinHandle<()>,
}

struct Visitor {
    wants: Wants,
    then: Then,
    tried: Arc<Mutex<Vec<&'static str>>>,
    had_key: bool,
    rounds: usize,
    channel: Option<Channel<Msg>>,
}

pub(crate) const PASSWORD: &str = "open sesame";

impl Played {
    pub(crate) async fn start(wants: Wants, then: Then) -> Self {
        Self::start_with(wants, then, |_| {}).await
    }

    /// With a change to what the server agrees on.
    pub(crate) async fn start_with(wants: Wants, then: Then, change: impl FnOnce(&mut Config)) -> Self {
        let host_key = PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).unwrap();
        let public = host_key.public_key().to_openssh().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let mut config = Config {
            keys: vec![host_key],
            methods: wants.methods(),
            auth_rejection_time: Duration::ZERO,
            ..Config::default()
        };
        change(&mut config);
        let config = Arc::new(config);
        let tried = Arc::new(Mutex::new(Vec::new()));
        let for_visitors = Arc::clone(&tried);
        let accepting = tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let tried = Arc::clone(&for_visitors);
                let visitor = Visitor { wants, then, tried, had_key: false, rounds: 0, channel: None };
                let config = Arc::clone(&config);
                tokio::spawn(async move {
                    // A client that goes away is what some tests are about.
                    if let Ok(session) = run_stream(config, socket, visitor).await {
                        drop(session.await);
                    }
                });
            }
        });
        let host_key_line = format!("[127.0.0.1]:{} {public}", addr.port());
        Self { addr, host_key_line, tried, accepting }
    }

    pub(crate) fn tried(&self) -> Vec<&'static str> {
        self.tried.lock().unwrap().clone()
    }
}

impl Drop for Played {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Wants {
    /// What the server offers at first, and after each refusal.
    fn methods(self) -> MethodSet {
        let methods = match self {
            Self::Password => MethodKind::Password,
            Self::Answers | Self::EverMore => MethodKind::KeyboardInteractive,
            Self::KeyThenPassword => MethodKind::PublicKey,
        };
        MethodSet::from([methods].as_slice())
    }
}

impl Visitor {
    fn refusal(&self) -> Auth {
        Auth::Reject { proceed_with_methods: Some(self.wants.methods()), partial_success: false }
    }

    fn tries(&self, method: &'static str) {
        self.tried.lock().unwrap().push(method);
    }
}

fn asks(instructions: &'static str, prompts: &[(&'static str, bool)]) -> Auth {
    Auth::Partial {
        name: Cow::Borrowed("the lab"),
        instructions: Cow::Borrowed(instructions),
        prompts: prompts.iter().map(|(words, echo)| (Cow::Borrowed(*words), *echo)).collect(),
    }
}

impl Handler for Visitor {
    type Error = russh::Error;

    async fn auth_password(&mut self, _: &str, password: &str) -> Result<Auth, Self::Error> {
        self.tries("password");
        let key_first = self.wants == Wants::KeyThenPassword && !self.had_key;
        Ok(if password == PASSWORD && !key_first { Auth::Accept } else { self.refusal() })
    }

    async fn auth_publickey_offered(&mut self, _: &str, _: PublicKeyOffer<'_>) -> Result<Auth, Self::Error> {
        Ok(if self.wants == Wants::KeyThenPassword { Auth::Accept } else { self.refusal() })
    }

    async fn auth_publickey(&mut self, _: &str, _: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        self.tries("publickey");
        self.had_key = true;
        let proceed_with_methods = Some(MethodSet::from([MethodKind::Password].as_slice()));
        Ok(Auth::Reject { proceed_with_methods, partial_success: true })
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        _: &str,
        _: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, Self::Error> {
        let Some(response) = response else {
            self.tries("keyboard-interactive");
            self.rounds = 0;
            return Ok(asks("Two things, please", &[("Password: ", false), ("Code: ", true)]));
        };
        let answers: Vec<_> = response.collect();
        self.rounds += 1;
        if self.wants == Wants::EverMore {
            return Ok(asks("", &[("Again: ", true)]));
        }
        Ok(match self.rounds {
            1 if answers == [PASSWORD, "123456"] => asks("Well done", &[]),
            2 if answers.is_empty() => Auth::Accept,
            _ => self.refusal(),
        })
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        self.channel = Some(channel);
        reply.accept().await;
        Ok(())
    }

    async fn pty_request(
        &mut self,
        channel: ChannelId,
        _: &str,
        _: u32,
        _: u32,
        _: u32,
        _: u32,
        _: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_success(channel)
    }

    async fn shell_request(&mut self, id: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        if self.then == Then::RefusesShell {
            return session.channel_failure(id);
        }
        session.channel_success(id)?;
        let channel = self.channel.take().ok_or(russh::Error::WrongChannel)?;
        match self.then {
            Then::Echoes => {
                tokio::spawn(async move {
                    let (mut reader, writer) = channel.split();
                    let (mut from, mut to) = (reader.make_reader(), writer.make_writer());
                    // It lasts as long as the client is there.
                    drop(copy(&mut from, &mut to).await);
                });
                Ok(())
            }
            Then::IsKilled => {
                session.data(id, "last words")?;
                session.exit_signal_request(
                    id,
                    Sig::Custom("XCPU\u{1b}[2J".to_owned()),
                    true,
                    "too long",
                    "",
                )?;
                session.eof(id)?;
                session.close(id)
            }
            Then::Closes => {
                session.data(id, "last words")?;
                session.close(id)
            }
            Then::OnlyEof => {
                session.data(id, "last words")?;
                session.eof(id)
            }
            Then::RefusesShell => session.channel_failure(id),
        }
    }
    /// Files of which nothing is known, by a server that complains all the time.
    async fn subsystem_request(
        &mut self,
        id: ChannelId,
        _: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_success(id)?;
        let (mut reader, writer) = self.channel.take().ok_or(russh::Error::WrongChannel)?.split();
        tokio::spawn(async move {
            let mut splitter = Splitter::new(1 << 16);
            while let Some(message) = reader.wait().await {
                let ChannelMsg::Data { data } = message else { continue };
                splitter.push(&data);
                while let Some(body) = splitter.next_body().unwrap() {
                    let mut out = BytesMut::new();
                    match ClientPacket::decode(body).unwrap() {
                        ClientPacket::Init { .. } => ServerPacket::Version { version: 3, extensions: vec![] },
                        ClientPacket::Call { id, .. } => {
                            let answer = Answer::status(StatusCode::OP_UNSUPPORTED);
                            ServerPacket::Answer { id, answer }
                        }
                    }
                    .encode(&mut out);
                    writer.extended_data(1, &b"complaint\n"[..]).await.unwrap();
                    writer.data_bytes(out.freeze()).await.unwrap();
                }
            }
        });
        Ok(())
    }
}
