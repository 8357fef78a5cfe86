//! Why bytes are not a frame.

/// Why bytes are not a frame. Neither the message nor the value holds any of the bytes but the type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// A message without even a type byte.
    #[error("the frame is empty")]
    Empty,
    /// The first byte names no frame of this direction.
    #[error("frame type {0:#04x} is unknown")]
    UnknownType(u8),
    /// Fewer bytes than the type needs.
    #[error("the frame of type {0:#04x} is too short")]
    Short(u8),
    /// More bytes than the type has.
    #[error("the frame of type {0:#04x} has trailing bytes")]
    Trailing(u8),
    /// More bytes than a frame, or one of its parts, may have.
    #[error("a frame or a part of it has {bytes} bytes, over the limit of {bytes_max}")]
    Oversize {
        /// The length that came.
        bytes: usize,
        /// The longest length allowed.
        bytes_max: usize,
    },
    /// Columns or rows are not from 1 to 1000.
    #[error("the terminal size is out of range: both numbers must be from 1 to 1000")]
    WinSize,
    /// A text is not UTF-8.
    #[error("the text of the frame is not utf-8")]
    Text,
    /// A ticket is not 1 to 512 bytes of visible ASCII.
    #[error("the ticket is not from 1 to 512 bytes of visible ascii")]
    Ticket,
    /// A number that stands for a choice stands for none.
    #[error("the frame of type {0:#04x} has a choice that does not exist")]
    Choice(u8),
    /// More questions or answers than a frame may have.
    #[error("the frame has {count} questions or answers, over the limit of {count_max}")]
    TooMany {
        /// How many there are.
        count: usize,
        /// How many there may be.
        count_max: usize,
    },
}
