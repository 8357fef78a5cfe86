//! What is known of a file (section 5 of the draft).

use bytes::{BufMut as _, BytesMut};

use super::PacketError;
use super::wire::Reader;

const SIZE: u32 = 0x1;
const ACCOUNT: u32 = 0x2;
const MODE: u32 = 0x4;
const TIMES: u32 = 0x8;
const EXTENDED: u32 = 0x8000_0000;

/// What is known of a file. The draft is final, so no field can be added. Extended attributes are skipped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attrs {
    /// The length, in bytes.
    pub bytes: Option<u64>,
    /// Whose it is.
    pub account: Option<Account>,
    /// Type and permissions, as POSIX's `st_mode`.
    pub mode: Option<u32>,
    /// When it was used.
    pub times: Option<Times>,
}

/// Numbers of a user and a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    /// The user.
    pub user: u32,
    /// The group.
    pub group: u32,
}

/// Seconds since 1970 (UTC). They end in 2106.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// The last time it was read.
    pub accessed_secs: u32,
    /// The last time it was written.
    pub modified_secs: u32,
}

impl Attrs {
    pub(super) fn read(reader: &mut Reader) -> Result<Self, PacketError> {
        let flags = reader.u32()?;
        let has = |flag: u32| flags & flag != 0;
        let bytes = if has(SIZE) { Some(reader.u64()?) } else { None };
        let account =
            if has(ACCOUNT) { Some(Account { user: reader.u32()?, group: reader.u32()? }) } else { None };
        let mode = if has(MODE) { Some(reader.u32()?) } else { None };
        let times = if has(TIMES) {
            Some(Times { accessed_secs: reader.u32()?, modified_secs: reader.u32()? })
        } else {
            None
        };
        if has(EXTENDED) {
            // Each pair takes at least eight bytes, so a large count runs out of them at once.
            for _ in 0..reader.u32()? {
                reader.string()?;
                reader.string()?;
            }
        }
        Ok(Self { bytes, account, mode, times })
    }

    pub(super) fn put(&self, out: &mut BytesMut) {
        let flag = |is: bool, flag: u32| if is { flag } else { 0 };
        out.put_u32(
            flag(self.bytes.is_some(), SIZE)
                | flag(self.account.is_some(), ACCOUNT)
                | flag(self.mode.is_some(), MODE)
                | flag(self.times.is_some(), TIMES),
        );
        if let Some(bytes) = self.bytes {
            out.put_u64(bytes);
        }
        if let Some(Account { user, group }) = self.account {
            out.put_u32(user);
            out.put_u32(group);
        }
        if let Some(mode) = self.mode {
            out.put_u32(mode);
        }
        if let Some(Times { accessed_secs, modified_secs }) = self.times {
            out.put_u32(accessed_secs);
            out.put_u32(modified_secs);
        }
    }
}
