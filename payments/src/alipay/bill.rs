//! The archive that a bill comes in: a ZIP file with the lines of the day and a summary, both text in GBK.

use super::bill_lines::{Counts, details, summary};
use crate::bill::{Bill, BillDay};
use crate::error::{Cause, Error};
use crate::notify::Channel;
use std::io::{Cursor, Read};
use zip::ZipArchive;

/// The most that an archive may hold unpacked, in bytes.
pub const BILL_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// The most files that an archive may hold.
pub const BILL_FILES_MAX: usize = 16;

pub(super) const WHAT: &str = "alipay bill";
/// The first line of the file with the lines of the day. The names of the files are not looked at.
const DETAILS_TITLE: &str = "#支付宝业务明细查询";
/// The first line of the file with the sums.
const SUMMARY_TITLE: &str = "#支付宝业务汇总查询";

/// Reads the trade bill of a day as it was downloaded: `业务明细` gives the lines, `业务明细(汇总)` has to agree.
///
/// The file says which day it is about, that it is complete, and how many lines it has; each is checked. Other files
/// in the archive are passed over.
///
/// # Errors
/// `PeerMisbehaved` if it is no such archive, is larger than [`BILL_BYTES_MAX`] unpacked, is about another day, is cut
/// off, or has a line that cannot be read: the error names the line, counted from 1 in the file of the day's lines.
pub fn read_bill(day: BillDay, archive: &[u8]) -> Result<Bill, Error> {
    let (mut lines, mut sums) = (None, None);
    for file in unpacked(archive, BILL_BYTES_MAX)? {
        let first = file.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let repeated = match gbk(first).as_deref().map(str::trim) {
            Some(DETAILS_TITLE) => lines.replace(details(day, &file)?).is_some(),
            Some(SUMMARY_TITLE) => sums.replace(summary(&file)?).is_some(),
            _ => false,
        };
        if repeated {
            return Err(unreadable("it has two files of one kind", None));
        }
    }
    let lines = lines.ok_or_else(|| unreadable("no file in it holds the lines of the day", None))?;
    if sums.flatten().is_some_and(|sums| sums != Counts::of(&lines)) {
        return Err(unreadable("its summary counts other lines than it has", None));
    }
    Ok(Bill::new(Channel::Alipay, day, lines))
}

/// The files of the archive. What an entry says of its own size is not believed: reading stops at the limit.
fn unpacked(archive: &[u8], bytes_max: u64) -> Result<Vec<Vec<u8>>, Error> {
    let broken = |error: zip::result::ZipError| unreadable("it is no ZIP archive", Some(Box::new(error)));
    let mut archive = ZipArchive::new(Cursor::new(archive)).map_err(broken)?;
    if archive.len() > BILL_FILES_MAX {
        return Err(unreadable("the archive holds more than 16 files", None));
    }
    let (mut files, mut left) = (Vec::new(), bytes_max);
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(broken)?;
        let mut file = Vec::new();
        let read = entry.take(left + 1).read_to_end(&mut file);
        let read =
            read.map_err(|error| unreadable("a file in the archive is damaged", Some(Box::new(error))))?;
        let read = u64::try_from(read).unwrap_or(u64::MAX);
        left = left.checked_sub(read).ok_or_else(|| unreadable("it is larger than 64 MiB unpacked", None))?;
        files.push(file);
    }
    Ok(files)
}

/// The text of a line; none if it is not GBK.
pub(super) fn gbk(line: &[u8]) -> Option<String> {
    encoding_rs::GBK
        .decode_without_bom_handling_and_without_replacement(line)
        .map(std::borrow::Cow::into_owned)
}

fn unreadable(why: &'static str, source: Option<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Cause::Bill { what: WHAT, line: None, why, source }.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    fn packed(files: &[&[u8]]) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (index, file) in files.iter().enumerate() {
            zip.start_file(index.to_string(), SimpleFileOptions::default()).unwrap();
            zip.write_all(file).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    /// Zeros shrink to a thousandth, so the limit is on what comes out, over all files together.
    #[test]
    fn unpacking_stops_at_the_limit() {
        let archive = packed(&[&[0; 600], &[0; 400]]);
        assert!(archive.len() < 400);
        let files = unpacked(&archive, 1000).unwrap();
        assert_eq!(files, [vec![0; 600], vec![0; 400]]);
        for limit in [999, 600, 599, 0] {
            let error = unpacked(&archive, limit).unwrap_err();
            assert!(error.to_string().contains("64 MiB"), "{limit}: {error}");
        }
    }
}
