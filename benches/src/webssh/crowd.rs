//! Many WebSockets from here to a server in a process of its own; they answer pings, and type when they are told to.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _, stream};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, Message, protocol::WebSocketConfig};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use webssh_core::WinSize;
use webssh_core::frame::{ClientFrame, Hello, InputChunk, Opening, ServerFrame, TicketText};

use super::hold::Holder;
use super::process::allow_files;
use super::{Role, server, wrong};
use crate::peers::program::{Program, beside};
use crate::side::Local;
use crate::stage::on_cores;
use crate::{Error, versions};

/// What is typed to see whether a connection lives.
const KEY: &[u8] = b"k";

/// Connections that are opened at the same time.
const DIALS: usize = 32;

const DEADLINE: Duration = Duration::from_secs(60);

/// Files that this process has open beside the connections.
const OTHER_FILES: u32 = 200;

/// What is behind the WebSockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Served {
    /// Sessions of a hub, with shells in memory.
    Hub,
    /// An echo, and the settings that axum has by itself.
    Bare,
}

/// The server's first words.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Listening {
    pub(crate) port: u16,
}

/// A server, and its connections from here.
pub(crate) struct Crowd {
    served: Served,
    server: Program,
    addr: SocketAddr,
    opened: u32,
    /// Counts the keys that every connection is to type.
    keys: watch::Sender<u32>,
    /// A key has come back, or a connection has ended.
    echoes: mpsc::UnboundedReceiver<Result<(), Error>>,
    tell: mpsc::UnboundedSender<Result<(), Error>>,
}

impl Crowd {
    /// Starts a server.
    pub(crate) fn start(served: Served, connections: u32, heartbeat_secs: u32) -> Result<Self, Error> {
        allow_files(connections.saturating_add(OTHER_FILES))?;
        let mut command = beside("terminals")?;
        command.arg(serde_json::to_string(&Role::Server { served, heartbeat_secs })?);
        let mut server = on_cores(Some(0), || Ok(Program::start("terminals", &mut command)))??;
        let listening: Listening = server.ask("\n")?;
        let addr = SocketAddr::from(([127, 0, 0, 1], listening.port));
        let (tell, echoes) = mpsc::unbounded_channel();
        Ok(Self { served, server, addr, opened: 0, keys: watch::Sender::new(0), echoes, tell })
    }

    async fn open_all(&mut self, count: u32) -> Result<(), Error> {
        let numbers = self.opened..self.opened + count;
        self.opened += count;
        let (served, addr) = (self.served, self.addr);
        let mut dials =
            stream::iter(numbers.map(|number| dial(served, addr, number))).buffer_unordered(DIALS);
        while let Some(socket) = dials.next().await {
            let mut tab = Tab { served, socket: socket?, typed: 0, received: 0 };
            let (keys, tell) = (self.keys.subscribe(), self.tell.clone());
            tokio::spawn(async move {
                if let Err(error) = tab.live(keys, &tell).await {
                    // Whoever listened has gone when the figure is done.
                    let _gone = tell.send(Err(error));
                }
            });
        }
        Ok(())
    }

    async fn check_all(&mut self) -> Result<(), Error> {
        self.keys.send_modify(|keys| *keys += 1);
        for _ in 0..self.opened {
            let echo = timeout(DEADLINE, self.echoes.recv()).await;
            let echo = echo.map_err(|_| wrong("nothing", "the echo of a key in a minute"))?;
            echo.ok_or_else(|| wrong("the end of a connection", "an echo"))??;
        }
        Ok(())
    }
}

impl Holder for Crowd {
    fn open(&mut self, count: u32) -> Local<'_, Result<(), Error>> {
        Box::pin(self.open_all(count))
    }

    fn check(&mut self) -> Local<'_, Result<(), Error>> {
        Box::pin(self.check_all())
    }

    fn pids(&self) -> Vec<u32> {
        vec![self.server.pid()]
    }

    fn about(&self) -> String {
        let axum = format!("axum {}", versions::locked("axum"));
        match self.served {
            Served::Hub => {
                format!("webssh-core, sessions of a hub with shells in memory, WebSockets of {axum}")
            }
            Served::Bare => format!("WebSockets of {axum} that echo, as they are by default"),
        }
    }
}

/// Connects, and shows a ticket if there is a hub.
async fn dial(served: Served, addr: SocketAddr, number: u32) -> Result<WebSocketStream<TcpStream>, Error> {
    let dialled = timeout(DEADLINE, async {
        let mut stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        let ticket = match served {
            Served::Hub => Some(ticket(&mut stream, number).await?),
            Served::Bare => None,
        };
        let request = format!("ws://{addr}{}", server::TERMINAL).into_client_request().map_err(broken)?;
        let config = WebSocketConfig::default().read_buffer_size(1024).write_buffer_size(0);
        let (mut socket, _) =
            client_async_with_config(request, stream, Some(config)).await.map_err(broken)?;
        if let Some(ticket) = ticket {
            let hello = Hello { opening: Opening::Ticket(ticket), ..Hello::plain(WinSize::default()) };
            tell(&mut socket, &ClientFrame::Hello(hello)).await?;
        }
        Ok(socket)
    });
    dialled.await.unwrap_or_else(|_| Err(wrong("nothing", "a connection in a minute")))
}

/// Asks for a ticket on the connection that becomes the WebSocket.
async fn ticket(stream: &mut TcpStream, number: u32) -> Result<TicketText, Error> {
    /// 32 bytes in base64url.
    const TICKET_BYTES: usize = 43;
    let request = format!("GET /ticket/user{number} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut reply = Vec::new();
    loop {
        if stream.read_buf(&mut reply).await? == 0 {
            return Err(wrong("the end of a connection", "a ticket"));
        }
        let text = String::from_utf8_lossy(&reply);
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && body.len() >= TICKET_BYTES
        {
            let ticket = head.starts_with("HTTP/1.1 200").then(|| TicketText::new(body).ok()).flatten();
            return ticket.ok_or_else(|| wrong(text.clone(), "a ticket"));
        }
    }
}

/// One connection.
struct Tab {
    served: Served,
    socket: WebSocketStream<TcpStream>,
    typed: u64,
    received: u64,
}

impl Tab {
    /// Does what is due until nobody gives keys any more.
    async fn live(
        &mut self,
        mut keys: watch::Receiver<u32>,
        tell: &mpsc::UnboundedSender<Result<(), Error>>,
    ) -> Result<(), Error> {
        loop {
            tokio::select! {
                message = self.socket.next() => {
                    if let Some(output) = self.on_message(message).await? {
                        if output[..] != *KEY {
                            return Err(wrong(format!("{output:?}"), "the key that was typed"));
                        }
                        if tell.send(Ok(())).is_err() {
                            return Ok(());
                        }
                    }
                }
                key = keys.changed() => {
                    if key.is_err() {
                        return Ok(());
                    }
                    self.type_key().await?;
                }
            }
        }
    }

    /// Answers a message; gives the output that is in it.
    async fn on_message(
        &mut self,
        message: Option<Result<Message, tungstenite::Error>>,
    ) -> Result<Option<Bytes>, Error> {
        let bytes = match message {
            Some(Ok(Message::Binary(bytes))) => bytes,
            Some(Err(error)) => return Err(broken(error)),
            other => return Err(wrong(format!("{other:?}"), "a frame")),
        };
        if self.served == Served::Bare {
            return Ok(Some(bytes));
        }
        match ServerFrame::decode(&bytes) {
            Ok(ServerFrame::Data { seq, bytes }) if seq == self.received => {
                self.received += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                tell(&mut self.socket, &ClientFrame::Ack { consumed: self.received }).await?;
                Ok(Some(bytes.into_bytes()))
            }
            Ok(ServerFrame::Ping { stamp, .. }) => {
                tell(&mut self.socket, &ClientFrame::Pong { stamp }).await?;
                Ok(None)
            }
            Ok(ServerFrame::Welcome(_) | ServerFrame::InputAck { .. } | ServerFrame::Watchers { .. }) => {
                Ok(None)
            }
            other => Err(wrong(format!("{other:?}"), "a frame of an idle session")),
        }
    }

    async fn type_key(&mut self) -> Result<(), Error> {
        let mut key = Bytes::from_static(KEY);
        match (self.served, InputChunk::split_from(&mut key)) {
            (Served::Hub, Some(bytes)) => {
                let seq = self.typed;
                self.typed += 1;
                tell(&mut self.socket, &ClientFrame::Input { seq, bytes }).await
            }
            _ => self.socket.send(Message::Binary(Bytes::from_static(KEY))).await.map_err(broken),
        }
    }
}

async fn tell(socket: &mut WebSocketStream<TcpStream>, frame: &ClientFrame) -> Result<(), Error> {
    socket.send(Message::Binary(frame.encode())).await.map_err(broken)
}

fn broken(error: tungstenite::Error) -> Error {
    io::Error::other(error).into()
}
