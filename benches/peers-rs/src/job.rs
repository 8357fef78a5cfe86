//! What is asked and what is answered, and the model behind it: user i has role i/10, role j may `read` data j/10.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

pub(crate) type Failure = Box<dyn std::error::Error>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Peer {
    Casbin,
    Cedar,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Work {
    /// Checks of requests that are ready.
    Check,
    /// Checks from texts.
    CheckText,
    /// Who may read some data.
    WhoCan,
    /// What a user may do.
    WhatCan,
    /// From the text of a policy to an enforcer that answers.
    Load,
    /// How much memory an enforcer takes.
    Memory,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Job {
    pub(crate) peer: Peer,
    pub(crate) work: Work,
    pub(crate) users: u32,
    pub(crate) roles: u32,
    /// How many answers.
    pub(crate) count: u32,
    pub(crate) questions: Vec<Question>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Question {
    pub(crate) user: String,
    pub(crate) data: String,
    pub(crate) allowed: bool,
}

#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) answered: u32,
    /// Answers a second of processor time.
    pub(crate) rate: f64,
    /// Bytes, of `memory` only.
    pub(crate) bytes: u64,
    pub(crate) version: &'static str,
}

impl Job {
    pub(crate) fn size(&self) -> (u32, u32) {
        (self.users, self.roles)
    }

    /// Users and their roles.
    pub(crate) fn assignments(&self) -> impl Iterator<Item = (String, String)> {
        (0..self.users).map(|user| (format!("user{user}"), format!("role{}", user / 10)))
    }

    /// Roles and what they may read.
    pub(crate) fn grants(&self) -> impl Iterator<Item = (String, String)> {
        (0..self.roles).map(|role| (format!("role{role}"), format!("data{}", role / 10)))
    }

    /// All data; the last is read by nobody.
    pub(crate) fn data(&self) -> impl Iterator<Item = String> {
        (0..=self.roles / 10).map(|data| format!("data{data}"))
    }

    /// Asks the questions by turns, `count` times, and times it. `ask` says whether the answer is the one that is due.
    pub(crate) fn timed(
        &self,
        version: &'static str,
        mut ask: impl FnMut(&Question, usize) -> Result<bool, Failure>,
    ) -> Result<Report, Failure> {
        let (mut answered, mut wrong) = (0, 0);
        let started = thread_time();
        for (at, question) in self.turns() {
            wrong += u32::from(!ask(question, at)?);
            answered += 1;
        }
        self.report(version, started, (answered, wrong))
    }

    /// The questions with their places, as many as are to be answered.
    pub(crate) fn turns(&self) -> impl Iterator<Item = (usize, &Question)> {
        self.questions.iter().enumerate().cycle().take(usize::try_from(self.count).unwrap_or(usize::MAX))
    }

    /// What is said about answers since a moment, of which some were wrong.
    pub(crate) fn report(
        &self,
        version: &'static str,
        started: Duration,
        (answered, wrong): (u32, u32),
    ) -> Result<Report, Failure> {
        let elapsed = thread_time().saturating_sub(started);
        if (wrong, answered) != (0, self.count) {
            return Err(format!("{wrong} of {answered} answers are not those that are due").into());
        }
        Ok(Report { answered, rate: f64::from(answered) / elapsed.as_secs_f64(), bytes: 0, version })
    }
}

/// How long this thread has been on a core.
pub(crate) fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// The memory of this process that is in use, in bytes.
pub(crate) fn resident() -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS in /proc/self/status")?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib * 1024)
}
