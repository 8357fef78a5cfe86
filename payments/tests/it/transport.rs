//! The reqwest transport against servers on loopback that behave badly.

use crate::support::{openssl, openssl_text};
use bytes::Bytes;
use http::{Request, StatusCode};
use payments::{ReqwestTransport, Transport, TransportError};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// How a server goes on after it has read a request.
#[derive(Clone)]
enum Answer {
    /// Sends these bytes and closes.
    Bytes(Vec<u8>),
    /// Sends these bytes and nothing more, and does not close.
    Hangs(&'static [u8]),
    /// Sends these bytes, then zeros for ever.
    Endless(&'static [u8]),
}

struct Server {
    address: SocketAddr,
    connections: Arc<AtomicU64>,
    bytes_sent: Arc<AtomicU64>,
    request: Arc<Mutex<Vec<u8>>>,
}

impl Server {
    async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            connections: Arc::default(),
            bytes_sent: Arc::default(),
            request: Arc::default(),
        };
        let (connections, bytes_sent) = (server.connections.clone(), server.bytes_sent.clone());
        let request = server.request.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(serve(stream, answer.clone(), bytes_sent.clone(), request.clone()));
            }
        });
        server
    }

    fn post(&self) -> Request<Bytes> {
        let uri = format!("http://{}/pay?bill_date=2026-09-22&name=%E8%AF%BE", self.address);
        Request::post(uri).header("x-number", "COURSE_0001").body(Bytes::from_static(b"a=b&c=+")).unwrap()
    }
}

async fn serve(
    mut stream: TcpStream,
    answer: Answer,
    bytes_sent: Arc<AtomicU64>,
    request: Arc<Mutex<Vec<u8>>>,
) {
    let mut read = Vec::new();
    let mut chunk = [0; 4096];
    while !read.ends_with(b"a=b&c=+") {
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return,
            Ok(length) => read.extend_from_slice(&chunk[..length]),
        }
    }
    *request.lock().unwrap() = read;
    match answer {
        Answer::Bytes(bytes) => stream.write_all(&bytes).await.unwrap(),
        Answer::Hangs(bytes) => {
            stream.write_all(bytes).await.unwrap();
            // The client hangs up first.
            while stream.read(&mut chunk).await.is_ok_and(|length| length > 0) {}
        }
        Answer::Endless(bytes) => {
            let mut next = stream.write_all(bytes).await;
            while next.is_ok() {
                next = stream.write_all(&[0; 4096]).await;
                bytes_sent.fetch_add(4096, Ordering::Relaxed);
            }
        }
    }
}

fn reply(head: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    [format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n").as_bytes(), body]
        .concat()
}

/// Bound and not listening: connections are refused, and nobody else gets this port meanwhile.
fn closed() -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    socket
}

async fn failure(transport: &ReqwestTransport, request: Request<Bytes>) -> TransportError {
    transport.send(request).await.unwrap_err()
}

#[tokio::test]
async fn a_request_goes_out_and_a_reply_comes_in_byte_for_byte() {
    let gzip = [0x1f, 0x8b, 8, 0, 0xff, b'\n', 0];
    let server =
        Server::start(Answer::Bytes(reply("404 Not Found\r\ncontent-encoding: gzip\r\nx-serial: A", &gzip)))
            .await;
    let response = ReqwestTransport::new().unwrap().send(server.post()).await.unwrap();
    assert_eq!(response.status(), StatusCode::NOT_FOUND, "an error status is a reply like any other");
    assert_eq!(response.headers()["x-serial"], "A");
    assert_eq!(response.body().as_ref(), gzip, "what is signed is what was sent, never what it unpacks to");
    let sent = String::from_utf8(server.request.lock().unwrap().clone()).unwrap();
    assert!(sent.starts_with("POST /pay?bill_date=2026-09-22&name=%E8%AF%BE HTTP/1.1\r\n"), "{sent}");
    assert!(sent.contains("\r\nx-number: COURSE_0001\r\n") && sent.ends_with("\r\n\r\na=b&c=+"), "{sent}");
    assert!(!sent.to_ascii_lowercase().contains("accept-encoding"), "{sent}");
}

#[tokio::test]
async fn a_redirect_is_a_reply_and_is_not_followed() {
    let answer = |location: String| reply(&format!("307 Temporary Redirect\r\nlocation: {location}"), b"");
    let other = Server::start(Answer::Bytes(reply("200 OK", b"stolen"))).await;
    let server = Server::start(Answer::Bytes(answer(format!("http://{}/", other.address)))).await;
    let response = ReqwestTransport::new().unwrap().send(server.post()).await.unwrap();
    assert_eq!(response.status(), StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(other.connections.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_refused_connection_is_known_not_to_have_sent_anything() {
    let closed = closed();
    let uri = format!("http://{}/", closed.local_addr().unwrap());
    let error =
        failure(&ReqwestTransport::new().unwrap(), Request::post(uri).body(Bytes::new()).unwrap()).await;
    assert!(!error.sent, "{error:?}");
}

#[tokio::test]
async fn a_lost_reply_may_have_acted() {
    let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".to_vec();
    for answer in [Vec::new(), b"HTTP/1.1 2".to_vec(), cut, b"not http\r\n\r\n".to_vec()] {
        let server = Server::start(Answer::Bytes(answer.clone())).await;
        let error = failure(&ReqwestTransport::new().unwrap(), server.post()).await;
        assert!(error.sent, "{:?} {error:?}", String::from_utf8(answer));
        assert_eq!(server.connections.load(Ordering::Relaxed), 1, "a POST is never repeated on its own");
    }
}

#[tokio::test]
async fn a_silent_server_is_given_up() {
    for answer in [&b""[..], b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"] {
        let server = Server::start(Answer::Hangs(answer)).await;
        let transport = ReqwestTransport::new().unwrap().with_call_millis_max(100);
        assert!(failure(&transport, server.post()).await.sent);
        let patient = ReqwestTransport::new().unwrap();
        assert!(patient.send_within(server.post(), 100).await.unwrap_err().sent);
    }
}

#[tokio::test]
async fn a_reply_has_a_longest_length() {
    let limit = 10_000;
    let transport = ReqwestTransport::new().unwrap().with_reply_bytes_max(limit);
    for (length, fits) in [(limit, true), (limit + 1, false)] {
        let server = Server::start(Answer::Bytes(reply("200 OK", &vec![b'x'; length]))).await;
        match transport.send(server.post()).await {
            Ok(response) => assert!(fits && response.body().len() == length),
            Err(error) => assert!(!fits && error.sent, "{error:?}"),
        }
    }
    let server = Server::start(Answer::Endless(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")).await;
    let error = failure(&transport, server.post()).await;
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("longer"), "{error:?}");
    // What the sockets hold, not what the server would have sent.
    assert!(server.bytes_sent.load(Ordering::Relaxed) < 64 * 1024 * 1024);
}

struct Tls(Child);

impl Drop for Tls {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[tokio::test]
async fn a_server_with_a_certificate_of_its_own_gets_no_request() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (key, certificate) = (file("key.pem"), file("cert.pem"));
    let subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
    let made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", &key, "-out", &certificate];
    openssl(&[&made[..], &subject].concat(), b"");
    assert!(openssl_text(&["x509", "-in", &certificate, "-noout", "-subject"], b"").contains("127.0.0.1"));
    let mut child = Command::new("openssl")
        .args(["s_server", "-accept", "127.0.0.1:0", "-www", "-key", &key, "-cert", &certificate])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl does not start; install it with: apt-get install openssl");
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let _tls = Tls(child);
    let accepts = lines.map(Result::unwrap).find(|line| line.starts_with("ACCEPT ")).unwrap();
    let uri = format!("https://{}/", accepts.trim_start_matches("ACCEPT "));
    let error =
        failure(&ReqwestTransport::new().unwrap(), Request::get(uri).body(Bytes::new()).unwrap()).await;
    assert!(!error.sent, "{error:?}");
    let mut causes = std::iter::successors(std::error::Error::source(&error), |error| error.source());
    assert!(causes.any(|cause| cause.to_string().contains("certificate")), "{error:?}");
}

#[tokio::test]
async fn an_error_does_not_repeat_the_address_of_the_request() {
    let closed = closed();
    let hanging =
        Server::start(Answer::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf".to_vec())).await;
    for address in [closed.local_addr().unwrap(), hanging.address] {
        let request =
            Request::get(format!("http://{address}/bill?token=signed-for-a-minute")).body(Bytes::new());
        let error = ReqwestTransport::new().unwrap().send(request.unwrap()).await.unwrap_err();
        let mut told = format!("{error} {error:?}");
        let mut source = std::error::Error::source(&error);
        while let Some(inner) = source {
            told.push_str(&format!(" {inner} {inner:?}"));
            source = inner.source();
        }
        assert!(!told.contains("signed-for-a-minute"), "{told}");
    }
}
