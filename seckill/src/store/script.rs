//! The scripts, and the keys and arguments they take. What they decide is written in them, not here.

use std::fmt;
use std::sync::LazyLock;

use redis::{Cmd, RedisWrite, Script, ToRedisArgs};

use crate::config::SaleConfig;
use crate::ids::{RequestId, SaleId};
use crate::reservation::Reserve;
use crate::time::At;

/// The parts of a sale, in the order of `KEYS`.
const PARTS: [&str; 5] = ["numbers", "buyers", "reservations", "deadlines", "events"];

static OPEN: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("redis/open.lua")));
static RESERVE: LazyLock<Script> = LazyLock::new(|| Script::new(RESERVE_SOURCE));
static CONFIRM: LazyLock<Script> = LazyLock::new(|| Script::new(CONFIRM_SOURCE));
static RELEASE: LazyLock<Script> = LazyLock::new(|| Script::new(RELEASE_SOURCE));
static SWEEP: LazyLock<Script> = LazyLock::new(|| Script::new(SWEEP_SOURCE));

/// The text of the script that decides requests.
pub(crate) const RESERVE_SOURCE: &str =
    concat!(include_str!("redis/sale.lua"), include_str!("redis/reserve.lua"));
const CONFIRM_SOURCE: &str = concat!(include_str!("redis/sale.lua"), include_str!("redis/confirm.lua"));
const RELEASE_SOURCE: &str = concat!(include_str!("redis/sale.lua"), include_str!("redis/release.lua"));
const SWEEP_SOURCE: &str = concat!(include_str!("redis/sale.lua"), include_str!("redis/sweep.lua"));

/// One script with its arguments, ready to be sent.
pub(crate) enum Call<'a> {
    Open(&'a SaleConfig),
    Reserve(&'a SaleId, &'a [Reserve], At),
    Confirm(&'a SaleId, &'a RequestId, At),
    Release(&'a SaleId, &'a RequestId),
    Sweep(&'a SaleId, u32, At),
}

/// The name of one part of a sale. The braces make Redis Cluster keep all parts in one slot.
pub(crate) struct Key<'a> {
    pub(crate) sale: &'a SaleId,
    pub(crate) part: &'a str,
}

impl Call<'_> {
    /// The call by the script's digest: short, and all that is needed once the server knows the script.
    pub(crate) fn by_digest(&self) -> Cmd {
        let mut cmd = redis::cmd("EVALSHA");
        cmd.arg(self.script().get_hash());
        self.fill(&mut cmd);
        cmd
    }

    /// The call by the script's text, which also teaches it to the server.
    pub(crate) fn by_text(&self) -> Cmd {
        let mut cmd = redis::cmd("EVAL");
        cmd.arg(match self {
            Self::Open(_) => include_str!("redis/open.lua"),
            Self::Reserve(..) => RESERVE_SOURCE,
            Self::Confirm(..) => CONFIRM_SOURCE,
            Self::Release(..) => RELEASE_SOURCE,
            Self::Sweep(..) => SWEEP_SOURCE,
        });
        self.fill(&mut cmd);
        cmd
    }

    /// The sale it is about.
    pub(crate) fn sale(&self) -> &SaleId {
        match self {
            Self::Open(config) => config.id(),
            Self::Reserve(sale, ..)
            | Self::Confirm(sale, ..)
            | Self::Release(sale, _)
            | Self::Sweep(sale, ..) => sale,
        }
    }

    fn script(&self) -> &'static Script {
        match self {
            Self::Open(_) => &OPEN,
            Self::Reserve(..) => &RESERVE,
            Self::Confirm(..) => &CONFIRM,
            Self::Release(..) => &RELEASE,
            Self::Sweep(..) => &SWEEP,
        }
    }

    fn fill(&self, cmd: &mut Cmd) {
        cmd.arg(PARTS.len());
        for part in PARTS {
            cmd.arg(Key { sale: self.sale(), part });
        }
        match self {
            Self::Open(config) => open_args(cmd, config),
            Self::Reserve(_, requests, at) => {
                time_arg(cmd, *at);
                for request in *requests {
                    cmd.arg(request.buyer.as_str());
                    cmd.arg(request.quantity.units()).arg(request.request.as_str());
                }
            }
            Self::Confirm(_, request, at) => {
                time_arg(cmd, *at);
                cmd.arg(request.as_str());
            }
            Self::Release(_, request) => {
                cmd.arg("").arg(request.as_str());
            }
            Self::Sweep(_, max, at) => {
                time_arg(cmd, *at);
                cmd.arg(*max);
            }
        }
    }
}

fn open_args(cmd: &mut Cmd, config: &SaleConfig) {
    time_arg(cmd, At::Server);
    cmd.arg(config.opens_at().millis()).arg(config.closes_at().millis());
    cmd.arg(config.stock()).arg(config.buyer_limit().units()).arg(config.pay_within_millis());
}

fn time_arg(cmd: &mut Cmd, at: At) {
    match at {
        At::Server => cmd.arg(""),
        At::Millis(now) => cmd.arg(now.millis()),
    };
}

impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{gh:sale:{}}}:{}", self.sale, self.part)
    }
}

impl ToRedisArgs for Key<'_> {
    fn write_redis_args<W: RedisWrite + ?Sized>(&self, out: &mut W) {
        out.write_arg_fmt(self);
    }
}
