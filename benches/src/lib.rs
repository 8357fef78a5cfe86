//! The project's figures, each beside a peer that yields the same result, in one interleaved run.
//!
//! A figure is one file. It starts its own servers, runs ours and the peer in turns, and yields a
//! [`Line`]. Absolute numbers wander with the machine; the ratio inside one run is the claim. A peer is
//! taken as applications use it; what it does beyond our work is named in the line, and the figure
//! beside it is of equal work.
//!
//! ```
//! use benches::{Line, Rounds};
//!
//! let rounds = Rounds::from_pairs(&[(300.0, 100.0), (330.0, 110.0), (90.0, 45.0)]);
//! let line = Line::new("example", "calls/s", &rounds);
//! assert_eq!((line.ours, line.peer, line.ratio), (300.0, 100.0, 3.0));
//! ```
//!
//! Missing on purpose: charts, history, a verdict. Workloads have fixed seeds and no options that would
//! make two runs differ in kind.

mod decisions;
mod error;
mod line;
mod peers;
mod rounds;
mod seckill_reserve;
mod seckill_reserve_multiplexed;
mod workload;

pub use error::Error;
pub use line::Line;
pub use rounds::Rounds;

/// How much work a run does.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Options {
    /// Measured rounds; each runs ours and the peer once. One more round before them is not counted.
    pub rounds: u32,
    /// Requests for each side and round.
    pub requests: u32,
    /// Callers that ask at the same time, each one request after another.
    pub callers: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { rounds: 5, requests: 40_000, callers: 64 }
    }
}

/// One figure: a name, what it says, and how to measure it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Figure {
    /// Dotted: the crate, then the work.
    pub name: &'static str,
    /// One sentence.
    pub about: &'static str,
    /// Measures it. Progress goes to standard error.
    ///
    /// # Errors
    /// When a server does not start or an answer is not what the work has to yield.
    pub run: fn(&Options) -> Result<Line, Error>,
}

/// Every figure there is.
pub const FIGURES: &[Figure] = &[
    Figure {
        name: "seckill.reserve",
        about: "decisions of one sale in Redis: `reserve().await` beside the same script through a pool, \
                which checks its connection before each call",
        run: seckill_reserve::run,
    },
    Figure {
        name: "seckill.reserve.multiplexed",
        about: "the same beside the same script on one bare connection: equal work on the wire",
        run: seckill_reserve_multiplexed::run,
    },
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
