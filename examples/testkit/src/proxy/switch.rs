//! What the threads of a proxy share: its rules, its open connections, and waiting for either to change.

use std::collections::BTreeMap;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::net;

/// Two threads each.
const CONNECTIONS_MAX: usize = 128;
/// How many connections the kernel accepts ahead of the proxy.
const BACKLOG_MAX: i32 = 128;
/// How long the threads may take to end once their connections are closed.
const END_MAX: Duration = Duration::from_secs(10);
/// How long to wait before the next try when the machine refuses a connection for want of descriptors.
const RETRY: Duration = Duration::from_millis(10);

pub(super) struct Switch {
    listener: TcpListener,
    rules: Mutex<Rules>,
    changed: Condvar,
}

pub(super) struct Rules {
    pub(super) target: SocketAddr,
    pub(super) cuts_due: usize,
    pub(super) holding: bool,
    pub(super) swallowing: bool,
    pub(super) requests_bytes: u64,
    pub(super) held_bytes: u64,
    pub(super) cuts: usize,
    /// INVARIANT: a connection that is not in here is closed, or about to be closed by who took it out.
    pub(super) links: BTreeMap<u64, Arc<Link>>,
    /// Whether the listener is shut.
    refusing: bool,
    stopping: bool,
    /// How many threads serve connections.
    threads: usize,
    next_id: u64,
}

/// One connection through the proxy.
pub(super) struct Link {
    pub(super) id: u64,
    pub(super) client: TcpStream,
    pub(super) server: TcpStream,
}

/// A connection in the hands of one thread. The proxy waits until all of these are dropped.
pub(super) struct Duty {
    pub(super) switch: Arc<Switch>,
    pub(super) link: Arc<Link>,
}

impl Switch {
    pub(super) fn new(listener: TcpListener, target: SocketAddr) -> Self {
        let rules = Rules {
            target,
            cuts_due: 0,
            holding: false,
            swallowing: false,
            requests_bytes: 0,
            held_bytes: 0,
            cuts: 0,
            links: BTreeMap::new(),
            refusing: false,
            stopping: false,
            threads: 0,
            next_id: 0,
        };
        Self { listener, rules: Mutex::new(rules), changed: Condvar::new() }
    }

    pub(super) fn read<T>(&self, ask: impl FnOnce(&Rules) -> T) -> T {
        ask(&self.lock())
    }

    pub(super) fn change(&self, set: impl FnOnce(&mut Rules)) {
        set(&mut self.lock());
        self.changed.notify_all();
    }

    /// Shuts the listener, which keeps its port and wakes the thread that accepts, and closes all connections.
    pub(super) fn refuse(&self) -> io::Result<()> {
        let mut rules = self.lock();
        self.shut(&mut rules)?;
        rules.cuts += rules.links.len();
        rules.close_all();
        self.changed.notify_all();
        Ok(())
    }

    pub(super) fn heal(&self) -> io::Result<()> {
        let mut rules = self.lock();
        if rules.refusing {
            net::listen(&self.listener, BACKLOG_MAX)?;
        }
        (rules.refusing, rules.holding, rules.swallowing, rules.cuts_due) = (false, false, false, 0);
        self.changed.notify_all();
        Ok(())
    }

    pub(super) fn stop(&self) -> io::Result<()> {
        let mut rules = self.lock();
        rules.stopping = true;
        rules.close_all();
        self.changed.notify_all();
        self.shut(&mut rules)
    }

    /// Whether all threads of connections ended in time.
    pub(super) fn wait_idle(&self) -> bool {
        let busy = |rules: &mut Rules| rules.threads > 0;
        let waited = self.changed.wait_timeout_while(self.lock(), END_MAX, busy);
        let (_rules, late) = waited.unwrap_or_else(PoisonError::into_inner);
        !late.timed_out()
    }

    /// The next client, or none once the proxy stops.
    pub(super) fn accept(&self) -> Option<TcpStream> {
        loop {
            match self.listener.accept() {
                Ok((client, _)) => return Some(client),
                Err(_) if self.wait_listening() => {}
                Err(_) => return None,
            }
        }
    }

    /// Where a client that came just now is to be connected to, unless none may come.
    pub(super) fn target(&self) -> Option<SocketAddr> {
        let rules = self.lock();
        (!rules.refusing && !rules.stopping).then_some(rules.target)
    }

    /// Makes one connection of two, and the duties of its two threads. None when none may come any more.
    pub(super) fn join(self: &Arc<Self>, client: TcpStream, server: TcpStream) -> Option<[Duty; 2]> {
        let mut rules = self.lock();
        if rules.refusing || rules.stopping {
            return None;
        }
        if rules.links.len() >= CONNECTIONS_MAX {
            eprintln!("testkit: a proxy closed a connection: {CONNECTIONS_MAX} are open");
            return None;
        }
        let id = rules.next_id;
        let link = Arc::new(Link { id, client, server });
        rules.next_id += 1;
        rules.threads += 2;
        rules.links.insert(id, Arc::clone(&link));
        let duty = || Duty { switch: Arc::clone(self), link: Arc::clone(&link) };
        Some([duty(), duty()])
    }

    /// Waits while the listener is shut. False once the proxy stops.
    fn wait_listening(&self) -> bool {
        let shut = |rules: &mut Rules| rules.refusing && !rules.stopping;
        let rules = self.changed.wait_while(self.lock(), shut).unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(rules, RETRY, |rules| !rules.stopping);
        let (rules, _) = waited.unwrap_or_else(PoisonError::into_inner);
        !rules.stopping
    }

    fn shut(&self, rules: &mut Rules) -> io::Result<()> {
        if !rules.refusing {
            net::shutdown(&self.listener, net::Shutdown::Both)?;
            rules.refusing = true;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Rules> {
        // A thread that panicked left whole values behind: each change is one assignment.
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Duty {
    /// Counts a request of `bytes`, and says whether it is to be passed on.
    pub(super) fn request(&self, bytes: usize) -> bool {
        let mut rules = self.switch.lock();
        rules.requests_bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
        !rules.swallowing
    }

    /// Waits until a reply of `bytes` may be passed on. False when the connection is closed instead.
    pub(super) fn reply(&self, bytes: usize) -> bool {
        let mut rules = self.switch.lock();
        let id = self.link.id;
        if rules.links.contains_key(&id) && rules.cuts_due > 0 {
            rules.cuts_due -= 1;
            rules.cuts += 1;
            rules.close(id);
        }
        let waits = move |rules: &mut Rules| rules.holding && rules.links.contains_key(&id);
        if waits(&mut rules) {
            let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
            rules.held_bytes += bytes;
            rules = self.switch.changed.wait_while(rules, waits).unwrap_or_else(PoisonError::into_inner);
            rules.held_bytes -= bytes;
        }
        rules.links.contains_key(&id)
    }

    /// Closes both sides.
    pub(super) fn close(&self) {
        self.switch.change(|rules| rules.close(self.link.id));
    }
}

impl Drop for Duty {
    fn drop(&mut self) {
        self.switch.change(|rules| rules.threads -= 1);
    }
}

impl Rules {
    pub(super) fn close(&mut self, id: u64) {
        if let Some(link) = self.links.remove(&id) {
            shutdown(&link.client, Shutdown::Both);
            shutdown(&link.server, Shutdown::Both);
        }
    }

    fn close_all(&mut self) {
        while let Some(id) = self.links.keys().next().copied() {
            self.close(id);
        }
    }
}

pub(super) fn shutdown(stream: &TcpStream, how: Shutdown) {
    match stream.shutdown(how) {
        Ok(()) => {}
        // The peer reset the connection before.
        Err(e) if e.kind() == io::ErrorKind::NotConnected => {}
        Err(e) => eprintln!("testkit: a proxy could not close a connection: {e}"),
    }
}
