//! A way through a jump host: a `direct-tcpip` channel on one side, a socket pair for libssh2 on the other.
//!
//! The jump host's session has an owner like any other; its channel is carried as if it were a shell.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use super::link::{Link, socket_error};
use super::owner::Owner;
use crate::error::{Error, Inner};
use crate::ssh::{ConnectOptions, Output, Shell, ShellInput, ShellOutput};

/// Bytes that are carried to the jump host at a time.
const CHUNK_BYTES: usize = 16 * 1024;

/// Opens a channel to `addr` and carries it in tasks of its own. They end when the stream is dropped, or
/// with the jump host's session.
pub(super) async fn open(
    mut link: Link,
    addr: SocketAddr,
    options: &ConnectOptions,
) -> Result<UnixStream, Error> {
    let doing = "opening a way through the jump host";
    link.settle()?;
    let (session, host) = (link.session().clone(), addr.ip().to_string());
    let open = || session.channel_direct_tcpip(&host, addr.port(), None);
    let channel = link.drive(doing, open).await.map_err(not_reached)?;
    let (near, far) = UnixStream::pair().map_err(socket_error(doing))?;
    let (shell, port) = Shell::pair();
    tokio::spawn(Owner::new(link, channel, port, options).run());
    tokio::spawn(carry(shell, far));
    Ok(near)
}

/// A jump host that does not open the channel could not reach the server, which may be over later.
fn not_reached(error: Error) -> Error {
    Inner::NotForwarded { source: error }.into()
}

/// Carries bytes until either end is done. What is lost with one end the other cannot use: SSH inside sees
/// that its connection has ended.
async fn carry(shell: Shell, stream: UnixStream) {
    let (input, output) = shell.split();
    let (read, write) = stream.into_split();
    let _done_or_broken = tokio::select! {
        up = up(read, input) => up,
        down = down(output, write) => down,
    };
}

async fn up(mut read: OwnedReadHalf, input: ShellInput) -> io::Result<()> {
    loop {
        let mut chunk = bytes::BytesMut::with_capacity(CHUNK_BYTES);
        if read.read_buf(&mut chunk).await? == 0 || input.send(chunk.freeze()).await.is_err() {
            return Ok(());
        }
    }
}

async fn down(mut output: ShellOutput, mut write: OwnedWriteHalf) -> io::Result<()> {
    while let Output::Bytes(bytes) = output.recv().await {
        write.write_all(&bytes).await?;
    }
    Ok(())
}
