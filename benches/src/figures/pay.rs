//! `payments.*`: whole signed requests and verified notifies on one thread by its own processor time, and settling in
//! databases.

use std::rc::Rc;

use super::on_one_thread;
use crate::contest::{Contest, Load};
use crate::database::Database;
use crate::ours::pay::{Duplicates, PageSign, Verify, WechatSign};
use crate::pay::{NOW, Notifies, PageOrders, Paid, WechatOrders};
use crate::peers::bare_sign::{PureRust, Raw};
use crate::peers::paykits::Kit;
use crate::peers::select::Selects;
use crate::shift::{Shift, Task};
use crate::{Error, Line, Options, Sample};

/// Slow work gets fewer requests, so that a round takes half a second.
const SIGNATURES_MAX: u32 = 2_000;
const SLOW_SIGNATURES_MAX: u32 = 400;
const VERIFICATIONS_MAX: u32 = 20_000;
const SLOW_VERIFICATIONS_MAX: u32 = 4_000;
const SETTLEMENTS_MAX: u32 = 10_000;

/// Alipay's requests beside bare signatures of aws-lc-rs.
pub(super) fn sign_raw(name: &'static str, options: &Options) -> Result<Line, Error> {
    let orders = PageOrders::draw()?;
    let peer = Raw::new(&orders)?;
    sign(name, orders, (peer, SIGNATURES_MAX), options)
}

/// The same beside bare signatures of the crate rsa.
pub(super) fn sign_rsa(name: &'static str, options: &Options) -> Result<Line, Error> {
    let orders = PageOrders::draw()?;
    let peer = PureRust::new(&orders)?;
    sign(name, orders, (peer, SLOW_SIGNATURES_MAX), options)
}

/// The same beside npm's alipay-sdk.
pub(super) fn sign_alipay_sdk(name: &'static str, options: &Options) -> Result<Line, Error> {
    let orders = PageOrders::draw()?;
    let peer = Kit::alipay_sdk(&orders)?;
    sign(name, orders, (peer, SLOW_SIGNATURES_MAX), options)
}

fn sign(
    name: &'static str,
    orders: PageOrders,
    (peer, peer_max): (impl Task + 'static, u32),
    options: &Options,
) -> Result<Line, Error> {
    let bytes = orders.bytes();
    let line = alone(name, "requests/s", (PageSign(orders), SIGNATURES_MAX), (peer, peer_max), options)?;
    Ok(line.with("text_bytes", bytes))
}

/// WeChat Pay's requests beside PyPI's wechatpayv3.
pub(super) fn sign_wechatpayv3(name: &'static str, options: &Options) -> Result<Line, Error> {
    let orders = WechatOrders::draw()?;
    let peer = Kit::wechat_sign(&orders, NOW)?;
    alone(name, "requests/s", (WechatSign(orders), SIGNATURES_MAX), (peer, SIGNATURES_MAX), options)
}

/// WeChat Pay's notifies beside PyPI's wechatpayv3.
pub(super) fn notify_verify(name: &'static str, options: &Options) -> Result<Line, Error> {
    let notifies = Notifies::draw()?;
    let (peer, bytes) = (Kit::wechat_verify(&notifies)?, notifies.bytes());
    let (ours, peer) = ((Verify(notifies), VERIFICATIONS_MAX), (peer, SLOW_VERIFICATIONS_MAX));
    Ok(alone(name, "notifies/s", ours, peer, options)?.with("notify_bytes", bytes))
}

/// Repeated notifies in SQLite beside a bare SELECT.
pub(super) fn settle_sqlite(name: &'static str, options: &Options) -> Result<Line, Error> {
    on_one_thread(async { settle(name, Database::sqlite().await?, 2, options).await })
}

/// Repeated notifies in PostgreSQL beside a bare SELECT.
pub(super) fn settle_postgres(name: &'static str, options: &Options) -> Result<Line, Error> {
    on_one_thread(async { settle(name, Database::postgres().await?, 8, options).await })
}

async fn settle(
    name: &'static str,
    database: Database,
    callers: u32,
    options: &Options,
) -> Result<Line, Error> {
    let (database, paid) = (Rc::new(database), Paid::draw_all()?);
    let load = Load { requests: options.requests.min(SETTLEMENTS_MAX), callers: options.callers_or(callers) };
    let ours = Shift::of(Duplicates::new(Rc::clone(&database), Rc::clone(&paid)), load);
    let peers = vec![Shift::of(Selects::new(database, paid), load)];
    let metric = |sample: &Sample| Some(sample.timing.rate);
    Contest { name, unit: "duplicates/s", metric, ours, peers }.run(options).await
}

fn alone(
    name: &'static str,
    unit: &'static str,
    (ours, ours_max): (impl Task + 'static, u32),
    (peer, peer_max): (impl Task + 'static, u32),
    options: &Options,
) -> Result<Line, Error> {
    let ours = Shift::alone(ours, options.requests.min(ours_max));
    let peers = vec![Shift::alone(peer, options.requests.min(peer_max))];
    let metric = |sample: &Sample| Some(sample.timing.rate);
    let line = on_one_thread(Contest { name, unit, metric, ours, peers }.run(options))?;
    Ok(line.with("clock", "processor time of the thread"))
}
