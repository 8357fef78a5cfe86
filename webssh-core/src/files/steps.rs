//! The calls that one request is made of. Some servers say only that a call failed: then it is looked up why.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{BufMut as _, Bytes, BytesMut};
use tokio::sync::OwnedSemaphorePermit;

use super::caller::{OpenHandle, wrong};
use super::owner::{FSYNC, POSIX_RENAME};
use super::packet::{Attrs, Call, OpenFlags};
use super::reads::Reads;
use super::refusal::{Refusal, Stop};
use super::session::{Start, Taken, WriteOptions};
use super::upload::{Claim, Upload};
use super::{About, Download, Entry, FileKind, FilePath, Files, Listing, Name};

impl Files {
    pub(super) async fn list_some(&self, folder: &FilePath, entries_max: u32) -> Result<Listing, Stop> {
        let handle = self.caller.open(Call::OpenDir { path: folder.bytes() }).await?;
        let mut listing = Listing { entries: Vec::new(), is_complete: true, unusable: 0 };
        let (mut seen, mut dots) = (0, 0);
        while let Some(names) = self.caller.names(Call::ReadDir { handle: handle.handle() }).await? {
            if names.is_empty() {
                // It would be asked for ever.
                return Err(wrong().into());
            }
            for entry in names {
                if dots < 2 && (entry.name == "." || entry.name == "..") {
                    dots += 1;
                    continue;
                }
                // Names that are none count, too: the list of a hostile server has no end.
                if seen >= entries_max {
                    listing.is_complete = false;
                    return Ok(listing);
                }
                seen += 1;
                match Name::parse(&entry.name) {
                    Some(name) => listing.entries.push(Entry { name, about: entry.attrs.into() }),
                    None => listing.unusable = listing.unusable.saturating_add(1),
                }
            }
        }
        handle.close(&self.caller).await?;
        Ok(listing)
    }

    pub(super) async fn read_steps(&self, path: &FilePath, from: u64) -> Result<Download, Stop> {
        let transfer = self.transfer()?;
        // A pipe would keep the server waiting for somebody who writes.
        self.readable(&About::from(self.caller.attrs(Call::Stat { path: path.bytes() }).await?))?;
        let open = Call::Open { path: path.bytes(), flags: OpenFlags::READ, attrs: Attrs::default() };
        let handle = self.caller.open(open).await?;
        let known = About::from(self.caller.attrs(Call::Fstat { handle: handle.handle() }).await?);
        self.readable(&known)?;
        let limits = &self.shared.limits;
        let (len, bytes_max) = (self.shared.server.read_bytes, limits.file_bytes_max);
        Ok(Download {
            caller: self.caller.clone(),
            handle,
            reads: Reads::new(from, known.bytes, len, limits.flight_bytes_max, bytes_max),
            flight: VecDeque::new(),
            bytes_total: known.bytes,
            bytes_max,
            end: None,
            _transfer: transfer,
        })
    }

    fn readable(&self, known: &About) -> Result<(), Refusal> {
        let bytes_max = self.shared.limits.file_bytes_max;
        match known.kind {
            FileKind::File if known.bytes > bytes_max => Err(Refusal::TooLarge { bytes_max }),
            FileKind::File => Ok(()),
            _ => Err(Refusal::NotAFile),
        }
    }

    pub(super) async fn write_steps(&self, path: &FilePath, options: &WriteOptions) -> Result<Upload, Stop> {
        let bytes_max = self.shared.limits.file_bytes_max;
        if options.bytes.is_some_and(|bytes| bytes > bytes_max) {
            return Err(Refusal::TooLarge { bytes_max }.into());
        }
        let part = path.part().ok_or(Refusal::NotAFile)??;
        let transfer = self.transfer()?;
        let claim = Claim::new(&self.shared.claims, &part).ok_or(Refusal::Busy)?;
        match self.known(path).await? {
            Some(known) if matches!(known.kind, FileKind::Folder) => return Err(Refusal::NotAFile.into()),
            Some(_) if options.taken == Taken::Refuse => return Err(Refusal::Exists.into()),
            _ => {}
        }
        let (handle, from) = self.open_part(&part, options).await?;
        Ok(Upload {
            files: self.clone(),
            path: path.clone(),
            part,
            taken: options.taken,
            handle,
            from,
            bytes_announced: options.bytes,
            offset: from,
            written: from,
            waiting: Bytes::new(),
            flight: VecDeque::new(),
            flight_bytes: 0,
            refused: None,
            _transfer: transfer,
            _claim: claim,
        })
    }

    /// Opens the part, and says how long it is.
    async fn open_part(&self, part: &FilePath, options: &WriteOptions) -> Result<(OpenHandle, u64), Stop> {
        let open = |flags: OpenFlags| {
            let attrs = Attrs { mode: Some(options.mode & 0o777), ..Attrs::default() };
            Call::Open { path: part.bytes(), flags, attrs }
        };
        let known = self.known(part).await?;
        let bytes_max = options.bytes.unwrap_or(self.shared.limits.file_bytes_max);
        let fits = |known: &About| known.kind == FileKind::File && known.bytes <= bytes_max;
        if options.start == Start::Resume && known.as_ref().is_some_and(fits) {
            let handle = self.caller.open(open(OpenFlags::WRITE)).await?;
            let known = About::from(self.caller.attrs(Call::Fstat { handle: handle.handle() }).await?);
            // It may have changed in between; the next try begins anew.
            return if fits(&known) { Ok((handle, known.bytes)) } else { Err(Refusal::Busy.into()) };
        }
        if known.is_some() {
            self.caller.status(Call::Remove { path: part.bytes() }).await?;
        }
        // It must be new: a link that somebody put there would lead elsewhere.
        let flags = OpenFlags::WRITE.and(OpenFlags::CREATE).and(OpenFlags::EXCLUSIVE);
        Ok((self.caller.open(open(flags)).await?, 0))
    }

    /// Moves a file to its place.
    pub(super) async fn place(&self, from: &FilePath, to: &FilePath, taken: Taken) -> Result<(), Stop> {
        let rename = || Call::Rename { from: from.bytes(), to: to.bytes() };
        if taken == Taken::Replace {
            if self.shared.server.renames_over {
                return self.caller.status(posix_rename(from, to)).await;
            }
            // In two steps, for want of one.
            if self.known(to).await?.is_some() {
                self.caller.status(Call::Remove { path: to.bytes() }).await?;
            }
            return self.caller.status(rename()).await;
        }
        // There are servers whose renaming replaces.
        if self.known(to).await?.is_some() {
            return Err(Refusal::Exists.into());
        }
        let renamed = self.caller.status(rename()).await;
        self.or_exists(renamed, to).await
    }

    pub(super) async fn remove_steps(&self, path: &FilePath) -> Result<(), Stop> {
        let known = self.known(path).await?.ok_or(Refusal::NotFound)?;
        if known.kind != FileKind::Folder {
            return self.caller.status(Call::Remove { path: path.bytes() }).await;
        }
        match self.caller.status(Call::RemoveDir { path: path.bytes() }).await {
            Err(Stop::Refused(Refusal::Failed { words })) => match self.list_some(path, 0).await {
                Ok(Listing { is_complete: false, .. }) => Err(Refusal::NotEmpty.into()),
                _ => Err(Refusal::Failed { words }.into()),
            },
            removed => removed,
        }
    }

    /// A failure without a reason has one if the name is taken.
    pub(super) async fn or_exists(&self, tried: Result<(), Stop>, path: &FilePath) -> Result<(), Stop> {
        if matches!(tried, Err(Stop::Refused(Refusal::Failed { .. }))) && self.known(path).await?.is_some() {
            return Err(Refusal::Exists.into());
        }
        tried
    }

    /// What is at a path, links not followed; `None` when there is nothing.
    pub(super) async fn known(&self, path: &FilePath) -> Result<Option<About>, Stop> {
        match self.caller.attrs(Call::Lstat { path: path.bytes() }).await {
            Ok(attrs) => Ok(Some(attrs.into())),
            Err(Stop::Refused(Refusal::NotFound)) => Ok(None),
            Err(stop) => Err(stop),
        }
    }

    fn transfer(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        Arc::clone(&self.shared.transfers).try_acquire_owned().map_err(|_full| Refusal::Busy)
    }
}

/// `posix-rename@openssh.com`: replaces in one step (OpenSSH's PROTOCOL, section 4.3).
fn posix_rename(from: &FilePath, to: &FilePath) -> Call {
    extended(POSIX_RENAME, &[from.as_bytes(), to.as_bytes()])
}

/// `fsync@openssh.com`: waits until the file is on the disk (OpenSSH's PROTOCOL, section 4.6).
pub(super) fn sync(handle: &Bytes) -> Call {
    extended(FSYNC, &[handle])
}

fn extended(name: &'static [u8], strings: &[&[u8]]) -> Call {
    let mut data = BytesMut::new();
    for string in strings {
        data.put_u32(u32::try_from(string.len()).unwrap_or(u32::MAX));
        data.put_slice(string);
    }
    Call::Extended { name: Bytes::from_static(name), data: data.freeze() }
}
