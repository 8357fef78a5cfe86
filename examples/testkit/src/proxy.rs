//! A TCP proxy in front of a server, which cuts, keeps back or swallows what a test tells it to.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crate::{Error, port};

mod pass;
mod switch;

use switch::Switch;

/// A proxy of its own on 127.0.0.1, which passes bytes in both directions until it is told otherwise.
///
/// Every command holds from the moment it returns, for all connections. The proxy knows no protocol: a
/// reply is whatever bytes arrive from the server at once. So let a client finish its handshake before
/// [`Proxy::cut_replies`]. At most 128 connections are open at a time; one more is closed at once, which
/// standard error says.
///
/// ```
/// # fn main() -> Result<(), testkit::Error> {
/// # if testkit::skipped("redis") { return Ok(()); }
/// use std::io::{Read, Write};
///
/// let redis = testkit::Redis::start()?;
/// let proxy = testkit::Proxy::start(redis.addr())?;
/// proxy.cut_replies(1);
/// let mut client = std::net::TcpStream::connect(proxy.addr()).expect("a listener");
/// client.write_all(b"INCR sold\r\n").expect("a connection");
/// // The command was executed, and the client cannot know.
/// assert_eq!(client.read(&mut [0; 16]).expect("an end"), 0);
/// assert_eq!((redis.cli(&["GET", "sold"])?.as_str(), proxy.cuts()), ("1", 1));
/// # Ok(()) }
/// ```
pub struct Proxy {
    switch: Arc<Switch>,
    accepting: Option<JoinHandle<()>>,
    port: u16,
}

impl Proxy {
    /// Listens on a free port and passes each connection on to `target`.
    ///
    /// # Errors
    ///
    /// `Unavailable` when the machine has no port or no thread left.
    pub fn start(target: SocketAddr) -> Result<Self, Error> {
        // By its number, since only a port that was asked for stays reserved while nothing listens.
        let (listener, port) = port::retry(|port| Ok((bind(port)?, port)))?;
        let switch = Arc::new(Switch::new(listener, target));
        let for_thread = Arc::clone(&switch);
        let accepting = thread::Builder::new()
            .name("testkit-proxy".to_owned())
            .spawn(move || pass::accept_all(&for_thread))
            .map_err(|e| Error::io("start a thread of the proxy", e))?;
        Ok(Self { switch, accepting: Some(accepting), port })
    }

    /// Where the proxy listens.
    pub fn addr(&self) -> SocketAddr {
        port::local(self.port)
    }

    /// `redis://127.0.0.1:PORT/`.
    pub fn url(&self) -> String {
        format!("redis://{}/", self.addr())
    }

    /// The next `times` times that bytes arrive from the server, closes that connection on both sides instead of
    /// passing them on: the request went through, its reply is lost. Replaces what an earlier call left over.
    pub fn cut_replies(&self, times: usize) {
        self.switch.change(|rules| rules.cuts_due = times);
    }

    /// Closes all connections and refuses new ones ("connection refused") until [`Proxy::heal`].
    ///
    /// # Errors
    ///
    /// `Unavailable` when the machine does not let go of the listener.
    pub fn cut_all(&self) -> Result<(), Error> {
        self.switch.refuse().map_err(|e| Error::io("stop listening", e))
    }

    /// Keeps bytes from the server back. What comes after the first of a connection waits in the kernel.
    pub fn hold_replies(&self) {
        self.switch.change(|rules| rules.holding = true);
    }

    /// Passes on what [`Proxy::hold_replies`] kept back, and what comes later.
    pub fn release_replies(&self) {
        self.switch.change(|rules| rules.holding = false);
    }

    /// Swallows bytes of the clients: they count as sent, and the server never sees them.
    pub fn drop_requests(&self) {
        self.switch.change(|rules| rules.swallowing = true);
    }

    /// Ends [`Proxy::drop_requests`] for later bytes.
    pub fn pass_requests(&self) {
        self.switch.change(|rules| rules.swallowing = false);
    }

    /// Passes everything again as at the start: accepts connections, releases replies, passes requests, and
    /// forgets the cuts that are still due.
    ///
    /// # Errors
    ///
    /// `Unavailable` when the machine does not let the proxy listen again.
    pub fn heal(&self) -> Result<(), Error> {
        self.switch.heal().map_err(|e| Error::io("listen again", e))
    }

    /// Passes later connections on to `target`. Those that are open keep their server.
    pub fn retarget(&self, target: SocketAddr) {
        self.switch.change(|rules| rules.target = target);
    }

    /// How many bytes the clients sent since the start, passed on or swallowed.
    pub fn requests_bytes(&self) -> u64 {
        self.switch.read(|rules| rules.requests_bytes)
    }

    /// How many bytes from the servers are kept back now: more than 0 means that a reply was on its way.
    pub fn held_bytes(&self) -> u64 {
        self.switch.read(|rules| rules.held_bytes)
    }

    /// How many connections were closed by [`Proxy::cut_replies`] and [`Proxy::cut_all`] since the start.
    pub fn cuts(&self) -> usize {
        self.switch.read(|rules| rules.cuts)
    }

    /// How many connections are open now.
    pub fn connections(&self) -> usize {
        self.switch.read(|rules| rules.links.len())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Err(e) = self.switch.stop() {
            eprintln!("testkit: the proxy on port {} may still listen: {e}", self.port);
            return;
        }
        if self.accepting.take().is_some_and(|thread| thread.join().is_err()) {
            eprintln!("testkit: the proxy on port {} panicked", self.port);
        }
        if !self.switch.wait_idle() {
            eprintln!("testkit: the proxy on port {} still has threads", self.port);
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("port", &self.port).finish_non_exhaustive()
    }
}

fn bind(port: u16) -> Result<TcpListener, Error> {
    TcpListener::bind(port::local(port)).map_err(|e| match e.kind() {
        io::ErrorKind::AddrInUse => Error::port_taken("the proxy", e.to_string()),
        _ => Error::io("listen", e),
    })
}
