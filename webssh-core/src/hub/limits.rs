//! How much a hub allows: of each thing, and of memory in total.

use crate::Limits;
use crate::frame::{CLIENT_FRAME_BYTES_MAX, SERVER_FRAME_BYTES_MAX};
use crate::ring::count;

/// The limits of a [`Hub`](super::Hub). Start from the default and change what differs; any value is fine,
/// and 0 allows none of its kind.
///
/// ```
/// use webssh_core::hub::HubLimits;
///
/// let mut limits = HubLimits::default();
/// limits.sessions_per_user_max = 2;
/// assert!(limits.session_bytes() < 1 << 20);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HubLimits {
    /// The limits of each session.
    pub session: Limits,
    /// Sessions, attached or not.
    pub sessions_max: u32,
    /// Sessions of one user.
    pub sessions_per_user_max: u32,
    /// Observers of one session.
    pub observers_per_session_max: u32,
    /// Bytes that all sessions and observers together may come to hold. What the SSH backends hold below
    /// them is not in it.
    pub bytes_max: u64,
    /// Connections that have not shown a ticket or a token yet.
    pub handshakes_max: u32,
    /// Logins that are going on, with their questions to the browser.
    pub dialogues_max: u32,
    /// Tickets that are open.
    pub tickets_max: u32,
    /// Seconds from a ticket to an open shell, questions included.
    pub open_secs_max: u32,
    /// Seconds for the answer to one question.
    pub question_secs_max: u32,
}

/// 2,000 sessions, 8 for each user, 16 observers for each session, 1 GiB in all; 256 connections without a
/// ticket, 256 logins, 4,096 tickets; 5 minutes to open, 2 minutes for each answer.
impl Default for HubLimits {
    fn default() -> Self {
        Self {
            session: Limits::default(),
            sessions_max: 2000,
            sessions_per_user_max: 8,
            observers_per_session_max: 16,
            bytes_max: 1 << 30,
            handshakes_max: 256,
            dialogues_max: 256,
            tickets_max: 4096,
            open_secs_max: 300,
            question_secs_max: 120,
        }
    }
}

impl HubLimits {
    /// The bytes that each session reserves, its owner's connection included.
    #[must_use]
    pub fn session_bytes(&self) -> u64 {
        self.session.memory_max().saturating_add(self.observer_bytes())
    }

    /// The bytes that each observer reserves: one frame in each direction.
    #[must_use]
    pub fn observer_bytes(&self) -> u64 {
        count(CLIENT_FRAME_BYTES_MAX).saturating_add(count(SERVER_FRAME_BYTES_MAX))
    }
}
