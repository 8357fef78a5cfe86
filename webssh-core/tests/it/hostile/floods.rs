//! Floods of an open shell whose reader has stalled: the memory stays within a bound, and the end is told.

use std::sync::mpsc::channel;

use tokio::runtime::{Builder, Runtime};
use webssh_core::ChannelEnd;
use webssh_core::ssh::ConnectOptions;

use super::apart::{for_each_backend_apart, forget_peak, peak_kib, resident_kib};
use super::keys::string;
use super::peer::{Peer, Server, Stage};
use crate::contract::lab::{AnyBackend, Call, password};
use crate::contract::screen::Screen;

for_each_backend_apart!(
    output_of_no_bytes,
    errors_of_no_bytes,
    output_of_one_byte,
    output_beyond_the_window,
    messages_to_be_ignored,
    windows_that_grow_by_nothing,
    channels_that_the_server_opens,
    statuses_without_end,
    requests_that_want_an_answer,
    answers_that_nobody_asked_for,
);

/// What a session may add to the memory of the process, in KiB: the window, what is read ahead, input, the
/// largest packet twice, and as much again for the allocator and the stacks.
const BOUND_KIB: u64 = 2 * (256 + 256 + 64 + 512);

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Opens a shell, lets the server flood it while nobody reads, and reads it to its end.
fn flooded(backend: &AnyBackend, times: usize, message: impl Fn(&Peer) -> Vec<u8> + Send + 'static) {
    flooded_up_to(backend, ConnectOptions::default().session_bytes_max, times, message);
}

/// The same with a limit on all bytes of a session.
fn flooded_up_to(
    backend: &AnyBackend,
    session_bytes_max: u64,
    times: usize,
    message: impl Fn(&Peer) -> Vec<u8> + Send + 'static,
) {
    let runtime = runtime();
    let (over, floods) = channel();
    let server = Server::start(2, move |mut peer| {
        peer.play(Stage::Shell).expect("a shell is open");
        let message = message(&peer);
        peer.flood(&message, times);
        over.send(()).expect("the test waits");
    });
    let mut call = Call::new(server.addr, "visitor", &server.host_key_line, [password("x")]);
    call.options.close_secs_max = 1;
    call.options.session_bytes_max = session_bytes_max;
    // What the first session needs for ever is not counted.
    let mut before = 0;
    for _ in 0..2 {
        before = resident_kib();
        forget_peak();
        let shell = runtime.block_on(call.shell(backend));
        // Nobody reads until the flood is over or finds no room.
        floods.recv().expect("the server floods");
        let mut screen = Screen::new(shell);
        let end = runtime.block_on(screen.end());
        assert!(matches!(end, ChannelEnd::Lost(_) | ChannelEnd::Exited { .. }), "{end:?}");
    }
    server.join();
    let grown = peak_kib().saturating_sub(before);
    println!("{backend:?}: {grown} KiB more");
    assert!(grown <= BOUND_KIB, "{grown} KiB more than before");
}

fn output_of_no_bytes(backend: &AnyBackend) {
    flooded(backend, 40_000, |peer| [peer.about_channel(94), string(b"")].concat());
}

fn errors_of_no_bytes(backend: &AnyBackend) {
    flooded(backend, 40_000, |peer| [&peer.about_channel(95)[..], &[0, 0, 0, 1], &string(b"")].concat());
}

fn output_of_one_byte(backend: &AnyBackend) {
    flooded(backend, 40_000, |peer| [peer.about_channel(94), string(b"x")].concat());
}

fn output_beyond_the_window(backend: &AnyBackend) {
    flooded(backend, 1_000, |peer| [peer.about_channel(94), string(&[b'x'; 32 * 1024])].concat());
}

fn messages_to_be_ignored(backend: &AnyBackend) {
    flooded(backend, 20_000, |_| [&[2][..], &string(&[b'x'; 1024])].concat());
}

fn windows_that_grow_by_nothing(backend: &AnyBackend) {
    flooded(backend, 40_000, |peer| [&peer.about_channel(93)[..], &[0, 0, 0, 0]].concat());
}

fn channels_that_the_server_opens(backend: &AnyBackend) {
    let numbers = [7_u32, 1024, 1024].map(u32::to_be_bytes).concat();
    let agent = [&[90][..], &string(b"auth-agent@openssh.com"), &numbers].concat();
    flooded(backend, 20_000, move |_| agent.clone());
}

fn statuses_without_end(backend: &AnyBackend) {
    flooded(backend, 40_000, |peer| {
        [&peer.about_channel(98)[..], &string(b"exit-status"), &[0, 0, 0, 0, 7]].concat()
    });
}

fn requests_that_want_an_answer(backend: &AnyBackend) {
    flooded(backend, 40_000, |_| [&[80][..], &string(b"keepalive@openssh.com"), &[1]].concat());
}

/// libssh2 keeps each of them until the session ends, four bytes for one: the limit of bytes ends it first.
fn answers_that_nobody_asked_for(backend: &AnyBackend) {
    flooded_up_to(backend, 256 * 1024, 100_000, |_| vec![82]);
}
