//! The files of learners: one SFTP session for each, opened when it is needed and shared by all their pages.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use webssh_core::files::{FileLimits, FilePath, Files};
use webssh_core::frame::{Failure, FailureCode};

use super::Lab;

/// The largest file, up or down, in bytes: what a shell of the embedded server may write as well.
const FILE_BYTES_MAX: u64 = 10 * 1024 * 1024;
/// Names of one list.
const ENTRIES_MAX: u32 = 500;
/// Seconds without a request after which a session ends.
const IDLE_SECS_MAX: u32 = 60;
/// Learners with a session.
const SESSIONS_MAX: usize = 64;

/// A learner's place: who wants a session waits here for whoever opens one.
type Place = Arc<tokio::sync::Mutex<Option<Files>>>;

/// The sessions by learner. There is one for each, so that two uploads to the same file cannot mix.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<HashMap<String, Place>>);

impl Sessions {
    /// The place of a learner, or none while all are in use.
    fn place(&self, learner: &str) -> Option<Place> {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = places.get(learner) {
            return Some(Arc::clone(place));
        }
        if places.len() >= SESSIONS_MAX {
            places.retain(|_, place| Arc::strong_count(place) > 1);
        }
        if places.len() >= SESSIONS_MAX {
            return None;
        }
        Some(Arc::clone(places.entry(learner.to_owned()).or_default()))
    }
}

/// What a session of files allows.
pub(crate) fn file_limits() -> FileLimits {
    let mut limits = FileLimits::default();
    limits.file_bytes_max = FILE_BYTES_MAX;
    limits.entries_max = ENTRIES_MAX;
    limits.idle_secs_max = IDLE_SECS_MAX;
    limits
}

impl Lab {
    /// The files of a learner: the session that is open, or a new one.
    pub(crate) async fn files(&self, learner: &str) -> Result<Files, Failure> {
        let Some(place) = self.sessions.place(learner) else { return Err(Failure::new(FailureCode::Busy)) };
        let mut session = place.lock().await;
        if let Some(files) = &*session
            && answers(files).await
        {
            return Ok(files.clone());
        }
        let files = self.server.files(learner, &file_limits()).await?;
        Ok(session.insert(files).clone())
    }
}

/// Whether a session has not ended meanwhile.
async fn answers(files: &Files) -> bool {
    let Ok(home) = FilePath::parse(".") else { return false };
    files.stat(&home).await.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_places_make_room_and_no_others() {
        let sessions = Sessions::default();
        let mut used = Vec::new();
        for n in 0..SESSIONS_MAX {
            used.push(sessions.place(&format!("l{n}")).unwrap());
        }
        assert!(sessions.place("late").is_none());
        assert!(Arc::ptr_eq(&sessions.place("l0").unwrap(), &used[0]));
        used.truncate(1);
        assert!(sessions.place("late").is_some());
        assert!(Arc::ptr_eq(&sessions.place("l0").unwrap(), &used[0]), "a place in use is kept");
    }
}
