//! The scripts of the consumers. What each does is written on top of it.

use std::sync::LazyLock;

use redis::Script;

pub(super) static JOIN: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("join.lua")));
pub(super) static BURY: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("bury.lua")));
pub(super) static REDRIVE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("redrive.lua")));
pub(super) static TRIM: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("trim.lua")));
