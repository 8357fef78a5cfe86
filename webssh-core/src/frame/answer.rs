//! What a person answered to the questions of an SSH server.

use std::fmt;

use bytes::{BufMut, Bytes};
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use super::wire::{Reader, put_count, put_text, start};
use super::{ANSWER_BYTES_MAX, FrameError, PROMPTS_MAX};
use crate::Secret;

/// Answers to a `Prompt`, one for each question and in their order (RFC 4256, section 3.4).
///
/// They are wiped when they are dropped, and redact themselves; the message they came in is out of reach.
///
/// ```
/// use webssh_core::frame::{Answer, ClientFrame};
///
/// let answer = Answer::new(7, vec!["hunter2".to_owned()])?;
/// assert_eq!(format!("{answer:?}"), "Answer { id: 7, answers: 1 }");
/// let bytes = ClientFrame::Answer(answer).encode();
/// assert_eq!(bytes[..6], [0x06, 0, 0, 0, 7, 1]);
/// # Ok::<(), webssh_core::frame::FrameError>(())
/// ```
#[derive(Clone)]
pub struct Answer {
    id: u32,
    answers: Vec<Zeroizing<String>>,
}

impl Answer {
    /// Takes the answers over.
    ///
    /// # Errors
    /// [`FrameError::TooMany`] for more than 16, [`FrameError::Oversize`] for one of more than 4096 bytes.
    pub fn new(id: u32, answers: Vec<String>) -> Result<Self, FrameError> {
        let answers: Vec<_> = answers.into_iter().map(Zeroizing::new).collect();
        if answers.len() > PROMPTS_MAX {
            return Err(FrameError::TooMany { count: answers.len(), count_max: PROMPTS_MAX });
        }
        match answers.iter().find(|answer| answer.len() > ANSWER_BYTES_MAX) {
            Some(long) => Err(FrameError::Oversize { bytes: long.len(), bytes_max: ANSWER_BYTES_MAX }),
            None => Ok(Self { id, answers }),
        }
    }

    /// The number of the `Prompt`.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The answers, without a copy.
    #[must_use]
    pub fn into_secrets(self) -> Vec<Secret> {
        self.answers.into_iter().map(|mut answer| Secret::new(std::mem::take(&mut *answer))).collect()
    }

    pub(super) fn encode(&self, kind: u8) -> Bytes {
        let body = self.answers.iter().fold(5, |sum, answer| sum + 2 + answer.len());
        let mut frame = start(kind, body);
        frame.put_u32(self.id);
        put_count(&mut frame, self.answers.len());
        for answer in &self.answers {
            put_text(&mut frame, answer);
        }
        frame.freeze()
    }

    pub(super) fn decode(mut body: Reader<'_>) -> Result<Self, FrameError> {
        let id = body.u32()?;
        let mut answers = Vec::new();
        for _ in 0..body.count(PROMPTS_MAX)? {
            answers.push(Zeroizing::new(body.text(ANSWER_BYTES_MAX)?.to_owned()));
        }
        body.end(Self { id, answers })
    }
}

/// In constant time for answers of the same lengths.
impl PartialEq for Answer {
    fn eq(&self, other: &Self) -> bool {
        let same = Choice::from(u8::from(self.answers.len() == other.answers.len()));
        let pairs = self.answers.iter().zip(&other.answers);
        let same = pairs.fold(same, |same, (one, another)| same & one.as_bytes().ct_eq(another.as_bytes()));
        self.id == other.id && bool::from(same)
    }
}

impl Eq for Answer {}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("id", &self.id).field("answers", &self.answers.len()).finish()
    }
}
