//! Clients of Redis in other languages: programs that are given a sale and decide its requests.

use std::process::Command;

use serde::Deserialize;
use serde_json::json;

use super::program::Program;
use super::{PeerSale, install};
use crate::side::{Local, Side};
use crate::workload::{Answer, Job, Terms};
use crate::{Error, Timing};

/// A client in a process of its own.
pub(crate) struct Foreign {
    url: String,
    /// Whether the client is to pipeline by itself, where it has the choice.
    auto: bool,
    program: Program,
    sale: PeerSale,
    /// What the child says that it is.
    version: String,
}

/// What the child says about one job.
#[derive(Debug, Deserialize)]
struct Report {
    answered: usize,
    rate: f64,
    p50: f64,
    p99: f64,
    version: String,
}

impl Foreign {
    /// ioredis, with `enableAutoPipelining` or without.
    pub(crate) fn ioredis(url: &str, auto: bool) -> Result<Self, Error> {
        let name = if auto { "enableAutoPipelining" } else { "no auto pipelining" };
        Self::start(name, url, auto, &mut install::js("ioredis.mjs")?)
    }

    /// redis-py on asyncio.
    pub(crate) fn redis_py(url: &str) -> Result<Self, Error> {
        Self::start("asyncio", url, false, &mut install::py("redis_py.py")?)
    }

    fn start(name: &'static str, url: &str, auto: bool, command: &mut Command) -> Result<Self, Error> {
        let program = Program::start(name, command)?;
        let (sale, version) = (PeerSale::default(), String::new());
        Ok(Self { url: url.to_owned(), auto, program, sale, version })
    }

    fn decide(&mut self, job: &Job) -> Result<Timing, Error> {
        let report: Report = self.program.ask(&self.text(job))?;
        if report.answered != job.requests.len() {
            let said = format!("{} of {} requests were answered", report.answered, job.requests.len());
            return Err(self.program.failed(said));
        }
        self.version = report.version;
        Ok(Timing { rate: report.rate, p50: Some(report.p50), p99: Some(report.p99) })
    }

    fn text(&self, job: &Job) -> String {
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
        text
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
        format!("{}, {}, one call a request", self.version, self.program.name())
    }
}
