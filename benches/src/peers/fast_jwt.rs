//! Tokens out of the cache of npm's fast-jwt, in a process of its own.

use serde::Deserialize;
use serde_json::{Value, json};

use super::install;
use super::program::Program;
use crate::contest::Load;
use crate::shift::Task;
use crate::side::Local;
use crate::tokens::{AUDIENCE, ISSUER, Tokens};
use crate::{Error, Timing};

/// Takes verified tokens out of the cache.
pub(crate) struct Cached {
    program: Program,
    /// The job, but for the number of hits.
    job: Value,
    /// What the program says that it is.
    version: String,
}

#[derive(Debug, Deserialize)]
struct Report {
    answered: u64,
    rate: f64,
    version: String,
}

impl Cached {
    /// These tokens.
    pub(crate) fn new(tokens: &Tokens) -> Result<Self, Error> {
        let texts: Vec<_> = tokens.all.iter().map(|token| &token.text).collect();
        let subjects: Vec<_> = tokens.all.iter().map(|token| &token.plain.sub).collect();
        let job = json!({
            "key": tokens.public_pem()?,
            "issuer": ISSUER,
            "audience": AUDIENCE,
            "tokens": texts,
            "subjects": subjects,
        });
        let program = Program::start("fast-jwt", &mut install::js("fast_jwt.mjs")?)?;
        Ok(Self { program, job, version: String::new() })
    }

    fn hit(&mut self, load: Load) -> Result<Timing, Error> {
        if let Some(job) = self.job.as_object_mut() {
            job.insert("count".to_owned(), load.requests.into());
        }
        let report: Report = self.program.ask(&format!("{}\n", self.job))?;
        // Where the work is too little for its clock, the program does it several times.
        if report.answered == 0 || !report.answered.is_multiple_of(u64::from(load.requests)) {
            return Err(self.program.failed(format!("{} hits were answered", report.answered)));
        }
        self.version = report.version;
        Ok(Timing { rate: report.rate, p50: None, p99: None })
    }
}

impl Task for Cached {
    fn prepare(&mut self) -> Local<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    fn run(&mut self, load: Load) -> Local<'_, Result<Timing, Error>> {
        let timing = self.hit(load);
        Box::pin(async { timing })
    }

    fn about(&self) -> String {
        format!("{}, verifier with cache, every call a hit", self.version)
    }
}
