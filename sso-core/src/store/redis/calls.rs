//! The scripts of the store, and the arguments that all of them take.

use redis::{Script, ScriptInvocation};

use crate::session::limits::SessionLimits;
use crate::session::rule::TOMBSTONE_MILLIS;
use crate::store::At;
use crate::store::redis::keys::Lists;
use crate::time::whole_millis;

pub(super) struct Scripts {
    pub(super) create: Script,
    pub(super) check: Script,
    pub(super) amend: Script,
    pub(super) end: Script,
    pub(super) end_some: Script,
    pub(super) list: Script,
    pub(super) online: Script,
    pub(super) count: Script,
}

/// A script of this folder behind the clock and the rule that all of them share.
macro_rules! script {
    ($file:literal) => {
        Script::new(concat!(include_str!("clock.lua"), include_str!("rule.lua"), include_str!($file)))
    };
}

impl Scripts {
    pub(super) fn new() -> Self {
        Self {
            create: script!("create.lua"),
            check: Script::new(concat!(
                include_str!("fresh.lua"),
                include_str!("rule.lua"),
                include_str!("check.lua")
            )),
            amend: script!("amend.lua"),
            end: script!("end.lua"),
            end_some: script!("end_some.lua"),
            list: script!("list.lua"),
            online: script!("online.lua"),
            count: Script::new(concat!(include_str!("clock.lua"), include_str!("count.lua"))),
        }
    }
}

/// A call over the key of a session, if there is one, and the lists of its user.
pub(super) fn over<'s>(script: &'s Script, session: Option<&str>, lists: &Lists) -> ScriptInvocation<'s> {
    let mut call = script.prepare_invoke();
    if let Some(session) = session {
        call.key(session);
    }
    call.key(&lists.index).key(&lists.names).key(&lists.ends);
    call
}

/// Adds the time, or nothing for the server's own.
pub(super) fn add_time(call: &mut ScriptInvocation<'_>, at: At) {
    match at {
        At::Server => call.arg(""),
        At::Millis(now) => call.arg(now.as_millis()),
    };
}

/// Adds what every script of the rule takes first.
pub(super) fn add_rule(call: &mut ScriptInvocation<'_>, limits: SessionLimits, at: At, tag: &str) {
    add_time(call, at);
    call.arg(whole_millis(limits.idle()))
        .arg(whole_millis(limits.absolute()))
        .arg(whole_millis(limits.touch_every()))
        .arg(TOMBSTONE_MILLIS)
        .arg(tag);
}
