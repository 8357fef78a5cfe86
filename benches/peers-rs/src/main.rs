//! Questions about roles, asked of Cedar and of casbin, for the figures.
//!
//! Reads jobs from standard input, a line of JSON each, and answers each with one line of JSON. Every answer has to be
//! the one that the job says; otherwise the line is an error. Times are processor time of this one thread.

mod casbin;
mod cedar;
mod job;

use std::io::{BufRead, Write};

use job::{Failure, Job, Peer};

fn main() -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let (mut casbin, mut cedar) = (casbin::Asked::default(), cedar::Asked::default());
    for line in std::io::stdin().lock().lines() {
        let done =
            serde_json::from_str::<Job>(&line?).map_err(Failure::from).and_then(|job| match job.peer {
                Peer::Casbin => runtime.block_on(casbin.work(&job)),
                Peer::Cedar => cedar.work(&job),
            });
        let said = match done {
            Ok(report) => serde_json::to_string(&report)?,
            Err(failure) => serde_json::json!({ "error": failure.to_string() }).to_string(),
        };
        let mut output = std::io::stdout().lock();
        writeln!(output, "{said}")?;
        output.flush()?;
    }
    Ok(())
}
