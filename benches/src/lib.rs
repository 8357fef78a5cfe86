//! The project's figures, each beside a peer that yields the same result, in one interleaved run.
//!
//! A figure starts its own servers, runs ours and the peer by turns, and yields a [`Line`]. Absolute
//! numbers wander with the machine; the ratio inside one run is the claim. Servers and callers run on
//! different cores where there are two. Every answer is checked: one that is not the expected one ends the
//! run. The clients that we are measured beside send one call a request to a script of the same rules,
//! `src/peers/single.lua`, as lean as we could write it.
//!
//! Work that needs no server, as signing a token, is timed by the processor time of its thread, so that other
//! programs disturb it less.
//!
//! ```
//! use benches::{Line, Rounds};
//!
//! let rounds = Rounds::from_pairs(&[(300.0, 100.0), (330.0, 110.0), (90.0, 45.0)]);
//! let line = Line::new("example", "calls/s", &rounds);
//! assert_eq!((line.ours, line.peer, line.ratio), (300.0, 100.0, 3.0));
//! ```
//!
//! Peers in other languages are installed into the build folder when a figure first needs them: that takes
//! npm and Python with their package registries. Peers in Rust that take minutes to compile are built there too.
//!
//! Missing on purpose: history and a verdict. Workloads have fixed seeds and no options that would make two
//! runs differ in kind.

mod clients;
mod contest;
mod database;
mod error;
mod figures;
mod line;
mod ours;
mod pay;
mod peers;
mod pin;
mod plot;
mod policies;
mod rounds;
mod sessions;
mod shift;
mod side;
mod stage;
mod timing;
mod tokens;
mod versions;
mod webssh;
mod workload;

pub use error::Error;
pub use figures::{FIGURES, Figure, select};
pub use line::Line;
pub use plot::plot;
pub use policies::policy_memory;
pub use rounds::Rounds;
pub(crate) use timing::{Sample, Timing};
pub use webssh::terminals;

/// How much work a run does.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Options {
    /// Measured rounds; each runs ours and the peer once. One more round before them is not counted.
    pub rounds: u32,
    /// Requests for each side and round; slow peers get fewer.
    pub requests: u32,
    /// Callers that ask at the same time, each one request after another. `None` for each figure's own
    /// number; those of one or eight callers keep theirs.
    pub callers: Option<u32>,
}

impl Default for Options {
    fn default() -> Self {
        Self { rounds: 5, requests: 200_000, callers: None }
    }
}

impl Options {
    /// The callers of a figure that has so many unless told.
    pub(crate) fn callers_or(&self, callers: u32) -> u32 {
        self.callers.unwrap_or(callers)
    }

    /// The requests of a side that is so many times slower, at least one.
    pub(crate) fn share(&self, slowness: u32) -> u32 {
        (self.requests / slowness).max(1)
    }
}
