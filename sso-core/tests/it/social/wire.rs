//! The simulator behind a real socket, and the real client in front of it.

use std::sync::Arc;

use sso_core::provider_sim::ProviderSim;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Serves the simulator on the loopback until the test ends; its address is that of the listener.
pub(crate) async fn serve(listener: TcpListener, sim: Arc<ProviderSim>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let sim = sim.clone();
        tokio::spawn(async move { answer(stream, &sim).await });
    }
}

/// One request, one reply, and the end of the connection: the least of HTTP/1.1.
async fn answer(mut stream: TcpStream, sim: &ProviderSim) {
    let mut bytes = Vec::new();
    let (head, length) = loop {
        if stream.read_buf(&mut bytes).await.unwrap() == 0 {
            return;
        }
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().unwrap())
        });
        break (head, end + 4 + length.unwrap_or(0_usize));
    };
    while bytes.len() < length {
        assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0);
    }
    let mut lines = head.lines();
    let mut words = lines.next().unwrap().split(' ');
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let mut request = http::Request::builder().method(method).uri(path);
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        request = request.header(name, value);
    }
    let body = bytes.split_off(head.len() + 4);
    let response = sim.handle(&request.body(body.into()).unwrap());
    let mut reply = format!(
        "HTTP/1.1 {} x\r\nconnection: close\r\ncontent-length: {}\r\n",
        response.status().as_u16(),
        response.body().len()
    );
    for (name, value) in response.headers() {
        reply.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
    }
    stream.write_all(format!("{reply}\r\n").as_bytes()).await.unwrap();
    stream.write_all(response.body()).await.unwrap();
}

mod client {
    use std::error::Error as _;
    use std::time::Duration;

    use bytes::Bytes;
    use http::{Request, Response};
    use sso_core::social::MemoryPendingStore;
    use sso_core::{ErrorKind, HttpClient as _, ReqwestClient};

    use super::*;
    use crate::social::{KINDS, World, identity};

    const SLOW_MACHINE: Duration = Duration::from_secs(30);

    async fn served() -> (Arc<ProviderSim>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}/sim", listener.local_addr().unwrap());
        let sim = Arc::new(ProviderSim::new(&origin).unwrap());
        tokio::spawn(serve(listener, sim.clone()));
        (sim, origin)
    }

    fn get(address: &str) -> Request<Bytes> {
        Request::builder().uri(address).body(Bytes::new()).unwrap()
    }

    #[tokio::test]
    async fn every_provider_signs_a_user_in_over_a_socket() {
        let (sim, _) = served().await;
        let http = Arc::new(ReqwestClient::new(SLOW_MACHINE).unwrap());
        let world = World::over(sim, Arc::new(MemoryPendingStore::new()), http, |_, provider| provider);
        for kind in KINDS {
            let alice = identity(world.sign_in_as(kind, "alice").await.unwrap());
            assert_eq!(alice.name.as_deref(), Some("Alice"), "{kind:?}");
        }
    }

    #[tokio::test]
    async fn a_redirect_is_a_reply_and_a_flood_is_cut_off() {
        let (sim, origin) = served().await;
        let http = ReqwestClient::new(SLOW_MACHINE).unwrap();
        let away =
            Response::builder().status(302).header("location", "http://127.0.0.1:1/").body(Bytes::new());
        sim.reply_once("/away", away.unwrap());
        assert_eq!(http.send(get(&format!("{origin}/away"))).await.unwrap().status(), 302);
        let most = vec![b'x'; ReqwestClient::REPLY_BYTES_MAX];
        sim.reply_once("/most", Response::new(most.clone().into()));
        assert_eq!(http.send(get(&format!("{origin}/most"))).await.unwrap().body().len(), most.len());
        sim.reply_once("/flood", Response::new([most, vec![b'x']].concat().into()));
        let flood = http.send(get(&format!("{origin}/flood"))).await.unwrap_err();
        assert_eq!(flood.kind(), ErrorKind::PeerMisbehaved);
    }

    #[tokio::test]
    async fn errors_of_the_client_are_transient_and_show_no_address() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let silent = format!("http://{}/?secret=hush", listener.local_addr().unwrap());
        let late =
            ReqwestClient::new(Duration::from_millis(50)).unwrap().send(get(&silent)).await.unwrap_err();
        drop(listener);
        let http = ReqwestClient::new(SLOW_MACHINE).unwrap();
        let gone = http.send(get(&silent)).await.unwrap_err();
        for error in [late, gone] {
            assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Unavailable, true), "{error}");
            let mut words = format!("{error} {error:?}");
            let mut source = error.source();
            while let Some(cause) = source {
                words.push_str(&format!("{cause} {cause:?}"));
                source = cause.source();
            }
            assert!(!words.contains("hush"), "{words}");
        }
        let bare = http.send(get("http://id.example/?secret=hush")).await.unwrap_err();
        assert_eq!((bare.kind(), format!("{bare:?}").contains("hush")), (ErrorKind::Misuse, false));
    }
}
