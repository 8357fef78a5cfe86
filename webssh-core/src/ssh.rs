//! A shell at the far end as two handles, whatever carries it: libssh2, or a pseudo-terminal in a test.
//!
//! [`Shell::pair`] makes the near half and the far half of one shell. A backend owns the far half, a
//! [`ShellPort`], in one task of its own; the pump owns the near half. Between them are bounded queues
//! only, so a stalled browser stalls the server and nothing grows.

#[cfg(any(feature = "ssh2", feature = "russh"))]
mod attempt;
mod dial;
#[cfg(feature = "ssh2")]
mod libssh2;
#[cfg(any(feature = "ssh2", feature = "russh"))]
mod patience;
mod program;
#[cfg(feature = "russh")]
mod russh;

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use tokio::sync::{mpsc, watch};

use crate::error::{Error, Inner};
use crate::{ChannelEnd, Limits, WinSize};
pub use dial::{Backend, ConnectOptions, Connected, Dial, Terrapin};
#[cfg(feature = "ssh2")]
pub use libssh2::{GuardedLibssh2, Libssh2};
pub use program::Program;
#[cfg(feature = "russh")]
pub use russh::Russh;

/// Chunks of input that wait for the backend.
const INPUT_CHUNKS: usize = 4;

/// The longest chunk of input.
const INPUT_BYTES_MAX: usize = 64 * 1024;

/// Chunks of output that wait for the pump. The backend holds one more.
const OUTPUT_CHUNKS: usize = 1;

/// An open shell. Dropping it, or either half, ends the shell.
///
/// ```
/// use bytes::Bytes;
/// use webssh_core::ChannelEnd;
/// use webssh_core::ssh::{Output, Shell};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let (shell, mut port) = Shell::pair();
/// let (input, mut output) = shell.split();
/// tokio::spawn(async move {
///     while let Some(bytes) = port.recv_input().await {
///         port.send_output(bytes).await;
///     }
///     port.finish(ChannelEnd::Exited { status: 0 });
/// });
/// input.send(Bytes::from_static(b"echo")).await?;
/// assert!(matches!(output.recv().await, Output::Bytes(bytes) if bytes == "echo"));
/// drop(input);
/// assert!(matches!(output.recv().await, Output::Ended(ChannelEnd::Exited { status: 0 })));
/// # Ok::<(), webssh_core::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Shell {
    input: ShellInput,
    output: ShellOutput,
}

/// The half that types and resizes.
#[derive(Debug)]
pub struct ShellInput {
    bytes: mpsc::Sender<Bytes>,
    size: watch::Sender<WinSize>,
}

/// The half that reads.
#[derive(Debug)]
pub struct ShellOutput {
    bytes: mpsc::Receiver<Bytes>,
    end: Arc<OnceLock<ChannelEnd>>,
}

/// What a shell says next.
#[derive(Debug)]
pub enum Output {
    /// At most [`Limits::CHANNEL_BYTES_MAX`] bytes, never none.
    Bytes(Bytes),
    /// There is no more.
    Ended(ChannelEnd),
}

/// The far half of a shell, for the backend that runs it.
#[derive(Debug)]
pub struct ShellPort {
    pub(crate) input: mpsc::Receiver<Bytes>,
    pub(crate) size: watch::Receiver<WinSize>,
    pub(crate) output: mpsc::Sender<Bytes>,
    end: Arc<OnceLock<ChannelEnd>>,
}

/// A place in the input queue, to be filled without waiting.
pub(crate) type InputPermit<'a> = mpsc::Permit<'a, Bytes>;

impl Shell {
    /// Both halves of one shell.
    #[must_use]
    pub fn pair() -> (Self, ShellPort) {
        let (input, input_port) = mpsc::channel(INPUT_CHUNKS);
        let (size, size_port) = watch::channel(WinSize::default());
        let (output_port, output) = mpsc::channel(OUTPUT_CHUNKS);
        let end = Arc::new(OnceLock::new());
        let shell = Self {
            input: ShellInput { bytes: input, size },
            output: ShellOutput { bytes: output, end: Arc::clone(&end) },
        };
        (shell, ShellPort { input: input_port, size: size_port, output: output_port, end })
    }

    /// The halves for typing and for reading, which can be used at the same time.
    #[must_use]
    pub fn split(self) -> (ShellInput, ShellOutput) {
        (self.input, self.output)
    }
}

impl ShellInput {
    /// Waits for a place in the queue, then types `bytes`: at most 64 KiB.
    ///
    /// # Errors
    /// `InvalidInput` for a longer chunk; `Unavailable` when the shell has ended.
    pub async fn send(&self, bytes: Bytes) -> Result<(), Error> {
        if bytes.len() > INPUT_BYTES_MAX {
            return Err(Inner::InputTooLarge { bytes: bytes.len(), bytes_max: INPUT_BYTES_MAX }.into());
        }
        if !bytes.is_empty() {
            self.bytes.send(bytes).await.map_err(|_| Inner::ShellEnded)?;
        }
        Ok(())
    }

    /// Gives the terminal a new size; of several that come quickly the last one counts.
    pub fn resize(&self, size: WinSize) {
        self.size.send_replace(size);
    }

    /// A place in the queue; `None` when the shell has ended. May be dropped while waiting.
    pub(crate) async fn permit(&self) -> Option<InputPermit<'_>> {
        self.bytes.reserve().await.ok()
    }

    /// The same, if it can be had without waiting.
    pub(crate) fn try_permit(&self) -> Option<InputPermit<'_>> {
        self.bytes.try_reserve().ok()
    }
}

impl ShellOutput {
    /// Waits for output. May be dropped while waiting without losing any.
    pub async fn recv(&mut self) -> Output {
        match self.bytes.recv().await {
            Some(bytes) => Output::Bytes(bytes),
            None => Output::Ended(self.end.get().cloned().unwrap_or_else(abandoned)),
        }
    }
}

impl ShellPort {
    /// Waits for input; `None` when the near half is gone and the shell is to be closed.
    pub async fn recv_input(&mut self) -> Option<Bytes> {
        self.input.recv().await
    }

    /// Waits for a new size; `None` when the near half is gone.
    pub async fn recv_size(&mut self) -> Option<WinSize> {
        self.size.changed().await.ok()?;
        Some(*self.size.borrow_and_update())
    }

    /// Hands output on, in chunks that fit a bridge. Says whether anybody still listens.
    pub async fn send_output(&mut self, mut bytes: Bytes) -> bool {
        while !bytes.is_empty() {
            let chunk = bytes.split_to(bytes.len().min(Limits::CHANNEL_BYTES_MAX));
            if self.output.send(chunk).await.is_err() {
                return false;
            }
        }
        !self.output.is_closed()
    }

    /// Says how the shell ended. The near half is told after the last output.
    pub fn finish(self, end: ChannelEnd) {
        // The only writer owns `self`, so the cell is still empty.
        self.end.get_or_init(|| end);
    }
}

/// The end of a shell whose backend disappeared without a word.
fn abandoned() -> ChannelEnd {
    ChannelEnd::Lost(Arc::new(Inner::ShellEnded.into()))
}
