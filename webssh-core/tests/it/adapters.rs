//! The ready halves of connections, over real sockets: the same session through each of them.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};
use tokio_tungstenite::{WebSocketStream, client_async};
use webssh_core::CloseReason;
use webssh_core::WinSize;
use webssh_core::edge::tungstenite;
use webssh_core::frame::{CLIENT_FRAME_BYTES_MAX, ClientFrame, Hello, InputChunk, ServerFrame};
use webssh_core::hub::HubLimits;
use webssh_core::ticket::Purpose;

use crate::lab::{DEADLINE, Lab, Shells, eventually};

/// Why each served connection ended.
type Ends = Arc<Mutex<Vec<CloseReason>>>;

/// A server on some transport.
struct Server {
    lab: Lab,
    addr: SocketAddr,
    ends: Ends,
}

async fn on_tungstenite() -> Server {
    let (lab, ends) = (Lab::new(HubLimits::default()), Ends::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (served_lab, served_ends) = (lab.clone(), Arc::clone(&ends));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (lab, ends) = (served_lab.clone(), Arc::clone(&served_ends));
            tokio::spawn(async move {
                let config = Some(tungstenite::config());
                let socket = tokio_tungstenite::accept_async_with_config(stream, config).await.unwrap();
                let (mut source, mut sink) = tungstenite::split(socket);
                let reason = lab.hub.serve(&mut source, &mut sink, &Shells).await;
                sink.close(&reason).await;
                ends.lock().unwrap().push(reason);
            });
        }
    });
    Server { lab, addr, ends }
}

#[cfg(feature = "axum")]
async fn on_axum() -> Server {
    use axum::extract::ws::WebSocketUpgrade;
    use webssh_core::edge::axum::{prepare, split};

    let (lab, ends) = (Lab::new(HubLimits::default()), Ends::default());
    let (served_lab, served_ends) = (lab.clone(), Arc::clone(&ends));
    let upgrade = move |upgrade: WebSocketUpgrade| async move {
        prepare(upgrade).on_upgrade(async move |socket| {
            let (mut source, mut sink) = split(socket);
            let reason = served_lab.hub.serve(&mut source, &mut sink, &Shells).await;
            sink.close(&reason).await;
            served_ends.lock().unwrap().push(reason);
        })
    };
    let router = axum::Router::new().route("/", axum::routing::any(upgrade));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    Server { lab, addr, ends }
}

#[cfg(feature = "actix")]
async fn on_actix() -> Server {
    use actix_web::{App, HttpRequest, HttpServer, web};
    use webssh_core::edge::actix::split;

    let (lab, ends) = (Lab::new(HubLimits::default()), Ends::default());
    let state = (lab.clone(), Arc::clone(&ends));
    let (bound, addr) = tokio::sync::oneshot::channel();
    // actix runs its own runtime on a thread of its own; the shells and sessions live on this one.
    let runtime = tokio::runtime::Handle::current();
    std::thread::spawn(move || {
        let handler = move |request: HttpRequest, body: web::Payload| {
            let ((lab, ends), runtime) = (state.clone(), runtime.clone());
            async move {
                let (response, session, stream) = actix_ws::handle(&request, body)?;
                let (mut source, mut sink) = split(session, stream);
                runtime.spawn(async move {
                    let reason = lab.hub.serve(&mut source, &mut sink, &Shells).await;
                    sink.close(&reason).await;
                    ends.lock().unwrap().push(reason);
                });
                Ok::<_, actix_web::Error>(response)
            }
        };
        actix_web::rt::System::new().block_on(async move {
            let app = move || App::new().route("/", web::get().to(handler.clone()));
            let server = HttpServer::new(app).workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
            bound.send(server.addrs()[0]).unwrap();
            server.run().await.unwrap();
        });
    });
    Server { lab, addr: addr.await.unwrap(), ends }
}

impl Server {
    async fn dial(&self) -> WebSocketStream<TcpStream> {
        let stream = TcpStream::connect(self.addr).await.unwrap();
        let request = format!("ws://{}/", self.addr).into_client_request().unwrap();
        client_async(request, stream).await.unwrap().0
    }

    /// A connection that has shown a ticket.
    async fn open(&self) -> WebSocketStream<TcpStream> {
        let mut socket = self.dial().await;
        let opening = self.lab.ticket("alice", Purpose::Open("echo"));
        let hello = Hello { opening, ..Hello::plain(WinSize::default()) };
        socket.send(Message::Binary(ClientFrame::Hello(hello).encode())).await.unwrap();
        assert!(matches!(frame(&mut socket).await, ServerFrame::Welcome(_)));
        socket
    }

    /// The reason of the only connection that has ended since.
    async fn end(&self) -> CloseReason {
        eventually(|| !self.ends.lock().unwrap().is_empty(), "the connection ends").await;
        self.ends.lock().unwrap().remove(0)
    }
}

async fn message(socket: &mut WebSocketStream<TcpStream>) -> Option<Message> {
    timeout(DEADLINE, socket.next()).await.expect("a message in time").and_then(Result::ok)
}

async fn frame(socket: &mut WebSocketStream<TcpStream>) -> ServerFrame {
    loop {
        match message(socket).await {
            Some(Message::Binary(bytes)) => return ServerFrame::decode(&bytes).unwrap(),
            Some(Message::Ping(_) | Message::Pong(_)) => {}
            other => panic!("no frame: {other:?}"),
        }
    }
}

/// The close code, after all frames that are left.
async fn close_code(socket: &mut WebSocketStream<TcpStream>) -> Option<u16> {
    loop {
        match message(socket).await {
            Some(Message::Close(frame)) => return frame.map(|frame| frame.code.into()),
            Some(_) => {}
            None => return None,
        }
    }
}

fn input(seq: u64, text: &'static str) -> Message {
    let bytes = InputChunk::split_from(&mut Bytes::from_static(text.as_bytes())).unwrap();
    Message::Binary(ClientFrame::Input { seq, bytes }.encode())
}

/// What must be the same over every transport.
async fn behaves(server: Server) {
    // Keys go in, output comes out; a ping of the transport does not disturb; the end has its code.
    let mut socket = server.open().await;
    socket.send(Message::Ping(Bytes::from_static(b"?"))).await.unwrap();
    socket.send(input(0, "héllo")).await.unwrap();
    let mut output = Vec::new();
    while output != "héllo".as_bytes() {
        if let ServerFrame::Data { bytes, .. } = frame(&mut socket).await {
            output.extend_from_slice(&bytes);
        }
    }
    let consumed = u64::try_from(output.len()).unwrap();
    socket.send(Message::Binary(ClientFrame::Ack { consumed }.encode())).await.unwrap();
    socket.send(input(6, "q")).await.unwrap();
    loop {
        if let ServerFrame::Exit { status } = frame(&mut socket).await {
            break assert_eq!(status, 4);
        }
    }
    assert_eq!(close_code(&mut socket).await, Some(1000));
    assert!(matches!(server.end().await, CloseReason::Ended(_)));

    // Text is no frame.
    let mut socket = server.open().await;
    socket.send(Message::text("{}")).await.unwrap();
    assert_eq!(close_code(&mut socket).await, Some(1002));
    assert!(matches!(server.end().await, CloseReason::Protocol(_)));

    // A message longer than any frame is refused by the transport, before it is read.
    let mut socket = server.open().await;
    let long = Bytes::from(vec![2; CLIENT_FRAME_BYTES_MAX + 1]);
    let _sent = socket.send(Message::Binary(long)).await;
    let ended = server.end().await;
    assert!(matches!(ended, CloseReason::TransportFailed(_)), "{ended:?}");

    // A connection that is closed, and one that is gone.
    let mut socket = server.open().await;
    socket.close(None).await.unwrap();
    assert!(matches!(server.end().await, CloseReason::PeerClosed));
    let socket = server.open().await;
    drop(socket);
    let ended = server.end().await;
    let gone = matches!(ended, CloseReason::PeerClosed | CloseReason::TransportFailed(_));
    assert!(gone, "{ended:?}");
    for view in server.lab.hub.list() {
        assert!(server.lab.hub.kick(
            view.id,
            webssh_core::frame::Failure::with_text(webssh_core::frame::FailureCode::Kicked, "",)
        ));
    }
    server.lab.all_given_back().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_tungstenite() {
    behaves(on_tungstenite().await).await;
}

#[cfg(feature = "axum")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_axum() {
    behaves(on_axum().await).await;
}

#[cfg(feature = "actix")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_actix() {
    behaves(on_actix().await).await;
}

#[test]
fn errors_of_a_transport_keep_their_kind() {
    let broken = io::Error::from(io::ErrorKind::ConnectionReset);
    assert_eq!(
        CloseReason::TransportFailed(broken.kind()).to_string(),
        "the connection to the browser broke: connection reset"
    );
}
