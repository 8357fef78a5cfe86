//! The process that holds terminals and nothing else: what it is comes as its argument, jobs on standard input.

use std::io;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::crowd::{Listening, Served};
use super::process::allow_files;
use super::sessions::{Held, Job};
use super::{Access, Library, server, wrong};
use crate::Error;
use crate::figures::on_one_thread;

/// What such a process is.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Role {
    /// SSH sessions of ours, each with a browser in memory.
    Sessions {
        /// By what they are opened.
        library: Library,
        /// Where.
        access: Access,
        /// Seconds from one ping to the next.
        heartbeat_secs: u32,
    },
    /// The server of many WebSockets.
    Server {
        /// What is behind them.
        served: Served,
        /// Seconds from one ping to the next.
        heartbeat_secs: u32,
    },
}

/// Holds terminals for a figure until standard input ends. The one argument is JSON of the figure.
///
/// # Errors
/// What keeps a terminal from being held; it was said on standard output, too.
pub fn terminals(mut args: impl Iterator<Item = String>) -> Result<(), Error> {
    let given = args.next().unwrap_or_default();
    let held = serde_json::from_str(&given)
        .map_err(|_| wrong(given, "the argument of a figure: this program is started by `figures`"))
        .and_then(|role| on_one_thread(hold(role)));
    if let Err(error) = &held {
        println!("{}", serde_json::json!({ "error": error.to_string() }));
    }
    held
}

async fn hold(role: Role) -> Result<(), Error> {
    allow_files(0)?;
    let mut jobs = jobs();
    match role {
        Role::Sessions { library, access, heartbeat_secs } => {
            let mut held = Held::new(library, &access, heartbeat_secs)?;
            while let Some(line) = jobs.recv().await {
                let job: Job = serde_json::from_str(&line?)?;
                println!("{}", serde_json::to_string(&held.work(&job).await?)?);
            }
            Ok(())
        }
        Role::Server { served, heartbeat_secs } => {
            let (port, server) = server::listen(served, heartbeat_secs).await?;
            let jobs = async {
                while let Some(line) = jobs.recv().await {
                    line?;
                    println!("{}", serde_json::to_string(&Listening { port })?);
                }
                Ok(())
            };
            tokio::select! {
                served = server => served,
                ended = jobs => ended,
            }
        }
    }
}

/// The lines of standard input, read by a thread of their own.
fn jobs() -> mpsc::UnboundedReceiver<io::Result<String>> {
    let (tell, jobs) = mpsc::unbounded_channel();
    std::thread::spawn(move || io::stdin().lines().try_for_each(|line| tell.send(line)));
    jobs
}
