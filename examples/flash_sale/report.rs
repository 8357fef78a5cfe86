//! The summary: what the buyers were told, how fast, what the audit says, and every fault in words.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::args::Args;
use super::crowd::Crowd;
use super::stage::Ended;

/// A whole sale in numbers.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    sale: String,
    store: String,
    buyers: u64,
    stock: u64,
    won: u64,
    replayed: u64,
    sold_out: u64,
    limit: u64,
    refused: u64,
    busy: u64,
    undecided: u64,
    errors: BTreeMap<String, u64>,
    paid: u64,
    retaken: u64,
    gone: u64,
    released: u64,
    let_go: u64,
    decisions: u64,
    decisions_per_second: u64,
    elapsed_millis: u64,
    p50_micros: u64,
    p99_micros: u64,
    left_units: u64,
    held_units: u64,
    paid_units: u64,
    conserved: bool,
    settled: bool,
    /// What must not be. Empty when all is well.
    pub(crate) faults: Vec<String>,
}

impl Report {
    /// Puts together what was told and what is recorded.
    pub(crate) fn new(args: &Args, crowd: &Crowd, took: Duration, ended: &Ended) -> Self {
        let (tally, audit) = (&crowd.tally, &ended.audit);
        Self {
            sale: ended.id.to_string(),
            store: args.store.shown(),
            buyers: args.buyers,
            stock: args.stock,
            won: tally.won.now(),
            replayed: tally.replayed.now(),
            sold_out: tally.sold_out.now(),
            limit: tally.limit.now(),
            refused: tally.refused.now(),
            busy: tally.busy.now(),
            undecided: tally.undecided.now(),
            errors: tally.errors(),
            paid: tally.paid.now(),
            retaken: tally.retaken.now(),
            gone: tally.gone.now(),
            released: tally.released.now(),
            let_go: tally.let_go.now(),
            decisions: tally.decisions(),
            decisions_per_second: per_second(tally.decisions(), took),
            elapsed_millis: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            p50_micros: crowd.latency.percentile(50),
            p99_micros: crowd.latency.percentile(99),
            left_units: audit.left(),
            held_units: audit.held(),
            paid_units: audit.paid(),
            conserved: audit.conserved(),
            settled: ended.settled,
            faults: faults(args, crowd, ended),
        }
    }

    /// One line for programs.
    pub(crate) fn json(&self) -> String {
        serde_json::json!(self).to_string()
    }
}

fn faults(args: &Args, crowd: &Crowd, ended: &Ended) -> Vec<String> {
    let (told, twice) = (crowd.tally.units_paid.now(), crowd.tally.won_twice.now());
    let (audit, stock) = (&ended.audit, args.stock);
    let recorded = audit.paid();
    let mut faults = Vec::new();
    if !audit.conserved() {
        faults.push(format!("the books do not balance: {audit:?}"));
    }
    if told.max(recorded) > stock {
        faults.push(format!("{} units were sold of {stock}", told.max(recorded)));
    }
    if told > recorded {
        faults.push(format!("buyers were told that {told} units are theirs, and {recorded} are recorded"));
    }
    if twice > 0 {
        faults.push(format!("{twice} requests won twice"));
    }
    faults
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sale, store, .. } = self;
        let [buyers, stock, decisions, speed] =
            [self.buyers, self.stock, self.decisions, self.decisions_per_second].map(grouped);
        let [won, replayed, sold_out, limit, refused] =
            [self.won, self.replayed, self.sold_out, self.limit, self.refused].map(grouped);
        let [paid, retaken, gone, released, let_go] =
            [self.paid, self.retaken, self.gone, self.released, self.let_go].map(grouped);
        let [left, held, units] = [self.left_units, self.held_units, self.paid_units].map(grouped);
        writeln!(f, "sale {sale}: {buyers} buyers for {stock} units, store: {store}")?;
        writeln!(
            f,
            "  told      won {won}, replayed {replayed}, sold out {sold_out}, limit {limit}, other no {refused}"
        )?;
        writeln!(
            f,
            "  winners   paid {paid}, paid late {retaken}, paid too late {gone}, gave back {released}, let go {let_go}"
        )?;
        let errors: Vec<String> = self.errors.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        let errors = if errors.is_empty() { "none".to_owned() } else { errors.join(", ") };
        let (undecided, busy) = (self.undecided, self.busy);
        writeln!(f, "  errors    {errors}; undecided {undecided}, asked again when busy {busy}")?;
        writeln!(f, "  latency   p50 {}, p99 {}", time(self.p50_micros), time(self.p99_micros))?;
        writeln!(f, "  speed     {decisions} decisions in {} ms: {speed} a second", self.elapsed_millis)?;
        let verdict = if self.conserved { "conserved" } else { "NOT CONSERVED" };
        let books = if self.settled { "settled" } else { "not settled" };
        write!(f, "  audit     {verdict}: {left} left + {held} held + {units} paid of {stock}; {books}")
    }
}

/// Microseconds for people.
fn time(micros: u64) -> String {
    if micros < 10_000 { format!("{micros} µs") } else { format!("{} ms", micros / 1000) }
}

/// How many a second, rounded down.
pub(crate) fn per_second(count: u64, time: Duration) -> u64 {
    let speed = u128::from(count) * 1_000_000 / time.as_micros().max(1);
    u64::try_from(speed).unwrap_or(u64::MAX)
}

/// A number with commas between its thousands.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn speed_is_a_count_over_a_time() {
        assert_eq!(per_second(500, Duration::from_millis(250)), 2_000);
        assert_eq!(per_second(5, Duration::ZERO), 5_000_000);
    }
}
