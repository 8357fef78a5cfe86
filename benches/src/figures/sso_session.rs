//! `sso.session_check.*` and `sso.login.policy`: sessions in Redis, beside what applications do there.

use std::rc::Rc;

use super::on_one_thread;
use crate::contest::{Contest, Load};
use crate::ours::session::{Checks, Guard, Logins};
use crate::peers::get::Gets;
use crate::peers::{listed, multiplexed, tower_sessions};
use crate::shift::Shift;
use crate::stage::Stage;
use crate::{Error, Line, Options, Sample};

/// A lone caller is slow; more requests would only take longer.
const CHECKS_MAX: u32 = 20_000;
const LOGINS_MAX: u32 = 40_000;

/// One check beside a bare GET over the very same connection.
///
/// Sessions are in use: after the first check of each, which is a script, the others read its fields and the server's
/// time in one round trip, until the use is due to be written down a minute later. Both sides ask for each value as
/// often and by the same client.
pub(super) fn check_get(name: &'static str, options: &Options) -> Result<Line, Error> {
    on_one_thread(async {
        let stage = Rc::new(Stage::one().await?);
        let connection = multiplexed::connect(stage.url()).await?;
        let load = lone(options);
        let ours = Shift::on(&stage, Checks::over(connection.clone()), load);
        let peer = Shift::on(&stage, Gets::over(connection)?, load);
        Contest { name, unit: "us", metric: half, ours, peers: vec![peer] }.run(options).await
    })
}

/// One guarded request beside the same one behind tower-sessions.
///
/// The peer does less: its session has one limit, enforced by the time to live of its key, is not prolonged by reads,
/// and has no reason of its end. Each side has a connection of its own, through the client that its users have.
pub(super) fn check_tower_sessions(name: &'static str, options: &Options) -> Result<Line, Error> {
    on_one_thread(async {
        let stage = Rc::new(Stage::one().await?);
        let load = lone(options);
        let ours = Shift::on(&stage, Guard::connect(stage.url()).await?, load);
        let peer = Shift::on(&stage, tower_sessions::Guard::connect(stage.url()).await?, load);
        Contest { name, unit: "us", metric: half, ours, peers: vec![peer] }.run(options).await
    })
}

/// Logins of users who have as many sessions as they may have, beside the plain commands.
pub(super) fn login_policy(name: &'static str, options: &Options) -> Result<Line, Error> {
    on_one_thread(async {
        let stage = Rc::new(Stage::one().await?);
        let connection = multiplexed::connect(stage.url()).await?;
        let load = Load { requests: options.requests.min(LOGINS_MAX), callers: options.callers_or(64) };
        let ours = Shift::on(&stage, Logins::over(connection.clone())?, load);
        let peer = Shift::on(&stage, listed::Logins::over(connection)?, load);
        let metric = |sample: &Sample| Some(sample.timing.rate);
        Contest { name, unit: "logins/s", metric, ours, peers: vec![peer] }.run(options).await
    })
}

fn lone(options: &Options) -> Load {
    Load { requests: options.requests.min(CHECKS_MAX), callers: 1 }
}

/// Microseconds of half of the calls.
fn half(sample: &Sample) -> Option<f64> {
    sample.timing.p50
}
