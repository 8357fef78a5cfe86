//! Every figure there is, by name.

use std::future::Future;

use tokio::runtime::Builder;

use crate::clients::ClientPeer;
use crate::policies::Size;
use crate::webssh::{Cipher, Direction, Library, Way};
use crate::{Error, Line, Options};

mod cluster;
mod latency;
mod memory;
mod pay;
mod rbac;
mod server;
mod soldout;
mod sso;
mod sso_session;
mod webssh;
mod wins;

/// One figure: a name, what it says, and how to measure it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Figure {
    /// Dotted: the crate, then the work.
    pub name: &'static str,
    /// One sentence.
    pub about: &'static str,
    run: fn(&'static str, &Options) -> Result<Line, Error>,
}

impl Figure {
    /// Measures it. Progress goes to standard error.
    ///
    /// # Errors
    /// When a server or a peer does not start, or an answer is not what the work has to yield.
    pub fn measure(&self, options: &Options) -> Result<Line, Error> {
        (self.run)(self.name, options)
    }
}

const fn figure(
    name: &'static str,
    about: &'static str,
    run: fn(&'static str, &Options) -> Result<Line, Error>,
) -> Figure {
    Figure { name, about, run }
}

/// Every figure there is.
pub const FIGURES: &[Figure] = &[
    figure(
        "seckill.win.multiplexed",
        "wins a second of one sale, 1024 callers, beside one call a request over one redis-rs connection",
        |name, options| wins::run(name, ClientPeer::Multiplexed, 1024, options),
    ),
    figure("seckill.win.multiplexed_256", "the same with 256 callers", |name, options| {
        wins::run(name, ClientPeer::Multiplexed, 256, options)
    }),
    figure("seckill.win.deadpool", "the same beside a deadpool-redis pool of 50", |name, options| {
        wins::run(name, ClientPeer::Deadpool, 1024, options)
    }),
    figure(
        "seckill.win.ioredis",
        "the same beside ioredis, with or without auto pipelining, whichever is faster",
        |name, options| wins::run(name, ClientPeer::Ioredis, 1024, options),
    ),
    figure("seckill.win.fred", "the same beside fred", |name, options| {
        wins::run(name, ClientPeer::Fred, 1024, options)
    }),
    figure("seckill.win.redis_py", "the same beside redis-py on asyncio with hiredis", |name, options| {
        wins::run(name, ClientPeer::RedisPy, 1024, options)
    }),
    figure(
        "seckill.win.replicated",
        "wins a second that are on a replica before the caller hears of them, beside unreplicated ones \
         over one redis-rs connection",
        wins::replicated,
    ),
    figure(
        "seckill.soldout.multiplexed",
        "refusals a second of a sold-out sale, each asked of Redis, beside one redis-rs connection",
        soldout::through_redis,
    ),
    figure(
        "seckill.soldout.latch",
        "refusals a second on one core once this process knows that the sale is sold out, beside one \
         redis-rs connection",
        soldout::latch,
    ),
    figure(
        "seckill.memory",
        "wins a second on one core without a server, beside a concurrent map and an atomic stock by hand",
        memory::run,
    ),
    figure(
        "seckill.latency.p50",
        "microseconds of half of the wins of a lone caller, beside a single script call",
        |name, options| latency::run(name, |sample| sample.timing.p50, 1, options),
    ),
    figure("seckill.latency.p50_8", "the same with 8 callers", |name, options| {
        latency::run(name, |sample| sample.timing.p50, 8, options)
    }),
    figure(
        "seckill.latency.p99",
        "microseconds of 99 of 100 wins of a lone caller, beside a single script call",
        |name, options| latency::run(name, |sample| sample.timing.p99, 1, options),
    ),
    figure("seckill.latency.p99_8", "the same with 8 callers", |name, options| {
        latency::run(name, |sample| sample.timing.p99, 8, options)
    }),
    figure(
        "seckill.limit",
        "nanoseconds of Redis for a win, beside the bare script of a whole batch by the same rules",
        server::limit,
    ),
    figure(
        "seckill.bytes",
        "bytes of Redis for a buyer who won, all keys of the sale included, beside the single script",
        server::bytes,
    ),
    figure(
        "seckill.cluster",
        "wins a second of a sale over three masters, beside the same sale on one server",
        cluster::run,
    ),
    figure(
        "sso.sign.jsonwebtoken",
        "RS256 tokens signed a second of processor time, whole ones of seven claims, beside jsonwebtoken",
        sso::sign_jsonwebtoken,
    ),
    figure("sso.sign.raw", "the same beside bare signatures of aws-lc-rs over the same bytes", sso::sign_raw),
    figure(
        "sso.verify.jsonwebtoken",
        "RS256 tokens verified a second of processor time, whole ones with all checks, beside jsonwebtoken",
        sso::verify_jsonwebtoken,
    ),
    figure(
        "sso.verify.raw",
        "the same beside the bare signature check of aws-lc-rs over the same bytes",
        sso::verify_raw,
    ),
    figure(
        "sso.verify_cached",
        "verified tokens found again a second of processor time, beside hits of fast-jwt's cache",
        sso::verify_cached,
    ),
    figure(
        "sso.session_check.get",
        "microseconds of half of the session checks of a lone caller, beside a bare GET over the same connection",
        sso_session::check_get,
    ),
    figure(
        "sso.session_check.tower_sessions",
        "microseconds of half of the guarded requests of a lone caller, from cookie to user, beside tower-sessions",
        sso_session::check_tower_sessions,
    ),
    figure(
        "sso.login.policy",
        "logins a second of users who may have five sessions and have them, 64 callers, beside a list kept by \
         plain commands",
        sso_session::login_policy,
    ),
    figure(
        "payments.sign.raw",
        "whole signed Alipay requests a second of processor time, beside bare signatures of aws-lc-rs over the \
         same text",
        pay::sign_raw,
    ),
    figure("payments.sign.rsa", "the same beside bare signatures of the crate rsa", pay::sign_rsa),
    figure("payments.sign.alipay_sdk", "the same beside npm's alipay-sdk", pay::sign_alipay_sdk),
    figure(
        "payments.sign.wechatpayv3",
        "whole signed WeChat Pay requests a second of processor time, beside PyPI's wechatpayv3",
        pay::sign_wechatpayv3,
    ),
    figure(
        "payments.notify_verify",
        "WeChat Pay notifies verified, opened and parsed a second of processor time, beside PyPI's wechatpayv3",
        pay::notify_verify,
    ),
    figure(
        "payments.settle.sqlite",
        "repeated notifies settled a second in SQLite, 2 callers, beside a bare SELECT of the order",
        pay::settle_sqlite,
    ),
    figure(
        "payments.settle.postgres",
        "repeated notifies settled a second in PostgreSQL, 8 callers, beside a bare SELECT of the order",
        pay::settle_postgres,
    ),
    figure(
        "rbac.check.cedar.100x10",
        "nanoseconds of a typed check of a user by the id, 100 users and 10 roles, beside Cedar with one policy and its request made",
        |name, options| rbac::check_cedar(name, Size::HUNDRED, options),
    ),
    figure("rbac.check.cedar.1kx100", "the same with 1,000 users and 100 roles", |name, options| {
        rbac::check_cedar(name, Size::THOUSAND, options)
    }),
    figure("rbac.check.cedar.10kx1k", "the same with 10,000 users and 1,000 roles", |name, options| {
        rbac::check_cedar(name, Size::TEN_THOUSAND, options)
    }),
    figure("rbac.check.cedar.100kx10k", "the same with 100,000 users and 10,000 roles", |name, options| {
        rbac::check_cedar(name, Size::HUNDRED_THOUSAND, options)
    }),
    figure(
        "rbac.check.casbin.100x10",
        "the same with 100 users and 10 roles, beside casbin",
        |name, options| rbac::check_casbin(name, Size::HUNDRED, options),
    ),
    figure("rbac.check.casbin.1kx100", "the same with 1,000 users and 100 roles", |name, options| {
        rbac::check_casbin(name, Size::THOUSAND, options)
    }),
    figure("rbac.check.casbin.10kx1k", "the same with 10,000 users and 1,000 roles", |name, options| {
        rbac::check_casbin(name, Size::TEN_THOUSAND, options)
    }),
    figure("rbac.check.casbin.100kx10k", "the same with 100,000 users and 10,000 roles", |name, options| {
        rbac::check_casbin(name, Size::HUNDRED_THOUSAND, options)
    }),
    figure(
        "rbac.check_str",
        "nanoseconds of a check of texts, 100,000 users and 10,000 roles, beside Cedar with a request made of texts",
        rbac::check_str,
    ),
    figure(
        "rbac.who_can",
        "microseconds for all users with a permission, of 100,000 users, beside casbin with 10,000",
        rbac::who_can,
    ),
    figure(
        "rbac.what_can",
        "microseconds for all permissions of a user, of 100,000 users, beside casbin",
        rbac::what_can,
    ),
    figure(
        "rbac.reload",
        "milliseconds of processor time to load 100,000 users and 10,000 roles out of SQLite and put them in force, \
         beside casbin's load of a text",
        rbac::reload,
    ),
    figure("rbac.memory", "bytes of a process for a policy of a million users, beside casbin", rbac::memory),
    figure(
        "webssh.read.ssh2",
        "MiB a second out of a terminal through the backend over libssh2, beside the OpenSSH client, same cipher",
        |name, options| webssh::read_raw(name, Library::Libssh2, Way::Terminal, options),
    ),
    figure("webssh.read.ssh2_pipe", "the same of a program without a terminal", |name, options| {
        webssh::read_raw(name, Library::Libssh2, Way::Pipe, options)
    }),
    figure(
        "webssh.read.pump",
        "MiB a second out of a terminal through the whole pump, with ring, frames, acknowledgements and a recording",
        |name, options| webssh::read_pump(name, Library::Libssh2, Way::Terminal, options),
    ),
    figure("webssh.read.pump_pipe", "the same of a program without a terminal", |name, options| {
        webssh::read_pump(name, Library::Libssh2, Way::Pipe, options)
    }),
    figure(
        "webssh.read.pump_russh",
        "out of a terminal through the whole pump over russh",
        |name, options| webssh::read_pump(name, Library::Russh, Way::Terminal, options),
    ),
    figure(
        "webssh.read.russh",
        "MiB a second out of a terminal through the backend over russh",
        |name, options| webssh::read_raw(name, Library::Russh, Way::Terminal, options),
    ),
    figure("webssh.read.russh_pipe", "the same of a program without a terminal", |name, options| {
        webssh::read_raw(name, Library::Russh, Way::Pipe, options)
    }),
    figure(
        "webssh.read.paramiko",
        "MiB out of a terminal a second of processor time, through the whole pump, beside a pump of paramiko with a \
         ring, frames and a recording; each with the cipher that it takes first",
        |name, options| webssh::read_paramiko(name, Library::Libssh2, (Cipher::Own, Way::Terminal), options),
    ),
    figure("webssh.read.paramiko_russh", "the same over russh", |name, options| {
        webssh::read_paramiko(name, Library::Russh, (Cipher::Own, Way::Terminal), options)
    }),
    figure(
        "webssh.read.paramiko_same",
        "the same over libssh2 with the cipher that paramiko takes first, which is libssh2's slowest",
        |name, options| {
            webssh::read_paramiko(name, Library::Libssh2, (Cipher::Aes128Ctr, Way::Terminal), options)
        },
    ),
    figure(
        "webssh.read.paramiko_pipe",
        "MiB a second of a program without a terminal, through the same two, each with its own cipher",
        |name, options| webssh::read_paramiko(name, Library::Libssh2, (Cipher::Own, Way::Pipe), options),
    ),
    figure("webssh.read.paramiko_pipe_russh", "the same over russh", |name, options| {
        webssh::read_paramiko(name, Library::Russh, (Cipher::Own, Way::Pipe), options)
    }),
    figure("webssh.read.paramiko_pipe_same", "over libssh2 with the cipher of paramiko", |name, options| {
        webssh::read_paramiko(name, Library::Libssh2, (Cipher::Aes128Ctr, Way::Pipe), options)
    }),
    figure(
        "webssh.files.download",
        "MiB a second of a file over SFTP into another file, beside the client of OpenSSH, same cipher",
        |name, options| webssh::files(name, Library::Libssh2, Direction::Down, options),
    ),
    figure("webssh.files.download_russh", "the same over russh", |name, options| {
        webssh::files(name, Library::Russh, Direction::Down, options)
    }),
    figure(
        "webssh.files.upload",
        "MiB a second of a file over SFTP until it is on the disk of the server, beside the client of OpenSSH",
        |name, options| webssh::files(name, Library::Libssh2, Direction::Up, options),
    ),
    figure("webssh.files.upload_russh", "the same over russh", |name, options| {
        webssh::files(name, Library::Russh, Direction::Up, options)
    }),
    figure(
        "webssh.echo.p50",
        "microseconds of half of the echoes of a key through the whole pump, beside the OpenSSH client",
        |name, options| webssh::echo_p50(name, Library::Libssh2, options),
    ),
    figure("webssh.echo.p50_russh", "the same over russh", |name, options| {
        webssh::echo_p50(name, Library::Russh, options)
    }),
    figure("webssh.echo.p99", "microseconds of 99 of 100 of them", |name, options| {
        webssh::echo_p99(name, Library::Libssh2, options)
    }),
    figure("webssh.echo.p99_russh", "the same over russh", |name, options| {
        webssh::echo_p99(name, Library::Russh, options)
    }),
    figure(
        "webssh.idle.memory",
        "kilobytes of an idle session with its connection, beside a process of the OpenSSH client",
        |name, options| webssh::idle_memory(name, Library::Libssh2, options),
    ),
    figure("webssh.idle.memory_russh", "the same over russh", |name, options| {
        webssh::idle_memory(name, Library::Russh, options)
    }),
    figure(
        "webssh.idle.cpu",
        "per cent of a core for 100 idle sessions with heartbeats, beside 100 OpenSSH clients",
        |name, options| webssh::idle_cpu(name, Library::Libssh2, options),
    ),
    figure("webssh.idle.cpu_russh", "the same over russh", |name, options| {
        webssh::idle_cpu(name, Library::Russh, options)
    }),
    figure(
        "webssh.hold.sockets",
        "kilobytes of a WebSocket with an idle session of a hub, of 10,000 in one process with shells in memory, \
         beside bare WebSockets of axum",
        webssh::hold_sockets,
    ),
    figure(
        "webssh.hold.sessions",
        "kilobytes of an idle session over libssh2, of 1,000 in one process, beside 100 OpenSSH clients",
        |name, options| webssh::hold_sessions(name, Library::Libssh2, options),
    ),
    figure("webssh.hold.sessions_russh", "the same over russh", |name, options| {
        webssh::hold_sessions(name, Library::Russh, options)
    }),
    figure(
        "webssh.ctrl_c",
        "milliseconds from a Ctrl-C under an unread flood to the program, beside the OpenSSH client",
        |name, options| webssh::ctrl_c(name, Library::Libssh2, options),
    ),
    figure("webssh.ctrl_c_russh", "the same over russh", |name, options| {
        webssh::ctrl_c(name, Library::Russh, options)
    }),
    figure(
        "webssh.resume",
        "milliseconds for 256 KiB of output on a new connection, beside printing it again in the OpenSSH client",
        webssh::resume,
    ),
];

/// The figures whose name begins with one of `names`; all of them when there are none.
///
/// # Errors
/// `UnknownFigure`, with the names there are, when one of `names` begins none.
pub fn select(names: &[String]) -> Result<Vec<Figure>, Error> {
    for name in names {
        if !FIGURES.iter().any(|figure| figure.name.starts_with(name.as_str())) {
            let known = FIGURES.iter().map(|figure| figure.name).collect::<Vec<_>>().join(", ");
            return Err(Error::UnknownFigure { name: name.clone(), known });
        }
    }
    let wanted = |figure: &&Figure| {
        names.is_empty() || names.iter().any(|name| figure.name.starts_with(name.as_str()))
    };
    Ok(FIGURES.iter().filter(wanted).copied().collect())
}

/// One thread for all callers, so that the server has a core to itself.
pub(crate) fn on_one_thread<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    Builder::new_current_thread().enable_all().build()?.block_on(work)
}
