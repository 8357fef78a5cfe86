//! The threads of a proxy: one that accepts, and for each connection one for each direction.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::switch::{Duty, Switch, shutdown};

const BUFFER_BYTES: usize = 16 * 1024;
const STACK_BYTES: usize = 128 * 1024;
/// How long a target may take to accept; those on this machine do so at once, or refuse.
const CONNECT_MAX: Duration = Duration::from_secs(2);

pub(super) fn accept_all(switch: &Arc<Switch>) {
    while let Some(client) = switch.accept() {
        if let Err(e) = serve(switch, client) {
            eprintln!("testkit: a proxy closed a connection: {e}");
        }
    }
}

fn serve(switch: &Arc<Switch>, client: TcpStream) -> io::Result<()> {
    let Some(target) = switch.target() else {
        return Ok(());
    };
    // A server that is gone shows to the client as a connection that closes, which a test may want.
    let Ok(server) = TcpStream::connect_timeout(&target, CONNECT_MAX) else {
        return Ok(());
    };
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let Some([requests, replies]) = switch.join(client, server) else {
        return Ok(());
    };
    spawn(requests, pass_requests)?;
    spawn(replies, pass_replies)
}

fn spawn(duty: Duty, pass: fn(&Duty) -> io::Result<()>) -> io::Result<()> {
    let (switch, id) = (Arc::clone(&duty.switch), duty.link.id);
    let run = move || {
        // A failed read or write is how a connection ends that a peer gave up: both sides are closed.
        if pass(&duty).is_err() {
            duty.close();
        }
    };
    let thread = thread::Builder::new().name("testkit-proxy".to_owned()).stack_size(STACK_BYTES);
    thread.spawn(run).map(|_detached| ()).inspect_err(|_| switch.change(|rules| rules.close(id)))
}

fn pass_requests(duty: &Duty) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let bytes = read(&duty.link.client, &mut buffer)?;
        if bytes.is_empty() {
            // The client may still read; the server closes when it has answered.
            shutdown(&duty.link.server, Shutdown::Write);
            return Ok(());
        }
        if duty.request(bytes.len()) {
            (&duty.link.server).write_all(bytes)?;
        }
    }
}

fn pass_replies(duty: &Duty) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let bytes = read(&duty.link.server, &mut buffer)?;
        if bytes.is_empty() || !duty.reply(bytes.len()) {
            duty.close();
            return Ok(());
        }
        (&duty.link.client).write_all(bytes)?;
    }
}

/// What comes next from `stream`; nothing at its end.
fn read<'a>(mut stream: &TcpStream, buffer: &'a mut [u8]) -> io::Result<&'a [u8]> {
    let count = loop {
        match stream.read(buffer) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            other => break other?,
        }
    };
    Ok(buffer.get(..count).unwrap_or_default())
}
