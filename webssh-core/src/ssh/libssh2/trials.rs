//! Tests against a real sshd that need a view from inside: memory, and buffers too small for anything.

use std::fs;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest as _, Sha256};
use socket2::SockRef;
use testkit::Sshd;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::{Duration, Instant, timeout};

use super::calls::{Calls, Step};
use super::connect::{Way, link, terminal};
use super::link::Link;
use super::owner::Owner;
use super::socket::Socket;
use crate::ssh::patience::Patience;
use crate::ssh::{ConnectOptions, Dial, Output, Shell, ShellInput, ShellOutput};
use crate::{
    Admission, Credentials, Destination, HostKeys, KnownHosts, Login, NoDialogue, Resolved, Secret,
    TargetPolicy,
};

const DEADLINE: Duration = Duration::from_secs(60);

fn destination(sshd: &Sshd) -> Destination {
    let addr = sshd.addr();
    let policy = TargetPolicy::new([addr.to_string().as_str()]).unwrap();
    let Admission::Allowed(target) = policy.admit("127.0.0.1", addr.port(), sshd.user()).unwrap() else {
        panic!("listed");
    };
    match policy.destination(&target, &[addr]) {
        Resolved::At(destination) => destination,
        Resolved::Refused(refusal) => panic!("{refusal}"),
    }
}

/// A session that is logged in, over a connection that `change` has been at.
async fn logged_in(sshd: &Sshd, change: impl FnOnce(&TcpStream)) -> Link {
    logged_in_at(sshd, sshd.addr(), change).await
}

/// The same, through something else that listens at `addr`.
async fn logged_in_at(sshd: &Sshd, addr: SocketAddr, change: impl FnOnce(&TcpStream)) -> Link {
    let (destination, options) = (destination(sshd), ConnectOptions::default());
    let hosts = HostKeys::strict(KnownHosts::parse(&sshd.host_key_line()).unwrap());
    let key = Secret::new(fs::read_to_string(sshd.client_key()).unwrap());
    let login = Login::new([Credentials::key(key, None).unwrap()]);
    let dialogue = &NoDialogue;
    let dial = Dial {
        destination: &destination,
        login: &login,
        hosts: &hosts,
        dialogue,
        options: &options,
        jump: None,
    };
    let stream = TcpStream::connect(addr).await.unwrap();
    change(&stream);
    let way = Way::Through(Socket::Tcp(stream));
    let connected = link(&dial, way, false, &Patience::new(dialogue, &options)).await.unwrap();
    connected.open().unwrap_or_else(|refused| panic!("{refused}"))
}

/// Memory of this process that is in use, in bytes.
fn resident() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

#[tokio::test]
async fn probes_leave_nothing_behind() {
    if testkit::skipped("sshd") {
        return;
    }
    let sshd = Sshd::start().unwrap();
    let mut link = logged_in(&sshd, |_| ()).await;
    let mut calls = Calls::new(terminal(&mut link, &ConnectOptions::default()).await.unwrap());
    let mut before = 0;
    for number in 0..11_000 {
        if number == 1_000 {
            before = resident();
        }
        let mut step = calls.begin_probe(&link).unwrap();
        while step == Step::WouldBlock {
            timeout(DEADLINE, link.wait("testing")).await.expect("an answer").unwrap();
            step = calls.probe(&link).unwrap();
        }
        assert_eq!(step, Step::Progress, "the server answers");
    }
    let grown = resident().saturating_sub(before);
    assert!(grown < 512 * 1024, "{grown} bytes for 10,000 probes");
}

/// Reads on until enough is shown.
async fn read_until(output: &mut ShellOutput, shown: &mut Vec<u8>, enough: impl Fn(&[u8]) -> bool) {
    while !enough(shown) {
        match timeout(DEADLINE, output.recv()).await.expect("output within the deadline") {
            Output::Bytes(bytes) => shown.extend_from_slice(&bytes),
            Output::Ended(end) => panic!("{end:?} after {} bytes", shown.len()),
        }
    }
}

/// Both directions at once through buffers of a few KiB, while the server changes keys all the time: every
/// call is interrupted in every place, and each byte arrives.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_through_tiny_buffers_and_new_keys() {
    if testkit::skipped("sshd") {
        return;
    }
    let sshd = Sshd::options().line("RekeyLimit 64K").line("SetEnv HOME=/nonexistent").start().unwrap();
    let tiny = |stream: &TcpStream| {
        SockRef::from(stream).set_send_buffer_size(4096).unwrap();
        SockRef::from(stream).set_recv_buffer_size(16 * 1024).unwrap();
    };
    let mut link = logged_in(&sshd, tiny).await;
    let options = ConnectOptions { probe_secs: 1, ..ConnectOptions::default() };
    let channel = terminal(&mut link, &options).await.unwrap();
    let (shell, port) = Shell::pair();
    tokio::spawn(Owner::new(link, channel, port, &options).run());

    // One MiB of noise: the digests of the numbers from 0 on.
    let noise: Vec<u8> = (0..32_768_u32).flat_map(|n| Sha256::digest(n.to_be_bytes())).collect();
    let (input, mut output) = shell.split();
    input.send("exec sh -c 'stty raw -echo; echo rea\"\"dy; exec cat'\r".into()).await.unwrap();
    let mut shown = Vec::new();
    read_until(&mut output, &mut shown, |shown| shown.ends_with(b"ready\n")).await;
    shown.clear();
    let typed = noise.clone();
    let typing = tokio::spawn(async move {
        for chunk in typed.chunks(10_000) {
            input.send(chunk.to_vec().into()).await.unwrap();
        }
        input
    });
    read_until(&mut output, &mut shown, |shown| shown.len() >= noise.len()).await;
    drop(typing.await.unwrap());
    assert!(shown == noise, "the echo is not what was typed");
}

/// A shell, and how many turns the loop of its owner has made.
struct Watched {
    input: Arc<ShellInput>,
    output: ShellOutput,
    turns: Arc<AtomicU64>,
}

impl Watched {
    async fn start(mut link: Link) -> Self {
        let options = ConnectOptions::default();
        let channel = terminal(&mut link, &options).await.unwrap();
        let (shell, port) = Shell::pair();
        let mut owner = Owner::new(link, channel, port, &options);
        let turns = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&turns);
        tokio::spawn(async move {
            while owner.turn().await.is_ok() {
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        let (input, output) = shell.split();
        Self { input: Arc::new(input), output, turns }
    }

    async fn run(&self, command: &str) {
        self.input.send(format!("exec sh -c '{command}'\r").into()).await.unwrap();
    }

    fn turns(&self) -> u64 {
        self.turns.load(Ordering::Relaxed)
    }
}

/// Types letters and waits for each of them: a clock that needs no time.
async fn tick(echo: &mut Watched) {
    for _ in 0..100 {
        echo.input.send("x".into()).await.unwrap();
        let shown = timeout(DEADLINE, echo.output.recv()).await.expect("an echo");
        assert!(matches!(shown, Output::Bytes(_)), "{shown:?}");
    }
}

/// A way to `sshd` on which nothing moves any more after a word.
async fn way_that_stops(sshd: &Sshd) -> (SocketAddr, oneshot::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (addr, to) = (listener.local_addr().unwrap(), sshd.addr());
    let (stop, stopped) = oneshot::channel();
    tokio::spawn(async move {
        let (mut near, _) = listener.accept().await.unwrap();
        let mut far = TcpStream::connect(to).await.unwrap();
        tokio::select! {
            copied = copy_bidirectional(&mut near, &mut far) => drop(copied.unwrap()),
            stopped = stopped => stopped.unwrap(),
        }
        // Both stay open.
        pending::<()>().await;
    });
    (addr, stop)
}

/// An owner that has nothing to do, or cannot do it, makes no turns while another one makes hundreds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_spins() {
    if testkit::skipped("sshd") {
        return;
    }
    let sshd = Sshd::options().line("SetEnv HOME=/nonexistent").start().unwrap();
    let mut echo = Watched::start(logged_in(&sshd, |_| ()).await).await;
    echo.run("stty raw -echo; echo rea\"\"dy; exec cat").await;
    read_until(&mut echo.output, &mut Vec::new(), |shown| shown.ends_with(b"ready\n")).await;
    let idle = Watched::start(logged_in(&sshd, |_| ()).await).await;
    // Output that nobody takes, and more of it on the way.
    let flooded = Watched::start(logged_in(&sshd, |_| ()).await).await;
    flooded.run("exec yes").await;
    // Input that the program does not take: the window is closed.
    let closed = Watched::start(logged_in(&sshd, |_| ()).await).await;
    closed.run("stty raw -echo; exec sleep 1000").await;
    type_without_end(&closed);
    // Input that the network does not take: a packet is sent in part.
    let (addr, stop) = way_that_stops(&sshd).await;
    let tiny = |stream: &TcpStream| SockRef::from(stream).set_send_buffer_size(4096).unwrap();
    let stuck = Watched::start(logged_in_at(&sshd, addr, tiny).await).await;
    stop.send(()).unwrap();
    type_without_end(&stuck);

    let types = |watched: &Watched| watched.input.bytes.capacity() > 0;
    let shows = |watched: &Watched| watched.output.bytes.capacity() > 0;
    comes_to_rest("idle", &mut echo, &idle, |_| false).await;
    comes_to_rest("flooded", &mut echo, &flooded, shows).await;
    comes_to_rest("closed", &mut echo, &closed, types).await;
    comes_to_rest("stuck", &mut echo, &stuck, types).await;
    assert!(echo.turns() > 400, "one that has something to do does it");
}

/// Waits until a session that has to do nothing `more` makes no turn while another makes a thousand.
async fn comes_to_rest(name: &str, echo: &mut Watched, watched: &Watched, more: impl Fn(&Watched) -> bool) {
    let started = Instant::now();
    let (mut turns, mut quiet_ticks) = (watched.turns(), 0);
    while quiet_ticks < 10 {
        assert!(started.elapsed() < DEADLINE, "{name}: {turns} turns of the loop, and no rest");
        tick(echo).await;
        let now = watched.turns();
        quiet_ticks = if more(watched) || now != turns { 0 } else { quiet_ticks + 1 };
        turns = now;
    }
}

fn type_without_end(watched: &Watched) {
    let input = Arc::clone(&watched.input);
    tokio::spawn(async move { while input.send(vec![b'x'; 32 * 1024].into()).await.is_ok() {} });
}
