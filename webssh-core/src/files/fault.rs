//! How a server can break the protocol.

use super::packet::PacketError;

/// What a server did wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("what it sends is not sftp: check that its startup files print nothing")]
    NotSftp(#[source] PacketError),
    #[error("it sent an unusable packet")]
    Packet(#[source] PacketError),
    #[error("it speaks version {0}, not 3")]
    Version(u32),
    #[error("its first packet is not its version")]
    NoVersion,
    #[error("it sent its version twice")]
    SecondVersion,
    #[error("it answered call {0}, which is not open")]
    NoSuchCall(u32),
    #[error("it answered with something else than was asked for")]
    WrongAnswer,
    #[error("it sent {bytes} bytes where {bytes_max} were asked for")]
    Amount { bytes: usize, bytes_max: u32 },
}
