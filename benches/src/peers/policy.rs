//! The same questions asked of Cedar and of casbin, in a process of their own: they are built when a figure first needs
//! them, and no other build waits for them.

use serde::Deserialize;
use serde_json::{Value, json};

use super::install;
use super::program::Program;
use crate::contest::Load;
use crate::policies::{Question, Size};
use crate::shift::Task;
use crate::side::Local;
use crate::{Error, Timing};

/// One kind of work of one peer.
pub(crate) struct Peer {
    program: Program,
    /// The job, but for how often.
    job: Value,
    what: &'static str,
    /// What the program says that it is.
    version: String,
}

#[derive(Debug, Deserialize)]
struct Report {
    answered: u32,
    rate: f64,
    bytes: f64,
    version: String,
}

impl Peer {
    /// Cedar, with one policy for all and requests that are ready.
    pub(crate) fn cedar(size: Size) -> Result<Self, Error> {
        let what = "is_authorized of a request that is ready, one policy: principal in resource.readers";
        Self::start("cedar", "check", size, size.questions(), what)
    }

    /// The same with requests made of texts.
    pub(crate) fn cedar_text(size: Size) -> Result<Self, Error> {
        let what = "Request::new of texts and is_authorized, one policy: principal in resource.readers";
        Self::start("cedar", "check_text", size, size.questions(), what)
    }

    pub(crate) fn casbin(size: Size) -> Result<Self, Error> {
        let what = "enforce, the first model of its manual";
        Self::start("casbin", "check", size, size.questions(), what)
    }

    pub(crate) fn casbin_who(size: Size) -> Result<Self, Error> {
        Self::start("casbin", "who_can", size, size.allowed(), "get_implicit_users_for_permission")
    }

    pub(crate) fn casbin_what(size: Size) -> Result<Self, Error> {
        Self::start("casbin", "what_can", size, size.allowed(), "get_implicit_permissions_for_user")
    }

    pub(crate) fn casbin_load(size: Size) -> Result<Self, Error> {
        let what = "load_policy of a text in memory, without a database";
        Self::start("casbin", "load", size, size.questions(), what)
    }

    /// The bytes that an enforcer of this size takes, in a fresh process, and what it is.
    pub(crate) fn casbin_memory(size: Size) -> Result<(f64, String), Error> {
        let mut peer = Self::start("casbin", "memory", size, size.allowed(), "")?;
        let bytes = peer.ask(1)?.bytes;
        Ok((bytes, peer.version))
    }

    fn start(
        peer: &'static str,
        work: &'static str,
        size: Size,
        questions: Vec<Question>,
        what: &'static str,
    ) -> Result<Self, Error> {
        let question = |it: Question| json!({"user": it.user, "data": it.data, "allowed": it.allowed});
        let questions: Vec<_> = questions.into_iter().map(question).collect();
        let Size { users, roles } = size;
        let job = json!({"peer": peer, "work": work, "users": users, "roles": roles, "questions": questions});
        let program = Program::start(peer, &mut install::rust("policy-peers")?)?;
        Ok(Self { program, job, what, version: String::new() })
    }

    fn ask(&mut self, count: u32) -> Result<Report, Error> {
        if let Some(job) = self.job.as_object_mut() {
            job.insert("count".to_owned(), count.into());
        }
        let report: Report = self.program.ask(&format!("{}\n", self.job))?;
        if report.answered != count {
            return Err(self.program.failed(format!("{} questions were answered", report.answered)));
        }
        self.version.clone_from(&report.version);
        Ok(report)
    }
}

impl Task for Peer {
    fn prepare(&mut self) -> Local<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    fn run(&mut self, load: Load) -> Local<'_, Result<Timing, Error>> {
        let report = self.ask(load.requests);
        Box::pin(async { Ok(Timing { rate: report?.rate, p50: None, p99: None }) })
    }

    fn about(&self) -> String {
        format!("{}, {}", self.version, self.what)
    }
}
