//! Where the bill of a day lies: the trade bill and the fund flow (manual: 申请交易账单, 申请资金账单).

use super::bill_file::BillDownload;
use super::merchant::Merchant;
use super::reply::{self, Answer, Refusal, WHAT};
use super::request;
use crate::bill::BillDay;
use crate::error::{Cause, Error, ErrorKind};
use crate::{Call, Effect, Reply, Stamp};
use bytes::Bytes;
use http::Request;
use serde::Deserialize;

/// Asks for the bill of all payments and refunds of a day; it is there after ten in the morning of the next day,
/// for three months.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TradeBill {
    day: BillDay,
}

/// Asks for the bill of every movement on one account of the merchant's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FundFlowBill {
    day: BillDay,
    account: FundAccount,
}

/// An account of the merchant at WeChat Pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FundAccount {
    /// The basic account (`BASIC`).
    Basic,
    /// The operating account (`OPERATION`).
    Operation,
    /// The account for fees (`FEES`).
    Fees,
}

/// Where a bill lies, and the digest that its file must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillLink {
    pub(crate) path: String,
    pub(crate) sha1: [u8; 20],
}

#[derive(Deserialize)]
struct Content {
    hash_type: String,
    hash_value: String,
    download_url: String,
}

impl TradeBill {
    /// The bill of this day.
    #[must_use]
    pub fn new(day: BillDay) -> Self {
        Self { day }
    }
}

impl FundFlowBill {
    /// The bill of this account on this day.
    #[must_use]
    pub fn new(day: BillDay, account: FundAccount) -> Self {
        Self { day, account }
    }
}

impl BillLink {
    /// The call that downloads the file and checks its digest.
    #[must_use]
    pub fn download(self) -> BillDownload {
        BillDownload::new(self)
    }
}

impl FundAccount {
    const fn code(self) -> &'static str {
        match self {
            Self::Basic => "BASIC",
            Self::Operation => "OPERATION",
            Self::Fees => "FEES",
        }
    }
}

impl Call for TradeBill {
    type Merchant = Merchant;
    type Output = Option<BillLink>;

    fn effect(&self) -> Effect {
        Effect::Reads
    }

    fn request(&self, merchant: &Merchant, stamp: Stamp) -> Result<Request<Bytes>, Error> {
        let path = format!("/v3/bill/tradebill?bill_date={}&bill_type=ALL&tar_type=GZIP", self.day);
        request::get(merchant, &path, stamp)
    }

    fn read(&self, merchant: &Merchant, reply: &Reply) -> Result<Option<BillLink>, Error> {
        link(merchant, reply)
    }

    fn fallback_origin(&self, merchant: &Merchant) -> Option<String> {
        merchant.endpoint.fallback().map(ToOwned::to_owned)
    }
}

impl Call for FundFlowBill {
    type Merchant = Merchant;
    type Output = Option<BillLink>;

    fn effect(&self) -> Effect {
        Effect::Reads
    }

    fn request(&self, merchant: &Merchant, stamp: Stamp) -> Result<Request<Bytes>, Error> {
        let (day, account) = (self.day, self.account.code());
        let path = format!("/v3/bill/fundflowbill?bill_date={day}&account_type={account}&tar_type=GZIP");
        request::get(merchant, &path, stamp)
    }

    fn read(&self, merchant: &Merchant, reply: &Reply) -> Result<Option<BillLink>, Error> {
        link(merchant, reply)
    }

    fn fallback_origin(&self, merchant: &Merchant) -> Option<String> {
        merchant.endpoint.fallback().map(ToOwned::to_owned)
    }
}

fn link(merchant: &Merchant, reply: &Reply) -> Result<Option<BillLink>, Error> {
    let content = match reply::content::<Content>(merchant, reply)? {
        Answer::Content(content) => content,
        Answer::Refused(refusal) => return no_bill(refusal),
    };
    let field = |field| Error::from(Cause::Field { what: WHAT, field, source: None });
    if content.hash_type != "SHA1" {
        return Err(field("hash_type"));
    }
    let sha1 = sha1_of(&content.hash_value).ok_or_else(|| field("hash_value"))?;
    // The request for the file is signed by us, so it goes to the gateway and nowhere else.
    let path = merchant.endpoint.path_of(&content.download_url).ok_or_else(|| field("download_url"))?;
    Ok(Some(BillLink { path: path.to_owned(), sha1 }))
}

/// A day without a movement has no bill; one that is still being written has none yet.
fn no_bill(refusal: Refusal) -> Result<Option<BillLink>, Error> {
    if refusal.is(&["NO_STATEMENT_EXIST"]) {
        return Ok(None);
    }
    if refusal.is(&["STATEMENT_CREATING"]) {
        let kind = ErrorKind::Unavailable;
        return Err(Cause::Gateway { kind, code: refusal.code, message: refusal.message }.into());
    }
    Err(refusal.into_error())
}

fn sha1_of(hex: &str) -> Option<[u8; 20]> {
    if hex.len() != 40 || !hex.is_ascii() {
        return None;
    }
    let mut digest = [0; 20];
    for (slot, at) in digest.iter_mut().zip((0..).step_by(2)) {
        let digits = hex.get(at..at + 2).filter(|pair| pair.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        *slot = u8::from_str_radix(digits, 16).ok()?;
    }
    Some(digest)
}
