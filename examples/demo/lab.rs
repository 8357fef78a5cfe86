//! The lab: the terminals of all learners, the SSH server behind them, and their recordings.

mod exercises;
mod files;
mod recordings;
mod server;

use std::path::PathBuf;

use webssh_core::frame::Failure;
use webssh_core::hub::{Hub, HubLimits, Opened, Opener};
use webssh_core::pump::SessionOptions;
use webssh_core::{BoxFuture, Dialogue, Error, Limits, LimitsConfig, Origins, WinSize};

pub(crate) use exercises::{Exercise, exercise, exercises};
pub(crate) use files::file_limits;
pub(crate) use recordings::{Recording, Recordings, read as read_recording};
pub(crate) use server::{Key, Server};

use crate::http::visitor::Visitor;

/// Terminals that one learner may have open.
const TERMINALS_PER_LEARNER_MAX: u32 = 4;
/// People who may look on at one terminal.
const OBSERVERS_MAX: u32 = 4;

/// Seconds between two looks at the connection; every one tells the page how far away we are.
const HEARTBEAT_SECS: u32 = 5;

/// What a terminal is for: the target of the hub's sessions.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The course.
    pub(crate) slug: String,
    pub(crate) exercise: &'static Exercise,
    /// The page's name for it, by which the page finds it again after a reload.
    pub(crate) tab: String,
    /// Who opened it, by which session of the school.
    pub(crate) visitor: Visitor,
}

/// The lab.
#[derive(Debug)]
pub(crate) struct Lab {
    pub(crate) hub: Hub<Place>,
    /// The pages that may open a terminal.
    pub(crate) origins: Origins,
    pub(crate) recordings: Recordings,
    server: Server,
    sessions: files::Sessions,
}

impl Lab {
    /// A lab on one server, which keeps its recordings in `folder`.
    ///
    /// # Errors
    /// For an origin that is none.
    pub(crate) fn new(
        server: Server,
        terminals_max: u16,
        origins: &[String],
        folder: PathBuf,
    ) -> Result<Self, Error> {
        let mut limits = HubLimits::default();
        limits.session =
            Limits::new(LimitsConfig { heartbeat_secs: HEARTBEAT_SECS, ..LimitsConfig::default() })?;
        limits.sessions_max = terminals_max.into();
        limits.sessions_per_user_max = TERMINALS_PER_LEARNER_MAX;
        limits.observers_per_session_max = OBSERVERS_MAX;
        Ok(Self {
            hub: Hub::new(limits),
            origins: Origins::new(origins.iter().map(String::as_str))?,
            recordings: Recordings::new(folder),
            server,
            sessions: files::Sessions::default(),
        })
    }
}

/// Opens the shells of the hub: each is recorded, as well as it goes.
impl Opener<Place> for Lab {
    fn open<'a>(
        &'a self,
        user: &'a str,
        place: &'a Place,
        size: WinSize,
        dialogue: &'a dyn Dialogue,
    ) -> BoxFuture<'a, Result<Opened, Failure>> {
        Box::pin(async move {
            let shell = self.server.shell(user, size, dialogue).await?;
            let mut options = SessionOptions::default();
            options.recorder = self.recordings.start(user, place, size).await;
            tracing::info!(user, course = place.slug, exercise = place.exercise.id, "terminal opened");
            Ok(Opened { shell, options })
        })
    }
}
