//! A whole flash sale under load: warmed, stormed, paid, swept, closed, settled, and audited at the end.
//!
//! `cargo run --release -p examples --bin flash_sale -- --help` lists the settings. The exit code is 1 when the books do
//! not balance or more than the stock was sold.

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

mod flash_sale {
    pub(super) mod args;
    pub(super) mod crowd;
    pub(super) mod latency;
    pub(super) mod progress;
    pub(super) mod report;
    pub(super) mod stage;
    pub(super) mod store;
    pub(super) mod tally;
}

use flash_sale::args::Args;
use flash_sale::crowd::Crowd;
use flash_sale::progress::Progress;
use flash_sale::report::Report;
use flash_sale::{stage, store};

#[tokio::main]
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to the person who runs it")]
async fn main() -> ExitCode {
    let args = Args::checked();
    match run(&args).await {
        Ok(report) => {
            println!("{}", if args.json { report.json() } else { report.to_string() });
            for fault in &report.faults {
                eprintln!("fault: {fault}");
            }
            if report.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("error: {error}");
            let mut cause = error.source();
            while let Some(next) = cause {
                eprintln!("  because: {next}");
                cause = next.source();
            }
            ExitCode::FAILURE
        }
    }
}

async fn run(args: &Args) -> Result<Report, Box<dyn Error + Send + Sync>> {
    let store = store::open(&args.store, args.replicated).await?;
    let sale = stage::warm(store, args).await?;
    let crowd = Arc::new(Crowd::new(sale.clone(), args));
    let progress = Progress::start(&crowd)?;
    let took = Arc::clone(&crowd).storm().await?;
    progress.stop();
    let ended = stage::end(&sale).await?;
    Ok(Report::new(args, &crowd, took, &ended))
}
