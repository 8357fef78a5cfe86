//! The scripts, and the keys and arguments they take. What they decide is written in them, not here.

use std::sync::LazyLock;

use redis::{Cmd, Script};

use super::pass::Pass;
use super::recovery::KeptOrder;
use super::shard::Shard;
use super::transfer::Transfer;
use crate::config::SaleConfig;
use crate::ids::{BuyerId, ReservationId};
use crate::phase::{Stage, Step};
use crate::restock::{Direction, Restock};
use crate::text::{escape, in_list};
use crate::time::At;

/// A script by its file, with what the slow scripts share in front of it.
macro_rules! script {
    ($name:ident, $file:literal) => {
        static $name: LazyLock<Source> = LazyLock::new(|| {
            Source::new(concat!(
                include_str!("redis/head.lua"),
                include_str!("redis/tools.lua"),
                include_str!($file)
            ))
        });
    };
}

static RESERVE: LazyLock<Source> = LazyLock::new(|| Source::new(RESERVE_SOURCE));
script!(CREATE, "redis/create.lua");
script!(CONFIRM, "redis/confirm.lua");
script!(RELEASE, "redis/release.lua");
script!(SWEEP, "redis/sweep.lua");
script!(PEEK, "redis/peek.lua");
script!(STEER, "redis/steer.lua");
script!(RESTOCK, "redis/restock.lua");
script!(DEBIT, "redis/debit.lua");
script!(CREDIT, "redis/credit.lua");
script!(SETTLE_DEBIT, "redis/settle_debit.lua");
script!(RESTORE, "redis/restore.lua");
script!(THAW, "redis/thaw.lua");

/// The text of the script that decides requests: the common case first, then all others.
pub(crate) const RESERVE_SOURCE: &str = concat!(
    include_str!("redis/reserve.lua"),
    include_str!("redis/tools.lua"),
    include_str!("redis/judge.lua")
);

/// A script's text and its digest.
struct Source {
    text: &'static str,
    script: Script,
}

/// One script with its keys and arguments, ready to be sent by digest or by text.
pub(crate) struct Call {
    source: &'static Source,
    /// Keys and arguments, the number of keys first.
    tail: Vec<Vec<u8>>,
}

impl Source {
    fn new(text: &'static str) -> Self {
        Self { text, script: Script::new(text) }
    }
}

impl Call {
    /// The call by the script's digest: short, and all that is needed once the server knows the script.
    pub(crate) fn by_digest(&self) -> Cmd {
        self.command("EVALSHA", self.source.script.get_hash())
    }

    /// The call by the script's text, which also teaches it to the server.
    pub(crate) fn by_text(&self) -> Cmd {
        self.command("EVAL", self.source.text)
    }

    fn command(&self, name: &str, script: &str) -> Cmd {
        let mut cmd = redis::cmd(name);
        cmd.arg(script);
        for argument in &self.tail {
            cmd.arg(&**argument);
        }
        cmd
    }

    /// Makes a sale, or a shard of one, that starts with `shares` units; without a stage it has to be there.
    pub(crate) fn create(
        shard: &Shard,
        terms: &SaleConfig,
        text: &str,
        stage: Option<Stage>,
        shares: &[u64],
    ) -> Self {
        let mut call = Self::over(&CREATE, shard.keys(), At::Server, shard.seen(), false);
        call.push(stage.map_or('-', Stage::letter).encode_utf8(&mut [0; 4])).push(text);
        call.number(terms.opens_at().millis()).number(terms.closes_at().millis());
        call.number(terms.buyer_limit().units().into()).number(terms.pay_within_millis());
        call.numbers(shares);
        call
    }

    pub(crate) fn steer(shard: &Shard, at: At, step: Step, shares: &[u64]) -> Self {
        let mut call = Self::new(&STEER, shard, at, false);
        call.push(match step {
            Step::Warm => "warm",
            Step::Pause => "pause",
            Step::Resume => "resume",
            Step::Close => "close",
            Step::Settle => "settle",
        });
        call.numbers(shares);
        call
    }

    pub(crate) fn confirm(shard: &Shard, at: At, touch: bool, id: &ReservationId, last: bool) -> Self {
        let mut call = Self::new(&CONFIRM, shard, at, touch);
        call.buyer(id.buyer()).push(id.request().as_str()).push(if last { "1" } else { "" });
        call
    }

    pub(crate) fn release(shard: &Shard, touch: bool, id: &ReservationId) -> Self {
        let mut call = Self::new(&RELEASE, shard, At::Server, touch);
        call.buyer(id.buyer()).push(id.request().as_str());
        call
    }

    pub(crate) fn sweep(shard: &Shard, at: At, max: u32) -> Self {
        let mut call = Self::new(&SWEEP, shard, at, false);
        call.number(max.into());
        call
    }

    /// Reads the counters of so many things; `letters` says which.
    pub(crate) fn peek(shard: &Shard, at: At, things: usize, letters: &str) -> Self {
        let mut call = Self::new(&PEEK, shard, at, false);
        call.push(&things.to_string()).push(letters);
        call
    }

    pub(crate) fn restock(
        shard: &Shard,
        at: At,
        touch: bool,
        change: &Restock,
        sku: usize,
        units: u64,
    ) -> Self {
        let mut call = Self::over(&RESTOCK, shard.keys(), at, shard.seen(), touch);
        call.push(change.id.as_str()).push(&sku.to_string());
        call.push(match change.direction {
            Direction::Add => "add",
            Direction::Withdraw => "withdraw",
        });
        call.number(units);
        call
    }

    pub(crate) fn debit(shard: &Shard, at: At, touch: bool, target: usize, sku: usize, want: u64) -> Self {
        let mut call = Self::new(&DEBIT, shard, at, touch);
        call.push(&target.to_string()).push(&sku.to_string()).number(want);
        call
    }

    pub(crate) fn credit(shard: &Shard, at: At, touch: bool, source: usize, transfer: &Transfer) -> Self {
        let mut call = Self::new(&CREDIT, shard, at, touch);
        call.push(&source.to_string()).number(transfer.number);
        call.push(&transfer.sku.to_string()).number(transfer.units);
        call
    }

    pub(crate) fn settle_debit(shard: &Shard, at: At, touch: bool, target: usize, number: u64) -> Self {
        let mut call = Self::new(&SETTLE_DEBIT, shard, at, touch);
        call.push(&target.to_string()).number(number);
        call
    }

    pub(crate) fn restore(shard: &Shard, orders: &[(&KeptOrder, String)]) -> Self {
        let mut call = Self::new(&RESTORE, shard, At::Server, false);
        for (order, lines) in orders {
            let buyer = escape(order.id.buyer().as_str(), in_list);
            let (until, letter) = (order.pay_until.millis(), order.state.letter());
            call.push(&format!("{buyer} {} {lines} {until} {letter}", order.id.request()));
        }
        call
    }

    pub(crate) fn thaw(shard: &Shard, floor: u64) -> Self {
        let mut call = Self::new(&THAW, shard, At::Server, false);
        call.number(floor);
        call
    }

    /// A call with the time, the highest step that this process has seen, and whether a replay has to leave
    /// something that replicas can acknowledge.
    fn new(source: &'static LazyLock<Source>, shard: &Shard, at: At, touch: bool) -> Self {
        // A cluster that moves the slot refuses a call that names a key which is not there, as `restocks` often
        // is not; so only those name it that use it.
        let [keys @ .., _restocks] = shard.keys();
        Self::over(source, keys, at, shard.seen(), touch)
    }

    fn over(source: &'static LazyLock<Source>, keys: &[String], at: At, seen: u64, touch: bool) -> Self {
        let mut call = Self { source, tail: Vec::with_capacity(16) };
        call.push(&keys.len().to_string());
        for key in keys {
            call.push(key);
        }
        match at {
            At::Server => call.push(""),
            At::Millis(now) => call.number(now.millis()),
        };
        call.number(seen).push(if touch { "1" } else { "" });
        call
    }

    fn push(&mut self, argument: &str) -> &mut Self {
        self.tail.push(argument.as_bytes().to_vec());
        self
    }

    fn number(&mut self, number: u64) -> &mut Self {
        self.push(&number.to_string())
    }

    fn numbers(&mut self, numbers: &[u64]) {
        for number in numbers {
            self.number(*number);
        }
    }

    fn buyer(&mut self, buyer: &BuyerId) -> &mut Self {
        self.push(&escape(buyer.as_str(), in_list))
    }
}

/// The command that decides one pass, by digest or by text. It is written straight, without a copy: a pass has
/// hundreds of arguments.
pub(crate) fn reserve(shard: &Shard, pass: &Pass<'_>, by_text: bool) -> Cmd {
    let (name, script) =
        if by_text { ("EVAL", RESERVE.text) } else { ("EVALSHA", RESERVE.script.get_hash()) };
    let mut cmd = Cmd::with_capacity(16 + pass.len() * 3, 320 + pass.len() * 40);
    cmd.arg(name).arg(script).arg(4);
    for key in shard.keys().iter().take(4) {
        cmd.arg(&**key);
    }
    match pass.at {
        At::Server => cmd.arg(""),
        At::Millis(now) => cmd.arg(now.millis()),
    };
    cmd.arg(shard.seen()).arg(if pass.touch { "1" } else { "" });
    cmd.arg(pass.uniform().unwrap_or("*")).arg(pass.skus_text()).arg(pass.len());
    for request in pass.requests() {
        cmd.arg(&*escape(request.buyer.as_str(), in_list));
    }
    for request in pass.requests() {
        cmd.arg(request.request.as_str());
    }
    if pass.uniform().is_none() {
        for lines in pass.texts() {
            cmd.arg(&**lines);
        }
    }
    cmd
}
