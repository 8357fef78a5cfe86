//! Bytes between a channel and a terminal: each way at the pace of the side that reads.

use std::time::Duration;

use bytes::{Buf, BytesMut};
use pty_process::{OwnedReadPty, OwnedWritePty};
use russh::server::Msg;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;

use super::terminal::size;

/// Bytes read from the terminal at a time.
const CHUNK_BYTES: usize = 16 * 1024;
/// Input that waits for the shell at most. Input is taken off the connection at once, for russh stops a
/// whole session, output and all, while one message waits; so what is not read must be bounded here.
pub(super) const INPUT_BYTES_MAX: usize = 1024 * 1024;
/// An ended shell's terminal that is silent for so long has given all its output.
const QUIET: Duration = Duration::from_millis(200);

/// Why no more input comes.
pub(super) enum InputEnd {
    /// The client closed the channel, or is gone.
    Closed,
    /// More than [`INPUT_BYTES_MAX`] waited.
    Flooded,
}

/// Takes everything off the channel and feeds the terminal at the shell's pace.
pub(super) async fn carry_input(receiver: &mut ChannelReadHalf, mut writer: OwnedWritePty) -> InputEnd {
    let mut waiting = BytesMut::new();
    let mut open = true;
    loop {
        tokio::select! {
            message = receiver.wait() => match message {
                None | Some(ChannelMsg::Close) => return InputEnd::Closed,
                Some(ChannelMsg::Data { data }) if open => {
                    if waiting.len() + data.len() > INPUT_BYTES_MAX {
                        return InputEnd::Flooded;
                    }
                    waiting.extend_from_slice(&data);
                }
                Some(ChannelMsg::WindowChange { col_width, row_height, .. }) => {
                    resize(&writer, col_width, row_height);
                }
                // The end of input is no end of the shell, as with other SSH servers on a terminal.
                Some(_) => {}
            },
            written = writer.write(&waiting), if !waiting.is_empty() => match written {
                Ok(bytes) => waiting.advance(bytes),
                Err(error) => {
                    tracing::debug!(%error, "a shell takes no more input");
                    open = false;
                    waiting.clear();
                }
            },
        }
    }
}

fn resize(writer: &OwnedWritePty, columns: u32, rows: u32) {
    if let Some(size) = size(columns, rows)
        && let Err(error) = writer.resize(size)
    {
        tracing::debug!(%error, "a terminal kept its size");
    }
}

/// Sends what the terminal shows, never more than one chunk ahead of the client's window.
pub(super) async fn carry_output(
    mut reader: OwnedReadPty,
    sender: &ChannelWriteHalf<Msg>,
    mut exited: watch::Receiver<bool>,
) {
    let mut chunk = BytesMut::new();
    loop {
        chunk.reserve(CHUNK_BYTES);
        let read = tokio::select! {
            read = reader.read_buf(&mut chunk) => read,
            () = quiet(&mut exited) => return,
        };
        match read {
            Ok(0) => return,
            Ok(_) => {}
            // Linux's way to say that no process has the terminal open any more.
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()) => return,
            Err(error) => {
                tracing::warn!(%error, "the output of a shell could not be read");
                return;
            }
        }
        if sender.data_bytes(chunk.split().freeze()).await.is_err() {
            // The connection is gone, which ends the input too.
            return;
        }
    }
}

/// Ends when the shell has ended and [`QUIET`] has passed since this call.
async fn quiet(exited: &mut watch::Receiver<bool>) {
    // An error means that the sender was dropped, which `live` does only together with the reader.
    let _ = exited.wait_for(|exited| *exited).await;
    tokio::time::sleep(QUIET).await;
}
