//! What a learner may do with the files of their home over SFTP: each call gets one answer. It blocks.

use std::collections::HashMap;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt as _;

use bytes::{Buf as _, Bytes, BytesMut};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, RenameFlags, Stat};
use rustix::io::Errno;
use webssh_core::files::packet::{
    Account, Answer, Attrs, Call, ClientPacket, NameEntry, OpenFlags, PacketError, ServerPacket, Status,
    StatusCode, Times, VERSION,
};

use super::jail::{Jail, Last, Spot, hand_over};
use super::sftp_refusal::{BAD, NO_HANDLE, No, UNSUPPORTED, refusal};

/// The length of one file, as a shell's `ulimit` has it.
const FILE_BYTES_MAX: u64 = 10 * 1024 * 1024;
/// Bytes of one answer.
const READ_BYTES_MAX: u32 = 64 * 1024;
/// Files and folders that are open.
const HANDLES_MAX: usize = 64;
/// Names in one answer.
const NAMES_MAX: usize = 100;

/// The extensions, each in its first version.
const EXTENSIONS: [&str; 3] = ["limits@openssh.com", "posix-rename@openssh.com", "fsync@openssh.com"];

/// One client's files.
pub(super) struct Calls {
    jail: Jail,
    open: HashMap<u32, Open>,
    next_handle: u32,
}

/// What a handle stands for.
enum Open {
    File(File),
    Folder { names: Dir, folder: OwnedFd },
}

type Done = Result<Answer, No>;

const OK: Answer = Answer::Status(Status { code: StatusCode::OK, words: Bytes::new() });

impl Calls {
    pub(super) fn new(jail: Jail) -> Self {
        Self { jail, open: HashMap::new(), next_handle: 0 }
    }

    /// Answers one packet.
    ///
    /// # Errors
    /// When it is none: nothing after it can be read.
    pub(super) fn answer(&mut self, body: Bytes, out: &mut BytesMut) -> Result<(), PacketError> {
        let packet = match ClientPacket::decode(body)? {
            ClientPacket::Init { .. } => {
                let one =
                    |name: &&'static str| (Bytes::from_static(name.as_bytes()), Bytes::from_static(b"1"));
                ServerPacket::Version { version: VERSION, extensions: EXTENSIONS.iter().map(one).collect() }
            }
            ClientPacket::Call { id, call } => {
                ServerPacket::Answer { id, answer: self.done(call).unwrap_or_else(refusal) }
            }
        };
        packet.encode(out);
        Ok(())
    }

    fn done(&mut self, call: Call) -> Done {
        match call {
            Call::Open { path, flags, attrs } => self.open_file(&path, flags, &attrs),
            Call::Close { handle } => {
                let open = number(&handle).and_then(|number| self.open.remove(&number));
                open.map(|_closed| OK).ok_or(NO_HANDLE)
            }
            Call::Read { handle, offset, len } => read(self.file(&handle)?, offset, len),
            Call::Write { handle, offset, data } => write(self.file(&handle)?, offset, &data),
            Call::Fstat { handle } => Ok(Answer::Attrs(attrs(&match self.handle(&handle)? {
                Open::File(file) => rustix::fs::fstat(file)?,
                Open::Folder { folder, .. } => rustix::fs::fstat(folder)?,
            }))),
            Call::Stat { path } => Ok(Answer::Attrs(attrs(&self.spot(&path, Last::Follow)?.stat()?))),
            Call::Lstat { path } => Ok(Answer::Attrs(attrs(&self.spot(&path, Last::Keep)?.stat()?))),
            Call::OpenDir { path } => {
                let folder = self.spot(&path, Last::Follow)?.open_folder()?;
                let names = Dir::read_from(&folder)?;
                self.keep(Open::Folder { names, folder })
            }
            Call::ReadDir { handle } => match self.handle(&handle)? {
                Open::Folder { names, folder } => list(names, folder),
                Open::File(_) => Err(NO_HANDLE),
            },
            Call::RealPath { path } => {
                let name = Bytes::from(self.spot(&path, Last::Follow)?.path());
                Ok(Answer::Names(vec![NameEntry { line: name.clone(), name, attrs: Attrs::default() }]))
            }
            Call::Remove { path } => self.unlink(&path, AtFlags::empty()),
            Call::RemoveDir { path } => self.unlink(&path, AtFlags::REMOVEDIR),
            Call::MakeDir { path, attrs } => {
                let spot = self.spot(&path, Last::Keep)?;
                let (folder, name) = spot.named()?;
                rustix::fs::mkdirat(folder, name, mode(&attrs, 0o755))?;
                hand_over(folder, name)?;
                Ok(OK)
            }
            Call::Rename { from, to } => self.rename(&from, &to, RenameFlags::NOREPLACE),
            Call::Extended { name, data } => self.extended(&name, data),
            Call::Other { .. } => Err(UNSUPPORTED),
        }
    }

    fn spot(&self, path: &[u8], last: Last) -> Result<Spot, No> {
        Ok(self.jail.walk(path, last)?)
    }

    fn open_file(&mut self, path: &[u8], flags: OpenFlags, attrs: &Attrs) -> Done {
        let spot = self.spot(path, Last::Follow)?;
        let (folder, name) = spot.named()?;
        let access = match (flags.has(OpenFlags::READ), flags.has(OpenFlags::WRITE)) {
            (true, true) => OFlags::RDWR,
            (false, true) => OFlags::WRONLY,
            (true, false) => OFlags::RDONLY,
            (false, false) => return Err(Errno::INVAL.into()),
        };
        // A pipe must not make anybody wait.
        let access = access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let make = || {
            let file = rustix::fs::openat(
                folder,
                name,
                access | OFlags::CREATE | OFlags::EXCL,
                mode(attrs, 0o644) | Mode::RUSR | Mode::WUSR,
            )?;
            hand_over(folder, name)?;
            Ok(file)
        };
        let opened = if flags.has(OpenFlags::CREATE.and(OpenFlags::EXCLUSIVE)) {
            make()
        } else {
            match rustix::fs::openat(folder, name, access, Mode::empty()) {
                Err(Errno::NOENT) if flags.has(OpenFlags::CREATE) => make(),
                opened => opened,
            }
        };
        let file = File::from(opened?);
        let stat = rustix::fs::fstat(&file)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile || !self.jail.owns(&stat) {
            return Err(Errno::ACCESS.into());
        }
        if flags.has(OpenFlags::TRUNCATE) && flags.has(OpenFlags::WRITE) {
            file.set_len(0)?;
        }
        self.keep(Open::File(file))
    }

    fn keep(&mut self, open: Open) -> Done {
        if self.open.len() >= HANDLES_MAX {
            return Err(No::Status(StatusCode::FAILURE, "too many files are open"));
        }
        self.next_handle = self.next_handle.wrapping_add(1);
        while self.open.contains_key(&self.next_handle) {
            self.next_handle = self.next_handle.wrapping_add(1);
        }
        self.open.insert(self.next_handle, open);
        Ok(Answer::Handle(Bytes::copy_from_slice(&self.next_handle.to_be_bytes())))
    }

    fn handle(&mut self, handle: &[u8]) -> Result<&mut Open, No> {
        number(handle).and_then(|number| self.open.get_mut(&number)).ok_or(NO_HANDLE)
    }

    fn file(&mut self, handle: &[u8]) -> Result<&File, No> {
        match self.handle(handle)? {
            Open::File(file) => Ok(file),
            Open::Folder { .. } => Err(NO_HANDLE),
        }
    }

    fn unlink(&self, path: &[u8], flags: AtFlags) -> Done {
        let spot = self.spot(path, Last::Keep)?;
        let (folder, name) = spot.named()?;
        rustix::fs::unlinkat(folder, name, flags)?;
        Ok(OK)
    }

    fn rename(&self, from: &[u8], to: &[u8], flags: RenameFlags) -> Done {
        let (from, to) = (self.spot(from, Last::Keep)?, self.spot(to, Last::Keep)?);
        let ((from, old), (to, new)) = (from.named()?, to.named()?);
        rustix::fs::renameat_with(from, old, to, new, flags)?;
        Ok(OK)
    }

    fn extended(&mut self, name: &[u8], mut data: Bytes) -> Done {
        match name {
            b"limits@openssh.com" => {
                let lengths =
                    [u64::from(super::PACKET_BYTES_MAX), READ_BYTES_MAX.into(), READ_BYTES_MAX.into(), 64];
                Ok(Answer::Extended(lengths.map(u64::to_be_bytes).concat().into()))
            }
            b"posix-rename@openssh.com" => {
                let (from, to) = (string(&mut data)?, string(&mut data)?);
                self.rename(&from, &to, RenameFlags::empty())
            }
            b"fsync@openssh.com" => {
                let handle = string(&mut data)?;
                self.file(&handle)?.sync_all()?;
                Ok(OK)
            }
            _ => Err(UNSUPPORTED),
        }
    }
}

fn read(file: &File, offset: u64, len: u32) -> Done {
    let mut data = vec![0; usize::try_from(len.min(READ_BYTES_MAX)).unwrap_or(0)];
    let came = file.read_at(&mut data, offset)?;
    if came == 0 {
        return Err(No::Status(StatusCode::EOF, "end of file"));
    }
    data.truncate(came);
    Ok(Answer::Data(data.into()))
}

fn write(file: &File, offset: u64, data: &[u8]) -> Done {
    let end = offset.saturating_add(u64::try_from(data.len()).unwrap_or(u64::MAX));
    if end > FILE_BYTES_MAX {
        return Err(No::Status(StatusCode::FAILURE, "files of the lab have at most 10 MiB"));
    }
    file.write_all_at(data, offset)?;
    Ok(OK)
}

/// The next names. What was removed meanwhile is left out.
fn list(names: &mut Dir, folder: &OwnedFd) -> Done {
    let mut found = Vec::new();
    while found.len() < NAMES_MAX {
        let Some(entry) = names.read() else { break };
        let entry = entry?;
        let name = Bytes::copy_from_slice(entry.file_name().to_bytes());
        match rustix::fs::statat(folder, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => found.push(NameEntry { line: name.clone(), name, attrs: attrs(&stat) }),
            Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if found.is_empty() {
        Err(No::Status(StatusCode::EOF, "no more names"))
    } else {
        Ok(Answer::Names(found))
    }
}

fn attrs(stat: &Stat) -> Attrs {
    let secs = |secs: i64| u32::try_from(secs).unwrap_or(0);
    Attrs {
        bytes: u64::try_from(stat.st_size).ok(),
        account: Some(Account { user: stat.st_uid, group: stat.st_gid }),
        mode: Some(stat.st_mode),
        times: Some(Times { accessed_secs: secs(stat.st_atime), modified_secs: secs(stat.st_mtime) }),
    }
}

/// The permissions that were asked for, without any of the special bits.
fn mode(attrs: &Attrs, usual: u32) -> Mode {
    Mode::from_raw_mode(attrs.mode.unwrap_or(usual) & 0o777)
}

fn number(handle: &[u8]) -> Option<u32> {
    handle.try_into().ok().map(u32::from_be_bytes)
}

/// Bytes with their length before them.
fn string(data: &mut Bytes) -> Result<Bytes, No> {
    let len = data.try_get_u32().ok().and_then(|len| usize::try_from(len).ok());
    match len {
        Some(len) if len <= data.len() => Ok(data.split_to(len)),
        _ => Err(BAD),
    }
}
