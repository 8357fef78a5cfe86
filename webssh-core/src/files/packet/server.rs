//! What a server answers (section 7 of the draft).

use bytes::{BufMut as _, Bytes, BytesMut};

use super::wire::{Reader, length, packet, put_string};
use super::{Attrs, PacketError};

/// A packet of a server. The draft is final, so none can be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerPacket {
    /// The answer to the first packet of a client.
    Version {
        /// The version that both speak.
        version: u32,
        /// Names of extensions, with what each says of itself.
        extensions: Vec<(Bytes, Bytes)>,
    },
    /// The answer to a call.
    Answer {
        /// The id of the call.
        id: u32,
        /// What it says.
        answer: Answer,
    },
}

/// What a server answers to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// How it went.
    Status(Status),
    /// What was opened.
    Handle(Bytes),
    /// What was read.
    Data(Bytes),
    /// Names of files.
    Names(Vec<NameEntry>),
    /// Attributes of a file.
    Attrs(Attrs),
    /// What the extension defines.
    Extended(Bytes),
}

/// How a call went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// For machines.
    pub code: StatusCode,
    /// For people, as the server sent them: they may hold anything. Some servers send none.
    pub words: Bytes,
}

/// A number of section 7 of the draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusCode(pub u32);

impl StatusCode {
    /// It was done.
    pub const OK: Self = Self(0);
    /// There is no more.
    pub const EOF: Self = Self(1);
    /// A part of the path is not there.
    pub const NO_SUCH_FILE: Self = Self(2);
    /// The account may not.
    pub const PERMISSION_DENIED: Self = Self(3);
    /// Anything else.
    pub const FAILURE: Self = Self(4);
    /// The call was not understood.
    pub const BAD_MESSAGE: Self = Self(5);
    /// The server does not do that.
    pub const OP_UNSUPPORTED: Self = Self(8);
}

/// A file in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameEntry {
    /// Its name.
    pub name: Bytes,
    /// A line for people, as of `ls -l`.
    pub line: Bytes,
    /// What is known of it.
    pub attrs: Attrs,
}

/// A name takes at least two lengths and the flags of its attributes.
const NAME_BYTES_MIN: usize = 12;

impl ServerPacket {
    /// Writes the packet with its length.
    pub fn encode(&self, out: &mut BytesMut) {
        match self {
            Self::Version { version, extensions } => packet(out, 2, |out| {
                out.put_u32(*version);
                for (name, data) in extensions {
                    put_string(out, name);
                    put_string(out, data);
                }
            }),
            Self::Answer { id, answer } => packet(out, answer.kind(), |out| {
                out.put_u32(*id);
                answer.put(out);
            }),
        }
    }

    /// Reads a packet from its type on.
    ///
    /// # Errors
    /// When it is none, or has more or fewer bytes than it should.
    pub fn decode(body: Bytes) -> Result<Self, PacketError> {
        let (kind, mut reader) = Reader::new(body)?;
        match kind {
            2 => {
                let version = reader.u32()?;
                let mut extensions = Vec::new();
                while !reader.is_empty() {
                    extensions.push((reader.string()?, reader.string()?));
                }
                Ok(Self::Version { version, extensions })
            }
            101..=105 | 201 => {
                let id = reader.u32()?;
                Ok(Self::Answer { id, answer: Answer::read(kind, reader)? })
            }
            _ => Err(PacketError::UnknownType(kind)),
        }
    }
}

impl Answer {
    /// A status without words.
    #[must_use]
    pub fn status(code: StatusCode) -> Self {
        Self::Status(Status { code, words: Bytes::new() })
    }

    fn kind(&self) -> u8 {
        match self {
            Self::Status(_) => 101,
            Self::Handle(_) => 102,
            Self::Data(_) => 103,
            Self::Names(_) => 104,
            Self::Attrs(_) => 105,
            Self::Extended(_) => 201,
        }
    }

    fn put(&self, out: &mut BytesMut) {
        match self {
            Self::Status(Status { code, words }) => {
                out.put_u32(code.0);
                put_string(out, words);
                // The language of the words, which is not known.
                put_string(out, b"");
            }
            Self::Handle(bytes) | Self::Data(bytes) => put_string(out, bytes),
            Self::Names(names) => {
                out.put_u32(length(names.len()));
                for NameEntry { name, line, attrs } in names {
                    put_string(out, name);
                    put_string(out, line);
                    attrs.put(out);
                }
            }
            Self::Attrs(attrs) => attrs.put(out),
            Self::Extended(data) => out.put_slice(data),
        }
    }

    fn read(kind: u8, mut reader: Reader) -> Result<Self, PacketError> {
        let r = &mut reader;
        let answer = match kind {
            101 => Self::Status(status(r)?),
            102 => Self::Handle(r.handle()?),
            103 => Self::Data(r.string()?),
            104 => Self::Names(names(r)?),
            105 => Self::Attrs(Attrs::read(r)?),
            _ => return Ok(Self::Extended(reader.tail())),
        };
        reader.end(answer)
    }
}

/// Old servers leave out the language, or the words as well.
fn status(reader: &mut Reader) -> Result<Status, PacketError> {
    let code = StatusCode(reader.u32()?);
    let words = if reader.is_empty() { Bytes::new() } else { reader.string()? };
    if !reader.is_empty() {
        reader.string()?;
    }
    Ok(Status { code, words })
}

fn names(reader: &mut Reader) -> Result<Vec<NameEntry>, PacketError> {
    let count = usize::try_from(reader.u32()?).map_err(|_| reader.short())?;
    if count > reader.remaining() / NAME_BYTES_MIN {
        return Err(reader.short());
    }
    let mut names = Vec::with_capacity(count);
    for _ in 0..count {
        let (name, line) = (reader.string()?, reader.string()?);
        names.push(NameEntry { name, line, attrs: Attrs::read(reader)? });
    }
    Ok(names)
}
