//! The settings of the load tool. What makes no sense together is refused with the remedy.

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use seckill::{Quantity, SaleConfig};

use super::store::Place;

/// Drives a whole flash sale against a store and audits it.
#[derive(Debug, Clone, Parser)]
#[command(name = "flash_sale", version)]
pub(crate) struct Args {
    /// People who want units.
    #[arg(long, default_value = "100000", value_parser = |text: &str| number(text, 100_000_000))]
    pub(crate) buyers: u64,

    /// Units for sale.
    #[arg(long, default_value = "500", value_parser = |text: &str| number(text, SaleConfig::STOCK_MAX))]
    pub(crate) stock: u64,

    /// Units that one buyer may have, all reservations together.
    #[arg(long, default_value = "1", value_parser = quantity)]
    pub(crate) limit: Quantity,

    /// Units that one reservation asks for.
    #[arg(long, default_value = "1", value_parser = quantity)]
    pub(crate) quantity: Quantity,

    /// Buyers served at the same time.
    #[arg(long, default_value = "1024", value_parser = |text: &str| number(text, 65_536))]
    pub(crate) callers: u64,

    /// Buyers who click twice at once, with one request id.
    #[arg(long, default_value = "20%", value_parser = percent)]
    pub(crate) double_click: u64,

    /// Winners who try to reserve once more, with another request id.
    #[arg(long, default_value = "10%", value_parser = percent)]
    pub(crate) greedy: u64,

    /// Winners who pay.
    #[arg(long, default_value = "60%", value_parser = percent)]
    pub(crate) pay: u64,

    /// Winners who give their units back. The others let their time to pay run out.
    #[arg(long, default_value = "10%", value_parser = percent)]
    pub(crate) release: u64,

    /// Where the sale is kept: `memory`, `redis://HOST:PORT/`, or `cluster:redis://A,redis://B,..`.
    #[arg(long, default_value = "memory")]
    pub(crate) store: Place,

    /// Replicas that must have a win before its buyer hears of it.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=8))]
    pub(crate) replicated: Option<u32>,

    /// Hash slots that the sale is split over.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=i64::from(SaleConfig::SHARDS_MAX)))]
    pub(crate) shards: Option<u16>,

    /// The same seed gives each buyer the same habits.
    #[arg(long, default_value = "1")]
    pub(crate) seed: u64,

    /// Print the summary as one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

impl Args {
    /// The settings of this run. Ends the program when they are wrong.
    pub(crate) fn checked() -> Self {
        let args = Self::parse();
        match args.contradiction() {
            None => args,
            Some(words) => Self::command().error(ErrorKind::ArgumentConflict, words).exit(),
        }
    }

    /// What does not go together, and what to do about it.
    fn contradiction(&self) -> Option<String> {
        let (pay, release) = (self.pay, self.release);
        let memory = matches!(self.store, Place::Memory);
        if pay + release > 100 {
            return Some(format!(
                "--pay {pay}% and --release {release}% are more than all winners: give at most 100% together"
            ));
        }
        if self.quantity > self.limit {
            let (quantity, limit) = (self.quantity.units(), self.limit.units());
            return Some(format!(
                "nobody can reserve {quantity} units where a buyer may have {limit}: \
                 raise --limit to {quantity}, or lower --quantity"
            ));
        }
        if memory && self.replicated.is_some() {
            return Some(
                "--replicated needs servers with replicas, and memory has none: \
                 give --store redis://HOST:PORT/, or leave --replicated out"
                    .to_owned(),
            );
        }
        if memory && self.shards.is_some_and(|shards| shards > 1) {
            return Some(
                "--shards splits a sale in redis, and memory keeps it whole: \
                 give --store redis://HOST:PORT/, or leave --shards out"
                    .to_owned(),
            );
        }
        None
    }
}

/// A whole number from 1 on.
fn number(text: &str, max: u64) -> Result<u64, String> {
    let given = text.parse().ok().filter(|given| (1..=max).contains(given));
    given.ok_or_else(|| format!("give a whole number from 1 to {max}"))
}

fn quantity(text: &str) -> Result<Quantity, String> {
    let max = u64::from(Quantity::MAX.units());
    let units = u32::try_from(number(text, max)?).map_err(|cause| cause.to_string())?;
    Quantity::new(units).map_err(|cause| cause.to_string())
}

/// A part of all, with or without its sign.
fn percent(text: &str) -> Result<u64, String> {
    let given = text.strip_suffix('%').unwrap_or(text).parse().ok().filter(|part| *part <= 100);
    given.ok_or_else(|| "give a whole percentage from 0% to 100%".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(words: &[&str]) -> String {
        match Args::try_parse_from([&["flash_sale"], words].concat()) {
            Ok(args) => args.contradiction().unwrap_or_else(|| panic!("accepted {words:?}")),
            Err(refused) => refused.to_string(),
        }
    }

    #[test]
    fn the_defaults_make_sense() {
        assert_eq!(Args::try_parse_from(["flash_sale"]).unwrap().contradiction(), None);
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_the_remedy() {
        let redis = "redis://127.0.0.1/";
        let alone = format!("cluster:{redis}");
        let cases: [(&[&str], &str); 10] = [
            (&["--stock", "0"], "from 1 to 1000000000"),
            (&["--buyers", "many"], "from 1 to"),
            (&["--pay", "101%"], "from 0% to 100%"),
            (&["--pay", "60%", "--release", "50%"], "at most 100% together"),
            (&["--limit", "0"], "from 1 to 10000"),
            (&["--quantity", "3", "--limit", "2"], "raise --limit to 3"),
            (&["--replicated", "1"], "--store redis://"),
            (&["--shards", "4"], "leave --shards out"),
            (&["--store", &alone], "at least two"),
            (&["--store", "mysql://x"], "memory, redis://HOST:PORT/"),
        ];
        for (given, remedy) in cases {
            let words = refused(given);
            assert!(words.contains(remedy), "{given:?}: {words}");
        }
    }
}
