//! The binary wire between browser and server: one frame is one binary WebSocket message.
//!
//! The table of all frames, and the rules for a client, stand in [`docs::wire`](crate::docs::wire). Here
//! are the same frames as values: [`ClientFrame`] and [`ServerFrame`]. What is decoded is valid, and there
//! is one way to write each value: an unknown type, a missing byte and a byte too many are errors, and
//! lengths are checked before anything is copied.

mod answer;
mod caps;
mod chunk;
mod client;
mod error;
mod failure;
mod hello;
mod question;
mod server;
mod welcome;
mod wire;

pub use answer::Answer;
pub use caps::Caps;
pub use chunk::{Chunk, DataChunk, InputChunk};
pub use client::ClientFrame;
pub use error::FrameError;
pub use failure::{Failure, FailureCode};
pub use hello::{Hello, Opening, TicketText};
pub use question::{HostKeyFrame, PromptField, PromptFrame};
pub(crate) use server::{DATA_HEADER_BYTES, begin_data};
pub use server::{RTT_UNKNOWN, ServerFrame};
pub use welcome::{Role, Welcome};

/// The newest wire version that this crate speaks.
pub const VERSION: u8 = 1;

/// The most input bytes in one `Input` frame.
pub const INPUT_FRAME_BYTES_MAX: usize = 16 * 1024;

/// The most output bytes in one `Data` frame.
pub const DATA_FRAME_BYTES_MAX: usize = 32 * 1024;

/// The longest frame a server must accept: a full `Answer`. A WebSocket layer can refuse longer ones.
pub const CLIENT_FRAME_BYTES_MAX: usize = 1 + 4 + 1 + PROMPTS_MAX * (2 + ANSWER_BYTES_MAX);

/// The longest frame a client must accept: a full `Data`.
pub const SERVER_FRAME_BYTES_MAX: usize = 1 + 8 + DATA_FRAME_BYTES_MAX;

/// The longest text of a `Failure`, in bytes of UTF-8.
pub const FAILURE_TEXT_BYTES_MAX: usize = 512;

/// The longest ticket in a `Hello`, in bytes of visible ASCII.
pub const TICKET_BYTES_MAX: usize = 512;

/// The most questions in a `Prompt`, and answers in an `Answer`.
pub const PROMPTS_MAX: usize = 16;

/// The longest answer to one question, in bytes of UTF-8.
pub const ANSWER_BYTES_MAX: usize = 4096;

/// The longest text of a `Prompt` or a `HostKey`, in bytes of UTF-8.
pub const QUESTION_TEXT_BYTES_MAX: usize = 1024;
