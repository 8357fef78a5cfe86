//! `webssh.*`: terminals over SSH, beside the OpenSSH client and paramiko. All of ours runs on one thread.

use std::rc::Rc;

use super::on_one_thread;
use crate::contest::{Contest, Load};
use crate::peers::paramiko::Paramiko;
use crate::shift::{Shift, Task};
use crate::webssh::{
    Again, Aside, Cipher, Clients, Clock, Crowd, Direction, Echo, FilesPlace, FloodPlace, Hold, Holder,
    Interrupt, Kind, Library, Measure, OurFiles, Pace, Place, Read, Resume, Served, Sessions, SftpClient,
    Way,
};
use crate::{Error, Line, Options, Sample};

/// A round of reading takes about half a second, out of a pipe and out of a terminal.
const READ_PIPE_MIB_MAX: u32 = 128;
const READ_TERMINAL_MIB_MAX: u32 = 32;
const KEYS_MAX: u32 = 1_500;
const INTERRUPTS_MAX: u32 = 5;
const RESUMES_MAX: u32 = 20;
/// The tail that is replayed.
const TAIL_BYTES: usize = 256 * 1024;
/// Sessions of the memory figure.
const SESSIONS: u32 = 40;
const IDLE_SESSIONS: u32 = 100;
/// The probes of silent servers are in it.
const IDLE_SECS_MAX: u32 = 30;
/// Sessions on one machine, and the OpenSSH clients beside them, which are processes.
const HELD_SESSIONS: u32 = 1_000;
const HELD_CLIENTS: u32 = 100;
/// WebSockets of one process, and those without anything behind them.
const HELD_SOCKETS: u32 = 10_000;
const HELD_BARE: u32 = 5_000;
/// Fewer take less than can be measured.
const HELD_SOCKETS_MIN: u32 = 64;

/// The bare backend, on the cipher that it takes first.
pub(super) fn read_raw(
    name: &'static str,
    library: Library,
    way: Way,
    options: &Options,
) -> Result<Line, Error> {
    let cipher = match library {
        Library::Libssh2 => Cipher::ChaCha20,
        Library::Russh => Cipher::Aes128Gcm,
    };
    read(name, Kind::Raw(library), (cipher, way), options)
}

/// The whole pump with a recording.
pub(super) fn read_pump(
    name: &'static str,
    library: Library,
    way: Way,
    options: &Options,
) -> Result<Line, Error> {
    read(name, Kind::Recorded(library), (Cipher::ChaCha20, way), options)
}

fn read(
    name: &'static str,
    kind: Kind,
    (cipher, way): (Cipher, Way),
    options: &Options,
) -> Result<Line, Error> {
    let flood = Rc::new(FloodPlace::start(mib(way, options), cipher, way)?);
    let [pace, pace_peer] = paces(Clock::Wall);
    let peer = Read::new(&flood, Kind::Client, &pace_peer);
    read_beside(name, &flood, (kind, &pace), (peer, &pace_peer), options)
}

/// The whole pump with a recording, beside a pump of paramiko that does the same work.
pub(super) fn read_paramiko(
    name: &'static str,
    library: Library,
    (cipher, way): (Cipher, Way),
    options: &Options,
) -> Result<Line, Error> {
    let flood = Rc::new(FloodPlace::start(mib(way, options), cipher, way)?);
    let [pace, pace_peer] = paces(match way {
        Way::Pipe => Clock::Wall,
        Way::Terminal => Clock::Processor,
    });
    let peer = Paramiko::new(&flood, &pace_peer)?;
    read_beside(name, &flood, (Kind::Recorded(library), &pace), (peer, &pace_peer), options)
}

fn paces(clock: Clock) -> [Pace; 2] {
    [(); 2].map(|()| Pace { clock, beside: Aside::default() })
}

fn read_beside(
    name: &'static str,
    flood: &Rc<FloodPlace>,
    (kind, pace): (Kind, &Pace),
    (peer, pace_peer): (impl Task + 'static, &Pace),
    options: &Options,
) -> Result<Line, Error> {
    let load = Load { requests: 1, callers: 1 };
    let (unit, other) = match pace.clock {
        Clock::Wall => ("MiB/s", "mib_per_processor_second"),
        Clock::Processor => ("MiB/s of processor time", "mib_per_second"),
    };
    let ours = Read::new(flood, kind, pace);
    let line = contest(name, unit, rate, (ours, load), (peer, load), options)?;
    let line = line.with(&format!("{other}_ours"), pace.beside.median());
    let line = line.with(&format!("{other}_peer"), pace_peer.beside.median());
    Ok(line
        .with("bytes", flood.text.len())
        .with("terminal", if flood.place.way() == Way::Terminal { "raw" } else { "none" })
        .with("cipher", flood.place.cipher().name()))
}

/// Bytes to read: less when a run is small.
fn mib(way: Way, options: &Options) -> usize {
    let mib_max = match way {
        Way::Pipe => READ_PIPE_MIB_MAX,
        Way::Terminal => READ_TERMINAL_MIB_MAX,
    };
    usize::try_from((options.requests / 1_000).clamp(1, mib_max)).unwrap_or(1) << 20
}

/// A file over SFTP, beside the client of OpenSSH on the same cipher.
pub(super) fn files(
    name: &'static str,
    library: Library,
    direction: Direction,
    options: &Options,
) -> Result<Line, Error> {
    let at = Rc::new(FilesPlace::start(mib(Way::Pipe, options))?);
    let load = Load { requests: 1, callers: 1 };
    let (ours, peer) = (OurFiles::new(&at, library, direction), SftpClient::new(&at, direction));
    let line = contest(name, "MiB/s", rate, (ours, load), (peer, load), options)?;
    Ok(line.with("bytes", at.text.len()).with("cipher", Cipher::ChaCha20.name()))
}

/// Half of the echoes through the pump.
pub(super) fn echo_p50(name: &'static str, library: Library, options: &Options) -> Result<Line, Error> {
    echo(name, library, |sample| sample.timing.p50, options)
}

/// 99 of 100 echoes through the pump.
pub(super) fn echo_p99(name: &'static str, library: Library, options: &Options) -> Result<Line, Error> {
    echo(name, library, |sample| sample.timing.p99, options)
}

fn echo(
    name: &'static str,
    library: Library,
    metric: fn(&Sample) -> Option<f64>,
    options: &Options,
) -> Result<Line, Error> {
    let place = Rc::new(Place::start(crate::webssh::ECHO)?);
    let load = Load { requests: options.requests.min(KEYS_MAX), callers: 1 };
    let (p50, p99) = (Aside::default(), Aside::default());
    let ours = Echo::new(&place, Kind::Pumped(library)).beside(Kind::Raw(library), &p50, &p99);
    let line = contest(name, "us", metric, (ours, load), (Echo::new(&place, Kind::Client), load), options)?;
    Ok(line.with("p50_us_raw", p50.median()).with("p99_us_raw", p99.median()))
}

/// Kilobytes of an idle session.
pub(super) fn idle_memory(name: &'static str, library: Library, options: &Options) -> Result<Line, Error> {
    idle(name, Measure::Memory, library, (SESSIONS, SESSIONS / 4), options)
}

/// Processor time of idle sessions.
pub(super) fn idle_cpu(name: &'static str, library: Library, options: &Options) -> Result<Line, Error> {
    idle(name, Measure::Cpu, library, (IDLE_SESSIONS, IDLE_SESSIONS), options)
}

/// Many sessions on one machine.
pub(super) fn hold_sessions(name: &'static str, library: Library, options: &Options) -> Result<Line, Error> {
    idle(name, Measure::Memory, library, (HELD_SESSIONS, HELD_CLIENTS), options)
}

fn idle(
    name: &'static str,
    measure: Measure,
    library: Library,
    (sessions, clients): (u32, u32),
    options: &Options,
) -> Result<Line, Error> {
    let place = Rc::new(Place::start(crate::webssh::ECHO)?);
    let heartbeat = heartbeat_secs(options);
    let (ours, peer) = (Sessions::start(&place, library, heartbeat)?, Clients::new(&place, heartbeat));
    let (sessions, clients) = (options.callers_or(sessions), options.callers_or(clients));
    held(name, measure, (ours, sessions), (peer, clients), options)
}

/// Many WebSockets of one process.
pub(super) fn hold_sockets(name: &'static str, options: &Options) -> Result<Line, Error> {
    let (ours, bare) = (options.callers_or(HELD_SOCKETS), options.callers_or(HELD_BARE));
    let (ours, bare) = (ours.max(HELD_SOCKETS_MIN), bare.max(HELD_SOCKETS_MIN));
    let heartbeat = heartbeat_secs(options);
    // Both have all their connections here at the same time.
    let all = ours.saturating_add(bare);
    let peer = (Crowd::start(Served::Bare, all, heartbeat)?, bare);
    held(name, Measure::Memory, (Crowd::start(Served::Hub, all, heartbeat)?, ours), peer, options)
}

/// How long terminals are left alone in a round: less when a run is small.
fn idle_secs(options: &Options) -> u32 {
    (options.requests / 6_000).clamp(2, IDLE_SECS_MAX)
}

/// Two heartbeats are in it: 15 seconds, as is the default, unless a run is small.
fn heartbeat_secs(options: &Options) -> u32 {
    idle_secs(options) / 2
}

fn held(
    name: &'static str,
    measure: Measure,
    (ours, ours_count): (impl Holder + 'static, u32),
    (peer, peer_count): (impl Holder + 'static, u32),
    options: &Options,
) -> Result<Line, Error> {
    let secs = idle_secs(options);
    let (beside, beside_peer) = (Aside::default(), Aside::default());
    let ours = Hold::new(ours, measure, secs, &beside);
    let peer = Hold::new(peer, measure, secs, &beside_peer);
    let load = |callers| Load { requests: 1, callers };
    let (unit, other) = match measure {
        Measure::Memory => ("KB/session", "percent_of_a_core"),
        Measure::Cpu => ("% of a core", "kb_per_session"),
    };
    let line = contest(name, unit, rate, (ours, load(ours_count)), (peer, load(peer_count)), options)?;
    let line = line.with(&format!("{other}_ours"), beside.median());
    Ok(line
        .with(&format!("{other}_peer"), beside_peer.median())
        .with("secs", secs)
        .with("heartbeat_secs", heartbeat_secs(options)))
}

/// Ctrl-C under a flood that nobody reads.
pub(super) fn ctrl_c(name: &'static str, library: Library, options: &Options) -> Result<Line, Error> {
    let (ours, peer) =
        (Rc::new(Place::start(crate::webssh::INTERRUPT)?), Rc::new(Place::start(crate::webssh::INTERRUPT)?));
    let load = Load { requests: options.requests.min(INTERRUPTS_MAX), callers: 1 };
    let (shown, shown_peer) = (Aside::default(), Aside::default());
    let ours = (Interrupt::new(&ours, Kind::Pumped(library), &shown), load);
    let peer = (Interrupt::new(&peer, Kind::Client, &shown_peer), load);
    let line = contest(name, "ms", millis, ours, peer, options)?;
    Ok(line.with("shown_after_kib_ours", shown.median()).with("shown_after_kib_peer", shown_peer.median()))
}

/// The tail of the output on a new connection.
pub(super) fn resume(name: &'static str, options: &Options) -> Result<Line, Error> {
    let flood = Rc::new(FloodPlace::start(TAIL_BYTES, Cipher::ChaCha20, Way::Terminal)?);
    let load = Load { requests: options.requests.min(RESUMES_MAX), callers: 1 };
    let line = contest(name, "ms", millis, (Resume::new(&flood), load), (Again::new(&flood), load), options)?;
    Ok(line.with("bytes", TAIL_BYTES))
}

fn rate(sample: &Sample) -> Option<f64> {
    Some(sample.timing.rate)
}

fn millis(sample: &Sample) -> Option<f64> {
    sample.timing.p50.map(|us| us / 1000.0)
}

fn contest(
    name: &'static str,
    unit: &'static str,
    metric: fn(&Sample) -> Option<f64>,
    (ours, ours_load): (impl Task + 'static, Load),
    (peer, peer_load): (impl Task + 'static, Load),
    options: &Options,
) -> Result<Line, Error> {
    let (ours, peers) = (Shift::of(ours, ours_load), vec![Shift::of(peer, peer_load)]);
    on_one_thread(Contest { name, unit, metric, ours, peers }.run(options))
}
