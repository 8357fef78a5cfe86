//! The scripts of the gate, and the keys and arguments they take.

use std::sync::LazyLock;

use redis::{Cmd, Script};

use super::limit::Limit;
use super::rate::RateKey;
use super::terms::RoomTerms;
use super::token::Pass;
use crate::ids::{BuyerId, SaleId};
use crate::time::At;

/// A script by its text and its digest.
pub(super) struct Lua {
    source: &'static str,
    script: LazyLock<Script>,
}

macro_rules! lua {
    ($name:ident, $($file:literal),+) => {
        static $name: Lua = Lua {
            source: concat!($(include_str!($file)),+),
            script: LazyLock::new(|| Script::new(concat!($(include_str!($file)),+))),
        };
    };
}

lua!(RATE, "rate.lua");
lua!(SPEND, "spend.lua");
lua!(JOIN, "room.lua", "join.lua");
lua!(ADMIT, "room.lua", "admit.lua");
lua!(LEFT, "room.lua", "left.lua");

/// One call of a script, ready to be sent by its digest or by its text.
pub(super) struct Call<'a> {
    pub(super) sale: &'a SaleId,
    lua: &'static Lua,
    keys: Vec<String>,
    arguments: Vec<String>,
}

impl<'a> Call<'a> {
    pub(super) fn take(sale: &'a SaleId, limits: &[(&RateKey, &Limit)], cost: u32, at: At) -> Self {
        let keys = limits.iter().map(|(rate, _)| key(sale, &format!("rate:{}", rate.name()))).collect();
        let mut arguments = vec![time(at), cost.to_string()];
        for (_, limit) in limits {
            let micros = limit.per().as_micros();
            arguments.extend([limit.burst().to_string(), limit.count().to_string(), micros.to_string()]);
        }
        Self { sale, lua: &RATE, keys, arguments }
    }

    pub(super) fn spend(path: &'a Pass, at: At) -> Self {
        let id: String = path.id().iter().map(|byte| format!("{byte:02x}")).collect();
        let keys = vec![key(path.sale(), &format!("path:{id}"))];
        let arguments = vec![time(at), path.expires().millis().to_string()];
        Self { sale: path.sale(), lua: &SPEND, keys, arguments }
    }

    pub(super) fn join(terms: &'a RoomTerms, buyer: &BuyerId, at: At) -> Self {
        Self::room(&JOIN, terms, at, buyer.as_str().to_owned())
    }

    pub(super) fn admit(terms: &'a RoomTerms, buyer: &BuyerId, at: At) -> Self {
        Self::room(&ADMIT, terms, at, buyer.as_str().to_owned())
    }

    pub(super) fn left_hint(terms: &'a RoomTerms, left: u64, at: At) -> Self {
        Self::room(&LEFT, terms, at, left.to_string())
    }

    fn room(lua: &'static Lua, terms: &'a RoomTerms, at: At, last: String) -> Self {
        let (sale, pace) = (terms.sale(), terms.pace());
        let draw = terms.seed().map(|seed| seed.keys().map(|key| key.to_string()).join(" "));
        let arguments = vec![
            time(at),
            terms.opens().millis().to_string(),
            terms.closes().millis().to_string(),
            pace.count().to_string(),
            pace.per_millis().to_string(),
            terms.patience_millis().to_string(),
            terms.most_places().to_string(),
            draw.unwrap_or_default(),
            last,
        ];
        Self { sale, lua, keys: vec![key(sale, "room"), key(sale, "places")], arguments }
    }

    /// By the digest: short, and all that is needed once the server knows the script.
    pub(super) fn by_digest(&self) -> Cmd {
        self.command("EVALSHA", self.lua.script.get_hash())
    }

    /// By the text, which also teaches it to the server.
    pub(super) fn by_text(&self) -> Cmd {
        self.command("EVAL", self.lua.source)
    }

    fn command(&self, verb: &str, script: &str) -> Cmd {
        let mut cmd = redis::cmd(verb);
        cmd.arg(script).arg(self.keys.len()).arg(&self.keys).arg(&self.arguments);
        cmd
    }
}

/// The braces make Redis Cluster keep all keys of one sale's gate in one slot.
fn key(sale: &SaleId, part: &str) -> String {
    format!("{{gh:gate:{}}}:{part}", sale.as_str())
}

fn time(at: At) -> String {
    match at {
        At::Server => String::new(),
        At::Millis(now) => now.millis().to_string(),
    }
}
