//! The subsystem `sftp` of one channel: packets in, answers out, at the pace of the client.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;

use bytes::{Bytes, BytesMut};
use russh::server::Msg;
use russh::{Channel, ChannelMsg, ChannelWriteHalf};
use tokio::sync::watch;
use webssh_core::files::packet::Splitter;

use super::PACKET_BYTES_MAX;
use super::jail::Jail;
use super::sftp_calls::Calls;

/// Calls that are answered in one go.
const BATCH: usize = 16;
/// Bytes of calls that wait for their answers. They are taken off the connection at once, for russh stops a
/// whole session while one message waits; so what is not answered must be bounded here.
const WAITING_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Answers that are being made and sent. They give the files back.
type Work<'a> = Pin<Box<dyn Future<Output = io::Result<Calls>> + Send + 'a>>;

/// Serves the files of a home until the client or the target ends.
pub(super) async fn serve(channel: Channel<Msg>, jail: Jail, mut stopped: watch::Receiver<()>) {
    let (mut receiver, sender) = channel.split();
    let mut waiting = Waiting { splitter: Splitter::new(PACKET_BYTES_MAX), calls: VecDeque::new(), bytes: 0 };
    let mut idle = Some(Calls::new(jail));
    let mut work: Option<Work<'_>> = None;
    let ended = loop {
        if !waiting.calls.is_empty()
            && let Some(calls) = idle.take()
        {
            work = Some(Box::pin(answered(calls, waiting.take(), &sender)));
        }
        let done = async {
            match &mut work {
                Some(work) => work.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = stopped.changed() => break Ok(()),
            done = done => {
                work = None;
                match done {
                    Ok(calls) => idle = Some(calls),
                    Err(error) => break Err(error),
                }
            }
            message = receiver.wait() => match message {
                None | Some(ChannelMsg::Close | ChannelMsg::Eof) => break Ok(()),
                Some(ChannelMsg::Data { data }) => {
                    if let Err(error) = waiting.push(&data) {
                        break Err(error);
                    }
                }
                Some(_) => {}
            },
        }
    };
    drop(work);
    if let Err(error) = &ended {
        // Debug form: the text may hold bytes of the peer, which it escapes.
        tracing::debug!(?error, "the files of a learner were closed");
    }
    let farewell = async {
        sender.exit_status(u32::from(ended.is_err())).await?;
        sender.eof().await?;
        sender.close().await
    };
    if farewell.await.is_err() {
        tracing::debug!("a client left before its files were closed");
    }
}

/// Calls that were read and not answered.
struct Waiting {
    splitter: Splitter,
    calls: VecDeque<Bytes>,
    bytes: usize,
}

impl Waiting {
    fn push(&mut self, data: &[u8]) -> io::Result<()> {
        self.splitter.push(data);
        while let Some(call) = self.splitter.next_body().map_err(io::Error::other)? {
            // An empty one counts, too.
            self.bytes += call.len() + 64;
            self.calls.push_back(call);
        }
        if self.bytes > WAITING_BYTES_MAX {
            return Err(io::Error::other("the client sends calls faster than it takes answers"));
        }
        Ok(())
    }

    fn take(&mut self) -> Vec<Bytes> {
        let calls: Vec<_> = self.calls.drain(..self.calls.len().min(BATCH)).collect();
        self.bytes -= calls.iter().map(|call| call.len() + 64).sum::<usize>();
        calls
    }
}

/// Answers some calls. Files block, so this is done on a thread for that.
async fn answered(mut calls: Calls, batch: Vec<Bytes>, sender: &ChannelWriteHalf<Msg>) -> io::Result<Calls> {
    let answering = tokio::task::spawn_blocking(move || {
        let mut out = BytesMut::new();
        for call in batch {
            calls.answer(call, &mut out).map_err(io::Error::other)?;
        }
        Ok::<_, io::Error>((calls, out.freeze()))
    });
    let (calls, out) = answering.await??;
    sender.data_bytes(out).await.map_err(io::Error::other)?;
    Ok(calls)
}
