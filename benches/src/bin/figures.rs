//! Prints figures, one line of JSON each, on standard output; progress goes to standard error.

use std::error::Error as _;
use std::path::PathBuf;
use std::process::ExitCode;

use benches::{Error, FIGURES, Options, plot, select};
use clap::Parser;
use clap::builder::RangedU64ValueParser;

/// Measures the project's figures beside their peers.
#[derive(Debug, Parser)]
#[command(name = "figures")]
struct Args {
    /// Beginnings of figures' names; all figures when there are none.
    names: Vec<String>,
    /// Lists the figures and measures nothing.
    #[arg(long)]
    list: bool,
    /// Draws wins a second over callers, ours and every client, into this SVG file; measures no figure.
    #[arg(long, value_name = "FILE.svg", conflicts_with_all = ["names", "list", "callers"])]
    plot: Option<PathBuf>,
    /// Measured rounds; each runs ours and the peer once.
    #[arg(long, default_value_t = Options::default().rounds, value_parser = positive())]
    rounds: u32,
    /// Requests for each side and round; slow peers get fewer.
    #[arg(long, default_value_t = Options::default().requests, value_parser = positive())]
    requests: u32,
    /// Callers that ask at the same time, where a figure is not about one or eight.
    #[arg(long, value_parser = positive())]
    callers: Option<u32>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("figures: {}", with_sources(&error));
            ExitCode::from(if matches!(error, Error::UnknownFigure { .. }) { 2 } else { 1 })
        }
    }
}

fn run(args: &Args) -> Result<(), Error> {
    if args.list {
        for figure in FIGURES {
            println!("{}: {}", figure.name, figure.about);
        }
        return Ok(());
    }
    let mut options = Options::default();
    (options.rounds, options.requests, options.callers) = (args.rounds, args.requests, args.callers);
    if let Some(file) = &args.plot {
        return plot(&options, file);
    }
    for figure in select(&args.names)? {
        println!("{}", figure.measure(&options)?.to_json()?);
    }
    Ok(())
}

fn positive() -> RangedU64ValueParser<u32> {
    RangedU64ValueParser::new().range(1..=10_000_000)
}

fn with_sources(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
