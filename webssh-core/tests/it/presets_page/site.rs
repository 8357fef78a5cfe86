//! A server for a page: its files, its WebSocket, and a hub with shells in memory behind them; and the form of
//! huashengdun's page.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use webssh_core::edge::axum::split;
use webssh_core::frame::{Failure, Opening, TicketText};
use webssh_core::hub::{Hub, HubLimits, Opened, Opener};
use webssh_core::preset::{self, Form, MESSAGE_BYTES_MAX, Preset, Reply};
use webssh_core::ssh::{Shell, ShellPort};
use webssh_core::ticket::{Grant, Issue, Purpose};
use webssh_core::{Admission, BoxFuture, ChannelEnd, Dialogue, Target, TargetPolicy, WinSize};

pub(super) struct Site {
    addr: SocketAddr,
    hub: Hub<Target>,
    server: JoinHandle<()>,
}

pub(super) struct Parts {
    pub(super) hub: Hub<Target>,
    pub(super) page: String,
    pub(super) files: PathBuf,
}

/// Huashengdun's page, and what is in the folder `static` beside it.
pub(super) fn huashengdun() -> Router<Arc<Parts>> {
    Router::new()
        .route("/", get(index).post(post))
        .route("/ws", get(socket))
        .route("/static/{*path}", get(file))
}

impl Site {
    /// Serves the `index.html` of `files`, and what else the routes tell.
    pub(super) async fn start(files: &Path, routes: Router<Arc<Parts>>) -> Self {
        let hub = Hub::new(HubLimits::default());
        let page = std::fs::read_to_string(files.join("index.html")).unwrap();
        let app = routes.with_state(Arc::new(Parts { hub: hub.clone(), page, files: files.to_owned() }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { addr, hub, server }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/", self.addr)
    }

    pub(super) async fn stop(self) {
        timeout(Duration::from_secs(30), self.hub.shutdown()).await.expect("the hub ends");
        assert_eq!(self.hub.bytes_reserved(), 0);
        self.server.abort();
    }
}

impl Parts {
    /// A ticket for a shell on a target that was admitted.
    pub(super) fn ticket(&self, target: Target) -> Result<String, String> {
        let grant = Grant { user: "a user".to_owned(), purpose: Purpose::Open(target) };
        match self.hub.ticket(grant).unwrap() {
            Issue::Ticket(ticket) => Ok(ticket.as_str().to_owned()),
            _ => Err("there are too many tickets".to_owned()),
        }
    }

    /// Serves a WebSocket to its end.
    pub(super) async fn serve(&self, socket: WebSocket, preset: Preset) {
        let (source, sink) = split(socket);
        let (mut source, mut sink) = preset::split(preset, source, sink);
        let reason = self.hub.serve(&mut source, &mut sink, &Shells).await;
        sink.into_inner().close(&reason).await;
    }
}

async fn index(State(parts): State<Arc<Parts>>) -> Html<String> {
    Html(parts.page.clone())
}

async fn file(
    State(parts): State<Arc<Parts>>,
    axum::extract::Path(path): axum::extract::Path<String>,
) -> Response {
    answer(&parts.files.join("static").join(&path))
}

/// A file with its kind.
pub(super) fn answer(path: &Path) -> Response {
    let kind = match path.extension().and_then(|end| end.to_str()) {
        Some("js") => "text/javascript",
        Some("css") => "text/css",
        _ => "application/octet-stream",
    };
    match std::fs::read(path) {
        Ok(bytes) => ([(header::CONTENT_TYPE, kind)], bytes).into_response(),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn post(State(parts): State<Arc<Parts>>, headers: HeaderMap, body: Bytes) -> Response {
    let reply = match admitted(&parts, &headers, &body) {
        Ok(ticket) => Reply::connect(&ticket),
        Err(words) => Reply::refuse(&words),
    };
    ([(header::CONTENT_TYPE, "application/json")], reply.to_json()).into_response()
}

fn admitted(parts: &Parts, headers: &HeaderMap, body: &[u8]) -> Result<String, String> {
    let form = Form::from_fields(fields(headers, body)).map_err(|error| error.to_string())?;
    let policy = TargetPolicy::new(["lab.example:22"]).unwrap();
    let target = match form.admit(&policy).map_err(|error| error.to_string())? {
        Admission::Allowed(target) if target.user() != "nobody" => target,
        _ => return Err("this server is not on the list".to_owned()),
    };
    assert_eq!(form.login().unwrap().methods().len(), 1);
    parts.ticket(target)
}

/// Takes `multipart/form-data` apart, as a framework would (RFC 7578).
fn fields<'a>(headers: &HeaderMap, body: &'a [u8]) -> Vec<(&'a str, &'a [u8])> {
    let kind = headers[header::CONTENT_TYPE].to_str().unwrap();
    let boundary = format!("--{}", kind.split("boundary=").nth(1).unwrap());
    let find = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).position(|window| window == what);
    let mut rest = body;
    let mut fields = Vec::new();
    while let Some(at) = find(rest, boundary.as_bytes()) {
        let part = &rest[..at];
        rest = &rest[at + boundary.len()..];
        let Some(head) = find(part, b"\r\n\r\n") else { continue };
        let name = std::str::from_utf8(&part[..head]).unwrap().split(" name=\"").nth(1).unwrap();
        fields.push((name.split('"').next().unwrap(), &part[head + 4..part.len() - 2]));
    }
    fields
}

async fn socket(
    State(parts): State<Arc<Parts>>,
    Query(query): Query<HashMap<String, String>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let Ok(ticket) = TicketText::new(&query["id"]) else { return StatusCode::NOT_FOUND.into_response() };
    let upgrade = upgrade.max_message_size(MESSAGE_BYTES_MAX).max_frame_size(MESSAGE_BYTES_MAX);
    upgrade.on_upgrade(async move |socket| {
        parts.serve(socket, Preset::huashengdun(Opening::Ticket(ticket))).await;
    })
}

struct Shells;

impl Opener<Target> for Shells {
    fn open<'a>(
        &'a self,
        _: &'a str,
        target: &'a Target,
        _: WinSize,
        _: &'a dyn Dialogue,
    ) -> BoxFuture<'a, Result<Opened, Failure>> {
        Box::pin(async move {
            let (shell, port) = Shell::pair();
            tokio::spawn(talk(port, format!("ready for {target}\r\n")));
            Ok(shell.into())
        })
    }
}

/// Answers line by line.
async fn talk(mut port: ShellPort, greeting: String) {
    let mut line = Vec::new();
    let mut size = WinSize::default();
    port.send_output(greeting.into()).await;
    while let Some(bytes) = port.recv_input().await {
        line.extend_from_slice(&bytes);
        if line.pop_if(|last| *last == b'\r').is_none() {
            continue;
        }
        let said = String::from_utf8(std::mem::take(&mut line)).unwrap();
        let answer = match said.as_str() {
            "exit" => return port.finish(ChannelEnd::Exited { status: 7 }),
            "size" => {
                // The last one counts; there may be none since it was asked before.
                while let Ok(Some(newer)) = timeout(Duration::ZERO, port.recv_size()).await {
                    size = newer;
                }
                format!("the size is {size}\r\n")
            }
            "flood" => {
                for _ in 0..256 {
                    port.send_output(Bytes::from("y".repeat(8190) + "\r\n")).await;
                }
                "flooded\r\n".to_owned()
            }
            said => format!("you said {said}\r\n"),
        };
        port.send_output(answer.into()).await;
    }
    port.finish(ChannelEnd::Exited { status: 0 });
}
