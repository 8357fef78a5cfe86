//! The same work as ours, done by others.

pub(crate) mod deadpool;
