//! The packets of SFTP version 3 (draft-ietf-secsh-filexfer-02), as values, for both ends.
//!
//! A packet is a length, a type and a body. [`Splitter`] finds the packets in a stream of bytes; `decode`
//! reads one, `encode` writes one with its length. Strings are bytes: version 3 knows no character set.
//!
//! ```
//! use bytes::BytesMut;
//! use webssh_core::files::packet::{Answer, ServerPacket, Splitter, Status, StatusCode};
//!
//! let status = Status { code: StatusCode::NO_SUCH_FILE, words: "no such file".into() };
//! let packet = ServerPacket::Answer { id: 7, answer: Answer::Status(status) };
//! let mut stream = BytesMut::new();
//! packet.encode(&mut stream);
//! let mut splitter = Splitter::new(1024);
//! splitter.push(&stream);
//! let body = splitter.next_body()?.expect("it is whole");
//! assert_eq!(ServerPacket::decode(body)?, packet);
//! # Ok::<(), webssh_core::files::packet::PacketError>(())
//! ```

mod attrs;
mod client;
mod server;
mod splitter;
mod wire;

pub use attrs::{Account, Attrs, Times};
pub use client::{Call, ClientPacket, OpenFlags};
pub use server::{Answer, NameEntry, ServerPacket, Status, StatusCode};
pub use splitter::Splitter;

/// The version that both ends speak.
pub const VERSION: u32 = 3;

/// The longest handle (section 3 of the draft).
pub const HANDLE_BYTES_MAX: usize = 256;

/// Why bytes are not a packet. Neither the message nor the value holds any of the bytes but the type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PacketError {
    /// A packet without even a type.
    #[error("the packet is empty")]
    Empty,
    /// The type is none of this direction.
    #[error("packet type {0} is unknown")]
    UnknownType(u8),
    /// Fewer bytes than the type needs.
    #[error("the packet of type {0} is too short")]
    Short(u8),
    /// More bytes than the type has.
    #[error("the packet of type {0} has trailing bytes")]
    Trailing(u8),
    /// A handle of no bytes, or of more than [`HANDLE_BYTES_MAX`].
    #[error("the packet of type {0} has an unusable handle")]
    Handle(u8),
    /// A packet that is longer than it may be. Words that a server's startup files print look like one.
    #[error("the packet would have {bytes} bytes, over the limit of {bytes_max}")]
    Oversize {
        /// The length that came.
        bytes: u32,
        /// The longest length allowed.
        bytes_max: u32,
    },
}
