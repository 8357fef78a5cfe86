//! `rbac.*`: checks, questions the other way round, a reload and the memory of policies, beside Cedar and casbin.
//!
//! Times are processor time: of one thread, or of the whole process where a database works on threads of its own.

use super::on_one_thread;
use crate::contest::{Contest, Load};
use crate::line::Line;
use crate::ours::policy::{Ask, Asked, Reload};
use crate::peers::policy::Peer;
use crate::policies::{Memory, Size};
use crate::shift::{Shift, Task};
use crate::timing::median;
use crate::{Error, Options, Rounds, Sample};

/// A unit of time, and how a sample is read in it.
type Unit = (&'static str, fn(&Sample) -> Option<f64>);

const NANOS: Unit = ("ns", |sample| Some(1e9 / sample.timing.rate));
const MICROS: Unit = ("us", |sample| Some(1e6 / sample.timing.rate));
const MILLIS: Unit = ("ms", |sample| Some(1e3 / sample.timing.rate));
/// Our checks take nanoseconds: so many more of them than of other requests.
const CHECKS: u32 = 32;
/// How many different users the scattered checks are about.
const SCATTERED: u32 = 65_536;
/// The most checks of the peers in a round. casbin looks at every row, so there are fewer the more rows there are.
const CEDAR_MAX: u32 = 64_000;
const CASBIN_MILLION: u32 = 6_400_000;
const CASBIN_MIN: u32 = 64;

/// Typed checks beside Cedar's.
pub(super) fn check_cedar(name: &'static str, size: Size, options: &Options) -> Result<Line, Error> {
    let requests = options.requests.min(CEDAR_MAX);
    checks(name, Ask::Typed, size, (Peer::cedar(size)?, requests), options)
}

/// The same beside casbin's.
pub(super) fn check_casbin(name: &'static str, size: Size, options: &Options) -> Result<Line, Error> {
    let requests = options.requests.min((CASBIN_MILLION / size.users).max(CASBIN_MIN));
    checks(name, Ask::Typed, size, (Peer::casbin(size)?, requests), options)
}

/// Checks of texts beside Cedar's.
pub(super) fn check_str(name: &'static str, options: &Options) -> Result<Line, Error> {
    let size = Size::HUNDRED_THOUSAND;
    let requests = options.requests.min(CEDAR_MAX);
    checks(name, Ask::Text, size, (Peer::cedar_text(size)?, requests), options)
}

fn checks(
    name: &'static str,
    ask: Ask,
    size: Size,
    (peer, peer_requests): (Peer, u32),
    options: &Options,
) -> Result<Line, Error> {
    let policy = size.policy()?;
    let ours = Asked::new(&policy, ask, size.questions())?;
    let requests = whole(options.requests.saturating_mul(CHECKS), 64);
    let line = alone(name, NANOS, (ours, requests), (peer, peer_requests), options)?;
    let scattered = nanos(&Asked::new(&policy, ask, size.scattered(SCATTERED))?, SCATTERED, options.rounds)?;
    let at_hand = nanos(&Asked::new(&policy, Ask::AtHand, size.questions())?, requests, options.rounds)?;
    let line = of_size(line, size).with("scattered_ns_ours", scattered.round());
    Ok(line.with("at_hand_ns_ours", (at_hand * 10.0).round() / 10.0))
}

/// Nanoseconds of one of so many checks, in the middle of some rounds.
fn nanos(asked: &Asked, requests: u32, rounds: u32) -> Result<f64, Error> {
    let load = Load { requests, callers: 1 };
    let timings: Vec<_> = (0..rounds).map(|_| asked.work(load)).collect::<Result<_, _>>()?;
    Ok(median(timings.iter().map(|timing| 1e9 / timing.rate)))
}

/// All users with a permission, beside casbin's answer at a tenth of the size, which is all that it finishes.
pub(super) fn who_can(name: &'static str, options: &Options) -> Result<Line, Error> {
    let (size, small) = (Size::HUNDRED_THOUSAND, Size::TEN_THOUSAND);
    let ours = Asked::new(&size.policy()?, Ask::Who, size.allowed())?;
    let requests = whole(options.requests / 50, 32);
    let line = alone(name, MICROS, (ours, requests), (Peer::casbin_who(small)?, 1), options)?;
    Ok(of_size(line, size).with("users_peer", small.users).with("roles_peer", small.roles))
}

/// All permissions of a user, beside casbin's answer.
pub(super) fn what_can(name: &'static str, options: &Options) -> Result<Line, Error> {
    let size = Size::HUNDRED_THOUSAND;
    let ours = Asked::new(&size.policy()?, Ask::What, size.allowed())?;
    let requests = whole(options.requests, 32);
    let peer = (Peer::casbin_what(size)?, 32);
    Ok(of_size(alone(name, MICROS, (ours, requests), peer, options)?, size))
}

/// A whole policy out of SQLite and into force, beside casbin's load of a text.
pub(super) fn reload(name: &'static str, options: &Options) -> Result<Line, Error> {
    let size = Size::HUNDRED_THOUSAND;
    on_one_thread(async {
        let ours = Reload::of(size).await?;
        let mut bare = Vec::new();
        for _ in 0..options.rounds {
            bare.push(ours.bare_select().await? * 1e3);
        }
        let requests = (options.requests / 40_000).max(1);
        let (ours, peers) =
            (Shift::alone(ours, requests), vec![Shift::alone(Peer::casbin_load(size)?, requests)]);
        let (unit, metric) = MILLIS;
        let contest = Contest { name, unit, metric, ours, peers };
        let line = contest.run_as(options, Line::of_times).await?;
        let line =
            line.with("clock", "processor time of the process").with("bare_select_ms", median(bare).round());
        Ok(of_size(line, size))
    })
}

/// Bytes of a policy of a million users, beside casbin with a tenth of them, times ten.
pub(super) fn memory(name: &'static str, options: &Options) -> Result<Line, Error> {
    let million = 1_000_000;
    let users = options.requests.saturating_mul(5).clamp(100_000, million);
    let (size, small) = (Size { users, roles: 10_000 }, Size::HUNDRED_THOUSAND);
    let per_million = |bytes: f64, size: Size| bytes * f64::from(million) / f64::from(size.users);
    let (mut pairs, mut alive, mut peaks, mut version) = (Vec::new(), Vec::new(), Vec::new(), String::new());
    for round in 0..options.rounds {
        let ours = Memory::measure(size)?;
        let (peer, peer_version) = Peer::casbin_memory(small)?;
        version = peer_version;
        alive.push(per_million(ours.live, size));
        let (ours, peak, peer) =
            (per_million(ours.resident, size), per_million(ours.peak, size), per_million(peer, small));
        eprintln!("{name}: round {round} of {}: ours {ours:.0}, peer {peer:.0} bytes", options.rounds);
        pairs.push((ours, peer));
        peaks.push(peak);
    }
    let line = Line::new(name, "bytes", &Rounds::from_pairs(&pairs))
        .with("ours_name", "memory of a process with a policy, loaded from rows that are gone")
        .with("peer_name", format!("{version}, memory of a process with an enforcer"))
        .with_loads(Load { requests: 1, callers: 1 }, Load { requests: 1, callers: 1 })
        .with("live_ours", median(alive).round())
        .with("peak_ours", median(peaks).round());
    Ok(of_size(line, size).with("users_peer", small.users).with("roles_peer", small.roles))
}

fn of_size(line: Line, size: Size) -> Line {
    line.with("users", size.users).with("roles", size.roles)
}

/// The nearest lower number of whole passes, at least one.
fn whole(requests: u32, pass: u32) -> u32 {
    (requests / pass).max(1) * pass
}

fn alone(
    name: &'static str,
    (unit, metric): Unit,
    (ours, ours_requests): (impl Task + 'static, u32),
    (peer, peer_requests): (impl Task + 'static, u32),
    options: &Options,
) -> Result<Line, Error> {
    let (ours, peers) = (Shift::alone(ours, ours_requests), vec![Shift::alone(peer, peer_requests)]);
    let line = on_one_thread(Contest { name, unit, metric, ours, peers }.run_as(options, Line::of_times))?;
    Ok(line.with("clock", "processor time of the thread"))
}
