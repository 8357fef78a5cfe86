//! Shells over libssh2: connect, verify the host, log in, open a terminal.
//!
//! libssh2 is driven without blocking. One task owns the session and its one channel; nothing else can
//! reach them, because a packet that was sent in part must be finished by the very same call.

#[cfg(not(unix))]
compile_error!("the feature `ssh2` needs a unix system");

mod agent;
mod algorithms;
mod calls;
mod connect;
mod greeting;
mod interactive;
mod jump;
mod link;
mod liveness;
mod login;
mod owner;
mod relay;
mod socket;
#[cfg(test)]
mod trials;
mod version;

use super::attempt::Purpose;
use super::{Backend, Connected, Dial, Shell};
use crate::error::Error;
use crate::files::{FileLimits, Files};
use crate::pump::BoxFuture;

/// The libssh2 backend. The oldest version it runs with is 1.11.2.
///
/// # Limitations
///
/// - libssh2 reads until nothing is left to read. A server whose host key was accepted, and that sends
///   packets with little or nothing in them faster than they are read, makes its memory grow and keeps a
///   thread of the runtime busy. For servers that may be hostile there is [`GuardedLibssh2`].
/// - A server that hangs while its kernel goes on acknowledging (a stopped process) is noticed by probes that
///   it does not answer. Servers that never answered one, as RFC 4254 (section 5.4) demands, are not noticed.
/// - An agent is asked without a limit of time. At most eight are asked at once, so that agents that hang
///   do not use up the threads of the runtime.
/// - Answers to prompts and passwords are copied by libssh2, which does not wipe them. A prompt without any
///   text aborts a program that was built with debug assertions.
/// - Through a jump host the window is that of libssh2, 2 MiB, whatever the options say.
#[derive(Debug, Clone, Copy, Default)]
pub struct Libssh2;

/// The libssh2 backend behind a guard, for servers that may be hostile: it gets the next bytes of a server
/// only when it has used the last ones. What libssh2 keeps of them is at most the window and 512 packets, but for
/// answers to requests that nobody made: it keeps those until the session ends, about four bytes for each that came.
/// So [`session_bytes_max`](super::ConnectOptions::session_bytes_max) counts all bytes of a guarded server, not its
/// output alone. The guard costs one copy of every byte, and two more system calls for 16 KiB.
#[derive(Debug, Clone, Copy, Default)]
pub struct GuardedLibssh2;

impl Backend for Libssh2 {
    fn shell<'a>(&'a self, dial: &'a Dial<'a>) -> BoxFuture<'a, Result<Connected<Shell>, Error>> {
        Box::pin(connect::open(dial, false, Purpose::Terminal))
    }

    fn files<'a>(
        &'a self,
        dial: &'a Dial<'a>,
        limits: &'a FileLimits,
    ) -> BoxFuture<'a, Result<Connected<Files>, Error>> {
        Box::pin(connect::files(dial, false, limits))
    }
}

impl Backend for GuardedLibssh2 {
    fn shell<'a>(&'a self, dial: &'a Dial<'a>) -> BoxFuture<'a, Result<Connected<Shell>, Error>> {
        Box::pin(connect::open(dial, true, Purpose::Terminal))
    }

    fn files<'a>(
        &'a self,
        dial: &'a Dial<'a>,
        limits: &'a FileLimits,
    ) -> BoxFuture<'a, Result<Connected<Files>, Error>> {
        Box::pin(connect::files(dial, true, limits))
    }
}
