//! What a person is asked while the server logs in: the questions of an SSH server, and its host key.

use bytes::{BufMut, Bytes};

use super::wire::{Reader, cut, put_count, put_text, start};
use super::{FrameError, PROMPTS_MAX, QUESTION_TEXT_BYTES_MAX};

/// One round of questions (RFC 4256, section 3.2), as it stands on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptFrame {
    id: u32,
    name: String,
    instruction: String,
    fields: Vec<PromptField>,
}

/// One question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptField {
    text: String,
    echo: bool,
}

/// A host key that nobody has vouched for yet, as it stands on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostKeyFrame {
    id: u32,
    host: String,
    algorithm: String,
    fingerprint: String,
}

impl PromptField {
    /// A question, cut to 1024 bytes at a character; `echo` says whether the answer may be seen.
    #[must_use]
    pub fn new(text: &str, echo: bool) -> Self {
        Self { text: short(text), echo }
    }

    /// The question.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the answer may be seen while it is typed.
    #[must_use]
    pub fn echo(&self) -> bool {
        self.echo
    }
}

impl PromptFrame {
    /// A round with a number of its own; both texts are cut to 1024 bytes at a character.
    ///
    /// # Errors
    /// [`FrameError::TooMany`] for more than 16 questions: an answer to fewer would be wrong.
    pub fn new(id: u32, name: &str, instruction: &str, fields: Vec<PromptField>) -> Result<Self, FrameError> {
        if fields.len() > PROMPTS_MAX {
            return Err(FrameError::TooMany { count: fields.len(), count_max: PROMPTS_MAX });
        }
        Ok(Self { id, name: short(name), instruction: short(instruction), fields })
    }

    /// The number that the `Answer` repeats.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The name of the round; often empty.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What to do; often empty.
    #[must_use]
    pub fn instruction(&self) -> &str {
        &self.instruction
    }

    /// The questions, which may be none.
    #[must_use]
    pub fn fields(&self) -> &[PromptField] {
        &self.fields
    }

    pub(super) fn encode(&self, kind: u8) -> Bytes {
        let texts = 4 + self.name.len() + self.instruction.len();
        let body = self.fields.iter().fold(5 + texts, |sum, field| sum + 3 + field.text.len());
        let mut frame = start(kind, body);
        frame.put_u32(self.id);
        put_text(&mut frame, &self.name);
        put_text(&mut frame, &self.instruction);
        put_count(&mut frame, self.fields.len());
        for field in &self.fields {
            frame.put_u8(field.echo.into());
            put_text(&mut frame, &field.text);
        }
        frame.freeze()
    }

    pub(super) fn decode(mut body: Reader<'_>) -> Result<Self, FrameError> {
        let (id, name, instruction) = (body.u32()?, text(&mut body)?, text(&mut body)?);
        let mut fields = Vec::new();
        for _ in 0..body.count(PROMPTS_MAX)? {
            let echo = body.flag()?;
            fields.push(PromptField { text: text(&mut body)?, echo });
        }
        body.end(Self { id, name, instruction, fields })
    }
}

impl HostKeyFrame {
    /// A question with a number of its own; each text is cut to 1024 bytes at a character.
    #[must_use]
    pub fn new(id: u32, host: &str, algorithm: &str, fingerprint: &str) -> Self {
        Self { id, host: short(host), algorithm: short(algorithm), fingerprint: short(fingerprint) }
    }

    /// The number that the `HostAnswer` repeats.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The server, as the application names it.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The algorithm of the key (RFC 4253, section 6.6).
    #[must_use]
    pub fn algorithm(&self) -> &str {
        &self.algorithm
    }

    /// The fingerprint to compare, as `ssh-keygen -l` shows it.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    pub(super) fn encode(&self, kind: u8) -> Bytes {
        let texts = [&self.host, &self.algorithm, &self.fingerprint];
        let mut frame = start(kind, texts.iter().fold(4, |sum, text| sum + 2 + text.len()));
        frame.put_u32(self.id);
        texts.into_iter().for_each(|text| put_text(&mut frame, text));
        frame.freeze()
    }

    pub(super) fn decode(mut body: Reader<'_>) -> Result<Self, FrameError> {
        let id = body.u32()?;
        let (host, algorithm, fingerprint) = (text(&mut body)?, text(&mut body)?, text(&mut body)?);
        body.end(Self { id, host, algorithm, fingerprint })
    }
}

fn short(text: &str) -> String {
    cut(text, QUESTION_TEXT_BYTES_MAX).to_owned()
}

fn text(body: &mut Reader<'_>) -> Result<String, FrameError> {
    body.text(QUESTION_TEXT_BYTES_MAX).map(str::to_owned)
}
