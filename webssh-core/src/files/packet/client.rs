//! What a client sends (section 6 of the draft).

use bytes::{BufMut as _, Bytes, BytesMut};

use super::wire::{Reader, packet, put_string};
use super::{Attrs, PacketError};

/// A packet of a client. The draft is final, so none can be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientPacket {
    /// The first packet: the newest version that the client speaks.
    Init {
        /// [`VERSION`](super::VERSION), or another.
        version: u32,
    },
    /// Something to do.
    Call {
        /// Stands in the answer as well.
        id: u32,
        /// What to do.
        call: Call,
    },
}

/// Something that a client asks for. Paths are relative to the folder of the login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// Opens a file; answered by a handle.
    Open {
        /// Which.
        path: Bytes,
        /// For what.
        flags: OpenFlags,
        /// What a new file gets.
        attrs: Attrs,
    },
    /// Closes a handle.
    Close {
        /// Which.
        handle: Bytes,
    },
    /// Reads; answered by data, or by the status `EOF`.
    Read {
        /// Of which file.
        handle: Bytes,
        /// From which byte on.
        offset: u64,
        /// Bytes at most.
        len: u32,
    },
    /// Writes.
    Write {
        /// To which file.
        handle: Bytes,
        /// From which byte on.
        offset: u64,
        /// The bytes.
        data: Bytes,
    },
    /// Asks for the attributes of a file, or of the link itself.
    Lstat {
        /// Which.
        path: Bytes,
    },
    /// Asks for the attributes of an open file.
    Fstat {
        /// Which.
        handle: Bytes,
    },
    /// Opens a folder for reading; answered by a handle.
    OpenDir {
        /// Which.
        path: Bytes,
    },
    /// Reads some names; answered by names, or by the status `EOF`.
    ReadDir {
        /// Of which folder.
        handle: Bytes,
    },
    /// Removes a file or a link.
    Remove {
        /// Which.
        path: Bytes,
    },
    /// Makes a folder.
    MakeDir {
        /// Which.
        path: Bytes,
        /// What it gets.
        attrs: Attrs,
    },
    /// Removes an empty folder.
    RemoveDir {
        /// Which.
        path: Bytes,
    },
    /// Asks for the absolute path; answered by one name.
    RealPath {
        /// Of what.
        path: Bytes,
    },
    /// Asks for the attributes of what a path leads to.
    Stat {
        /// Which.
        path: Bytes,
    },
    /// Gives a new name. Servers disagree on a name that is taken; OpenSSH refuses.
    Rename {
        /// The present path.
        from: Bytes,
        /// The new path.
        to: Bytes,
    },
    /// An extension, by its name.
    Extended {
        /// As `limits@openssh.com`.
        name: Bytes,
        /// What the extension defines.
        data: Bytes,
    },
    /// A call that this crate has no use for: setting attributes, reading and making links, and unknown ones.
    Other {
        /// The type.
        kind: u8,
        /// What follows the id.
        body: Bytes,
    },
}

/// For what a file is opened: a sum of the constants (section 6.3 of the draft).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenFlags(pub u32);

impl OpenFlags {
    /// To read.
    pub const READ: Self = Self(0x01);
    /// To write.
    pub const WRITE: Self = Self(0x02);
    /// To write at the end only.
    pub const APPEND: Self = Self(0x04);
    /// It is made if it is not there.
    pub const CREATE: Self = Self(0x08);
    /// What is in it is forgotten.
    pub const TRUNCATE: Self = Self(0x10);
    /// Together with `CREATE`: it must not be there.
    pub const EXCLUSIVE: Self = Self(0x20);

    /// Both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` is in it.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

const INIT: u8 = 1;

impl ClientPacket {
    /// Writes the packet with its length.
    pub fn encode(&self, out: &mut BytesMut) {
        match self {
            Self::Init { version } => packet(out, INIT, |out| out.put_u32(*version)),
            Self::Call { id, call } => packet(out, call.kind(), |out| {
                out.put_u32(*id);
                call.put(out);
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
            // Pairs of extensions may follow.
            INIT => Ok(Self::Init { version: reader.u32()? }),
            3..=100 | 200 => {
                let id = reader.u32()?;
                Ok(Self::Call { id, call: Call::read(kind, reader)? })
            }
            _ => Err(PacketError::UnknownType(kind)),
        }
    }
}

impl Call {
    fn kind(&self) -> u8 {
        match self {
            Self::Open { .. } => 3,
            Self::Close { .. } => 4,
            Self::Read { .. } => 5,
            Self::Write { .. } => 6,
            Self::Lstat { .. } => 7,
            Self::Fstat { .. } => 8,
            Self::OpenDir { .. } => 11,
            Self::ReadDir { .. } => 12,
            Self::Remove { .. } => 13,
            Self::MakeDir { .. } => 14,
            Self::RemoveDir { .. } => 15,
            Self::RealPath { .. } => 16,
            Self::Stat { .. } => 17,
            Self::Rename { .. } => 18,
            Self::Extended { .. } => 200,
            Self::Other { kind, .. } => *kind,
        }
    }

    fn put(&self, out: &mut BytesMut) {
        match self {
            Self::Open { path, flags, attrs } => {
                put_string(out, path);
                out.put_u32(flags.0);
                attrs.put(out);
            }
            Self::Close { handle } | Self::Fstat { handle } | Self::ReadDir { handle } => {
                put_string(out, handle);
            }
            Self::Read { handle, offset, len } => {
                put_string(out, handle);
                out.put_u64(*offset);
                out.put_u32(*len);
            }
            Self::Write { handle, offset, data } => {
                put_string(out, handle);
                out.put_u64(*offset);
                put_string(out, data);
            }
            Self::Lstat { path }
            | Self::OpenDir { path }
            | Self::Remove { path }
            | Self::RemoveDir { path }
            | Self::RealPath { path }
            | Self::Stat { path } => put_string(out, path),
            Self::MakeDir { path, attrs } => {
                put_string(out, path);
                attrs.put(out);
            }
            Self::Rename { from, to } => {
                put_string(out, from);
                put_string(out, to);
            }
            Self::Extended { name, data } => {
                put_string(out, name);
                out.put_slice(data);
            }
            Self::Other { body, .. } => out.put_slice(body),
        }
    }

    fn read(kind: u8, mut reader: Reader) -> Result<Self, PacketError> {
        let r = &mut reader;
        let call = match kind {
            3 => Self::Open { path: r.string()?, flags: OpenFlags(r.u32()?), attrs: Attrs::read(r)? },
            4 => Self::Close { handle: r.handle()? },
            5 => Self::Read { handle: r.handle()?, offset: r.u64()?, len: r.u32()? },
            6 => Self::Write { handle: r.handle()?, offset: r.u64()?, data: r.string()? },
            7 => Self::Lstat { path: r.string()? },
            8 => Self::Fstat { handle: r.handle()? },
            11 => Self::OpenDir { path: r.string()? },
            12 => Self::ReadDir { handle: r.handle()? },
            13 => Self::Remove { path: r.string()? },
            14 => Self::MakeDir { path: r.string()?, attrs: Attrs::read(r)? },
            15 => Self::RemoveDir { path: r.string()? },
            16 => Self::RealPath { path: r.string()? },
            17 => Self::Stat { path: r.string()? },
            18 => Self::Rename { from: r.string()?, to: r.string()? },
            200 => return Ok(Self::Extended { name: r.string()?, data: reader.tail() }),
            kind => return Ok(Self::Other { kind, body: reader.tail() }),
        };
        reader.end(call)
    }
}
