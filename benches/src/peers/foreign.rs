//! Clients of other languages: a child process that is given jobs and answers each with a line of JSON.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::Deserialize;
use serde_json::json;

use super::{PeerSale, install};
use crate::side::{Local, Side};
use crate::workload::{Answer, Job, Terms};
use crate::{Error, Timing};

/// A client in a process of its own, on the callers' core. It lives as long as the figure, so that only
/// the first round warms it up.
pub(crate) struct Foreign {
    name: &'static str,
    url: String,
    /// Whether the client is to pipeline by itself, where it has the choice.
    auto: bool,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    sale: PeerSale,
    /// What the child says that it is.
    version: String,
}

/// What the child says about one job.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Report {
    Done { answered: usize, rate: f64, p50: f64, p99: f64, version: String },
    Failed { error: String },
}

impl Foreign {
    /// ioredis, with `enableAutoPipelining` or without.
    pub(crate) fn ioredis(url: &str, auto: bool) -> Result<Self, Error> {
        let name = if auto { "enableAutoPipelining" } else { "no auto pipelining" };
        Self::start(name, url, auto, &mut install::ioredis()?)
    }

    /// redis-py on asyncio.
    pub(crate) fn redis_py(url: &str) -> Result<Self, Error> {
        Self::start("asyncio", url, false, &mut install::redis_py()?)
    }

    fn start(name: &'static str, url: &str, auto: bool, command: &mut Command) -> Result<Self, Error> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("the peer has no input or no output").into());
        };
        let (url, output) = (url.to_owned(), BufReader::new(output));
        let (sale, version) = (PeerSale::default(), String::new());
        Ok(Self { name, url, auto, child, input, output, sale, version })
    }

    fn decide(&mut self, job: &Job) -> Result<Timing, Error> {
        // The child has said why on standard error when it ended early.
        self.send(job).map_err(|error| self.failed(format!("it took no job: {error}")))?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        if line.is_empty() {
            return Err(self.failed("it ended without an answer".to_owned()));
        }
        match serde_json::from_str(&line)? {
            Report::Failed { error } => Err(self.failed(error)),
            Report::Done { answered, .. } if answered != job.requests.len() => {
                Err(self.failed(format!("{answered} of {} requests were answered", job.requests.len())))
            }
            Report::Done { rate, p50, p99, version, .. } => {
                self.version = version;
                Ok(Timing { rate, p50: Some(p50), p99: Some(p99) })
            }
        }
    }

    fn send(&mut self, job: &Job) -> io::Result<()> {
        let head = json!({
            "url": self.url,
            "sha": self.sale.sha,
            "keys": self.sale.keys,
            "callers": job.callers,
            "count": job.requests.len(),
            "want": if job.want == Answer::Won { "won" } else { "sold out" },
            "auto": self.auto,
        });
        let mut text = format!("{head}\n");
        for request in job.requests.iter() {
            text.push_str(&format!("{} {}\n", request.buyer, request.id));
        }
        self.input.write_all(text.as_bytes())?;
        self.input.flush()
    }

    fn failed(&self, said: String) -> Error {
        Error::Foreign { name: self.name, said }
    }
}

impl Side for Foreign {
    fn open<'a>(&'a mut self, terms: &'a Terms) -> Local<'a, Result<(), Error>> {
        Box::pin(async move {
            self.sale = PeerSale::open(&self.url, terms).await?;
            Ok(())
        })
    }

    fn run<'a>(&'a mut self, job: &'a Job) -> Local<'a, Result<Timing, Error>> {
        Box::pin(async move { self.decide(job) })
    }

    fn about(&self) -> String {
        format!("{}, {}, one call a request", self.version, self.name)
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        // It keeps nothing that could be lost.
        if let Err(error) = self.child.kill().and_then(|()| self.child.wait()) {
            eprintln!("figures: process {} of a peer may still run: {error}", self.child.id());
        }
    }
}
