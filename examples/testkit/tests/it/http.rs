//! As much HTTP as the tests need: one request on a connection of its own, the body of its reply.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// `headers` is empty or ends with a line end.
pub(crate) fn get(addr: SocketAddr, path: &str, headers: &str) -> String {
    exchange(addr, &format!("GET {path} HTTP/1.1\r\nHost: {addr}\r\n{headers}\r\n"))
}

pub(crate) fn post(addr: SocketAddr, path: &str, body: &str) -> String {
    let length = body.len();
    exchange(addr, &format!("POST {path} HTTP/1.1\r\nHost: {addr}\r\nContent-Length: {length}\r\n\r\n{body}"))
}

fn exchange(addr: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut reply = BufReader::new(stream);
    let mut line = String::new();
    reply.read_line(&mut line).unwrap();
    assert!(line.starts_with("HTTP/1.1 200"), "{line}");
    let mut length = None;
    while line.trim() != "" {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = Some(value.trim().parse().unwrap());
        }
        line.clear();
        reply.read_line(&mut line).unwrap();
    }
    let mut body = vec![0; length.expect("a Content-Length")];
    reply.read_exact(&mut body).unwrap();
    String::from_utf8(body).unwrap()
}
