//! What is fuzzed: one module a subject.

mod bridge;
mod files;
mod frames;
mod hosts;
mod record;

use crate::engine::Target;

/// Every target of this crate.
pub(crate) fn all() -> Vec<Target> {
    let targets = [bridge::all(), files::all(), frames::all(), hosts::all(), record::all()];
    targets.into_iter().flatten().collect()
}
