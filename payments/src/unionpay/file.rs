//! `76/01`: the settlement file of a day, from a host of its own.
//!
//! The reply holds base64 of zlib of a ZIP archive. Its `fileName` is data of the peer: it is shown, and never used
//! as a path. Every step has a limit.

use super::codes::{NO_FILE, is_good, refusal};
use super::merchant::Merchant;
use super::names;
use super::reply::{self, Asked};
use super::request::{NO_PRODUCT, post};
use super::settlement::{self, SettledRow};
use crate::error::{Cause, Error, quoted};
use crate::{Bill, BillDay, Call, Channel, Effect, Reply, Stamp};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use flate2::read::ZlibDecoder;
use http::Request;
use std::fmt;
use std::io::{Cursor, Read};
use zip::ZipArchive;

/// The longest reply with a file that is read, in bytes.
const FILE_REPLY_BYTES_MAX: usize = 48 * 1024 * 1024;
/// The longest archive, in bytes.
const ARCHIVE_BYTES_MAX: u64 = 48 * 1024 * 1024;
/// The longest text in an archive, in bytes: about 180 000 trades.
const TEXT_BYTES_MAX: u64 = 128 * 1024 * 1024;
/// The most members of an archive; real ones have about four.
const MEMBERS_MAX: usize = 64;

const TXN_TYPE: &str = "76";

/// Downloads the settlement file of one day. Days are UnionPay's clearing days, which end at 23:00 in China.
///
/// The request names the day without its year, so a day more than a year back would be another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileDownload {
    day: BillDay,
}

impl FileDownload {
    /// The file of this day; ask after 09:00 of the next.
    #[must_use]
    pub fn new(day: BillDay) -> Self {
        Self { day }
    }

    /// `MMdd`.
    fn settle_date(&self) -> String {
        self.day.digits().chars().skip(4).collect()
    }
}

impl Call for FileDownload {
    type Merchant = Merchant;
    type Output = Option<SettlementFile>;

    fn effect(&self) -> Effect {
        Effect::Reads
    }

    fn request(&self, merchant: &Merchant, stamp: Stamp) -> Result<Request<Bytes>, Error> {
        post(
            merchant,
            merchant.endpoint.files(),
            &[
                ("bizType", NO_PRODUCT),
                ("fileType", "00"),
                ("settleDate", &self.settle_date()),
                ("txnSubType", "01"),
                ("txnTime", &stamp.now.china_digits()),
                ("txnType", TXN_TYPE),
            ],
        )
    }

    /// None if UnionPay has no file of this day (code 98).
    fn read(&self, merchant: &Merchant, reply: &Reply) -> Result<Option<SettlementFile>, Error> {
        let settle_date = self.settle_date();
        let always = [(names::MER_ID, merchant.mer_id.as_str()), (names::SETTLE_DATE, &settle_date)];
        let asked = Asked { always: &always, mostly: &[(names::TXN_TYPE, TXN_TYPE)] };
        let fields = reply::read(merchant, reply, FILE_REPLY_BYTES_MAX, &asked)?;
        match reply::code(&fields)? {
            code if is_good(code) => {}
            NO_FILE => return Ok(None),
            _ => return Err(refusal(&fields)),
        }
        let archive = inflated(reply::text(&fields, names::FILE_CONTENT)?, ARCHIVE_BYTES_MAX)?;
        let name = fields.get(names::FILE_NAME).map(String::as_str).unwrap_or_default();
        let mer_id = merchant.mer_id.as_str().to_owned();
        Ok(Some(SettlementFile { day: self.day, mer_id, name: quoted(name), archive }))
    }
}

/// The archive of one day, from a verified reply.
#[derive(Clone, PartialEq, Eq)]
pub struct SettlementFile {
    day: BillDay,
    /// Whose it has to be.
    mer_id: String,
    name: String,
    archive: Vec<u8>,
}

impl SettlementFile {
    /// What the gateway calls it, escaped and cut: for display, never a path.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The ZIP archive, to be kept as it is.
    #[must_use]
    pub fn archive(&self) -> &[u8] {
        &self.archive
    }

    /// The rows of the trade file (`ZM`) in the archive.
    ///
    /// # Errors
    /// `PeerMisbehaved` if there is no such file, a limit is passed, or a row cannot be read; the error names the
    /// line.
    pub fn rows(&self) -> Result<Vec<SettledRow>, Error> {
        settlement::rows(&self.trade_file()?, self.day)
    }

    /// The payments and refunds of the day. Rows that move no money are left out.
    ///
    /// # Errors
    /// As [`SettlementFile::rows`], and `PeerMisbehaved` if a row belongs to another merchant.
    pub fn bill(&self) -> Result<Bill, Error> {
        let lines = settlement::lines(&self.rows()?, &self.mer_id)?;
        Ok(Bill::new(Channel::Unionpay, self.day, lines))
    }

    /// The text of all members whose name says `ZM_`, such as `INN26092288ZM_777290058167151`. Those named `ZME_`
    /// tell about disputes.
    fn trade_file(&self) -> Result<Vec<u8>, Error> {
        let unusable = |field| Error::from(Cause::Field { what: settlement::WHAT, field, source: None });
        let mut archive =
            ZipArchive::new(Cursor::new(self.archive.as_slice())).map_err(|_| unusable("archive"))?;
        if archive.len() > MEMBERS_MAX {
            return Err(unusable("archive"));
        }
        let mut text = Vec::new();
        let mut found = false;
        for index in 0..archive.len() {
            let mut member = archive.by_index(index).map_err(|_| unusable("archive"))?;
            if member.is_dir() || !member.name().contains("ZM_") {
                continue;
            }
            found = true;
            let left = TEXT_BYTES_MAX.saturating_sub(u64::try_from(text.len()).unwrap_or(u64::MAX));
            text.extend(read_limited(&mut member, left).ok_or_else(|| unusable("ZM"))?);
            text.push(b'\n');
        }
        if found { Ok(text) } else { Err(unusable("ZM")) }
    }
}

/// Base64 of zlib.
fn inflated(content: &str, bytes_max: u64) -> Result<Vec<u8>, Error> {
    let packed: Vec<u8> = content.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let packed = STANDARD.decode(packed).map_err(|_| reply::missing(names::FILE_CONTENT))?;
    read_limited(ZlibDecoder::new(packed.as_slice()), bytes_max)
        .ok_or_else(|| reply::missing(names::FILE_CONTENT))
}

/// Everything that a reader has, unless it is longer than the limit or broken.
fn read_limited(reader: impl Read, bytes_max: u64) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let length = reader.take(bytes_max + 1).read_to_end(&mut bytes).ok()?;
    (u64::try_from(length).ok()? <= bytes_max).then_some(bytes)
}

impl fmt::Debug for SettlementFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SettlementFile")
            .field("day", &self.day)
            .field("name", &self.name)
            .field("archive_bytes", &self.archive.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::ZlibEncoder;
    use std::io::Write as _;

    /// A hundred thousand zeros are a few hundred bytes of zlib.
    #[test]
    fn a_bomb_is_not_unpacked() {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&[0; 100_000]).unwrap();
        let content = STANDARD.encode(encoder.finish().unwrap());
        assert!(content.len() < 1000);
        assert_eq!(inflated(&content, 100_000).unwrap().len(), 100_000);
        assert!(inflated(&content, 99_999).is_err());
        // Lines as some encoders break them.
        assert!(inflated(&content.replace("AAAA", "AA\r\nAA"), 100_000).is_ok());
    }
}
