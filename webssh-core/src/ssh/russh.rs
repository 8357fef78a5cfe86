//! Shells over russh, an SSH in Rust: connect, verify the host, log in, open a terminal.
//!
//! russh runs each session in a task of its own, which stops whenever somebody makes it wait. Nobody does:
//! what it reads goes to a [line](line) at once, and is held back before it is read, on the [wire](wire).
//! So a stalled browser stalls the server, and keys, sizes and probes still leave.

mod dial;
mod fault;
mod handler;
mod line;
mod login;
mod owner;
mod prefer;
mod shell;
mod tunnel;
mod wire;

use super::attempt::Purpose;
use super::{Backend, ConnectOptions, Connected, Dial, Shell};
use crate::error::Error;
use crate::files::{FileLimits, Files};
use crate::pump::BoxFuture;

/// The largest packet the server may send.
const PACKET_BYTES: u32 = 32 * 1024;

/// The russh backend: no C, and the faster one for bulk output.
///
/// # Memory
///
/// A session that is stalled by its browser holds at most the window of its
/// [options](ConnectOptions::window_bytes), 256 KiB that were read ahead, 64 KiB of input, and the largest
/// packet twice (512 KiB, which only a hostile server sends). An idle session holds none of these.
///
/// # Limitations
///
/// - No RSA keys, of hosts or of users: the implementation that russh would use has a timing leak
///   (RUSTSEC-2023-0071). An agent may hold RSA keys of users. Use `Libssh2` for servers that have no other
///   host key.
/// - While a browser is stalled and the server floods in tiny packets, silence of the server is not noticed
///   until the browser goes on, unless its kernel is silent, too.
#[derive(Debug, Clone, Copy, Default)]
pub struct Russh;

impl Backend for Russh {
    fn shell<'a>(&'a self, dial: &'a Dial<'a>) -> BoxFuture<'a, Result<Connected<Shell>, Error>> {
        Box::pin(open(dial, Purpose::Terminal))
    }

    fn files<'a>(
        &'a self,
        dial: &'a Dial<'a>,
        limits: &'a FileLimits,
    ) -> BoxFuture<'a, Result<Connected<Files>, Error>> {
        Box::pin(async move {
            let options = dial.options.for_files();
            let dial = Dial { options: &options, ..*dial };
            open(&dial, Purpose::Files).await?.with_files(limits).await
        })
    }
}

/// A channel for this purpose, which its owner moves bytes of.
async fn open(dial: &Dial<'_>, purpose: Purpose) -> Result<Connected<Shell>, Error> {
    dial.check()?;
    let open = |session| -> BoxFuture<'_, _> { Box::pin(shell::open(session, dial.options, purpose)) };
    dial::reach(dial, &open).await
}

/// How much of the window is kept here, before the wire is held back. The rest is the window of the
/// channel: together they are what can still be shown after a Ctrl-C.
fn own_bytes(options: &ConnectOptions) -> u32 {
    options.window() / 4
}
