//! The file of a bill: not signed itself, but its digest is. Nothing of it is read before the digest fits.

use super::bill::BillLink;
use super::merchant::Merchant;
use super::request;
use crate::error::{Cause, Error};
use crate::{Call, Effect, Reply, Stamp};
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use http::{Request, StatusCode};
use sha1::{Digest as _, Sha1};
use std::io::Read as _;

/// The longest file that is read, in bytes after it was unpacked.
pub const BILL_BYTES_MAX: usize = 128 * 1024 * 1024;

const WHAT: &str = "wechat bill";
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Downloads the file of a [`BillLink`], unpacks it and checks its SHA-1, which was signed with the link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillDownload {
    link: BillLink,
    bytes_max: usize,
}

impl BillDownload {
    pub(crate) fn new(link: BillLink) -> Self {
        Self { link, bytes_max: BILL_BYTES_MAX }
    }

    /// The same download with another limit on the unpacked file.
    #[must_use]
    pub fn with_bytes_max(mut self, bytes: usize) -> Self {
        self.bytes_max = bytes;
        self
    }
}

impl Call for BillDownload {
    type Merchant = Merchant;
    type Output = Vec<u8>;

    fn effect(&self) -> Effect {
        Effect::Reads
    }

    fn request(&self, merchant: &Merchant, stamp: Stamp) -> Result<Request<Bytes>, Error> {
        request::get(merchant, &self.link.path, stamp)
    }

    fn read(&self, _merchant: &Merchant, reply: &Reply) -> Result<Vec<u8>, Error> {
        if reply.response.status() != StatusCode::OK {
            return Err(Cause::Status(reply.response.status().as_u16()).into());
        }
        let file = unpacked(reply.response.body(), self.bytes_max)?;
        let digest: [u8; 20] = Sha1::digest(&file).into();
        if digest != self.link.sha1 {
            return Err(
                Cause::Unverified { what: WHAT, why: "its digest is not the one that was signed" }.into()
            );
        }
        Ok(file)
    }

    fn fallback_origin(&self, merchant: &Merchant) -> Option<String> {
        merchant.endpoint.fallback().map(ToOwned::to_owned)
    }
}

/// The file; a transport may have unpacked it already.
fn unpacked(body: &[u8], bytes_max: usize) -> Result<Vec<u8>, Error> {
    let refused = |why| Cause::Unverified { what: WHAT, why };
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    let mut file = Vec::new();
    if body.starts_with(&GZIP_MAGIC) {
        let mut packed = MultiGzDecoder::new(body).take(limit);
        packed.read_to_end(&mut file).map_err(|_| refused("it is broken gzip"))?;
    } else {
        body.take(limit).read_to_end(&mut file).map_err(|_| refused("it cannot be read"))?;
    }
    if file.len() > bytes_max {
        return Err(refused("it is longer than the limit").into());
    }
    Ok(file)
}
