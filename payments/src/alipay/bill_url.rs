//! `alipay.data.dataservice.bill.downloadurl.query`: where the bill of a day lies for the next half minute.

use super::merchant::Merchant;
use super::reply::{self, Answer};
use super::request::{BILL_URL, post};
use crate::bill::BillDay;
use crate::error::{Cause, Error, refused_value};
use crate::{Call, Effect, Reply, Stamp};
use bytes::Bytes;
use http::uri::Scheme;
use http::{Method, Request, Uri};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Asks for the trade bill of a day, which is there from about nine o'clock of the next one. Its output is none if
/// the gateway has no bill for the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BillUrl {
    day: BillDay,
}

/// Where a bill can be downloaded, for about 30 seconds. Whoever has the address has the bill, so it is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct BillLink(Uri);

#[derive(Serialize)]
struct BizContent<'a> {
    bill_type: &'a str,
    bill_date: String,
}

#[derive(Deserialize)]
struct Content {
    bill_download_url: Option<String>,
}

/// The sub codes of "no bill for this day"; the prefix `isp.` would make it an outage elsewhere.
const NO_BILL: &[&str] = &["BILL_NOT_EXIST", "NO_BILL_DATA", "isp.bill_not_exist", "isv.bill_not_exist"];

impl BillUrl {
    /// Asks for the bill of this day.
    #[must_use]
    pub fn new(day: BillDay) -> Self {
        Self { day }
    }
}

impl Call for BillUrl {
    type Merchant = Merchant;
    type Output = Option<BillLink>;

    fn effect(&self) -> Effect {
        Effect::Reads
    }

    fn request(&self, merchant: &Merchant, stamp: Stamp) -> Result<Request<Bytes>, Error> {
        let content = BizContent { bill_type: "trade", bill_date: self.day.to_string() };
        post(merchant, BILL_URL, &content, &[], stamp.now)
    }

    fn read(&self, merchant: &Merchant, reply: &Reply) -> Result<Option<BillLink>, Error> {
        match reply::read::<Content>(merchant, BILL_URL, reply)? {
            Answer::Done(content) => {
                let address = content.bill_download_url.as_deref();
                reply::required(address, "bill_download_url", BillLink::parse).map(Some)
            }
            Answer::Refused(refusal) if refusal.is_one_of(NO_BILL) => Ok(None),
            Answer::Refused(refusal) => Err(refusal.into()),
        }
    }
}

impl BillLink {
    /// The request that downloads the bill; [`read_bill`](super::read_bill) reads what it brings.
    ///
    /// # Errors
    /// `Misuse` if it cannot be built, which no address that was read shows.
    pub fn request(&self) -> Result<Request<Bytes>, Error> {
        let request = Request::builder().method(Method::GET).uri(self.0.clone()).body(Bytes::new());
        Ok(request.map_err(Cause::from)?)
    }

    /// The bill itself is not signed: only TLS says where it comes from. So an address in plain HTTP, which the
    /// manual's example has, is asked for over TLS, except on this machine.
    fn parse(text: &str) -> Result<Self, Error> {
        // The text holds a token, so the refusal does not show it.
        let refused = || refused_value("bill address", "hidden", "give an absolute HTTP address");
        let uri: Uri = text.parse().map_err(|_| refused())?;
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(refused)?;
        let here = matches!(host, "127.0.0.1" | "[::1]" | "localhost");
        match uri.scheme_str() {
            Some("https") => Ok(Self(uri)),
            Some("http") if here => Ok(Self(uri)),
            // A port would be the one of plain HTTP.
            Some("http") if uri.port().is_none() => {
                let mut parts = uri.into_parts();
                parts.scheme = Some(Scheme::HTTPS);
                Uri::from_parts(parts).map(Self).map_err(|_| refused())
            }
            _ => Err(refused()),
        }
    }
}

impl fmt::Debug for BillLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BillLink({}, redacted)", self.0.host().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bills_come_over_tls() {
        for (given, asked) in [
            ("https://dwbillcenter.alipay.com/a?token=t", "https://dwbillcenter.alipay.com/a?token=t"),
            ("http://dwbillcenter.alipay.com/a?token=t", "https://dwbillcenter.alipay.com/a?token=t"),
            ("http://127.0.0.1:8070/bill?x=1", "http://127.0.0.1:8070/bill?x=1"),
        ] {
            let link = BillLink::parse(given).unwrap();
            assert_eq!(link.request().unwrap().uri().to_string(), asked);
            assert!(!format!("{link:?}").contains("token"));
        }
        for text in ["", "/bill", "ftp://a/b", "http://bill.example:8080/x", "https:///x", "//a/b"] {
            assert!(BillLink::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_address_is_answered(text in "(https?://)?.{0,40}") {
            if let Ok(link) = BillLink::parse(&text) {
                prop_assert!(link.request().is_ok());
            }
        }
    }
}
