//! Names of sales, stock-keeping units, buyers, requests and reservations: texts that are valid once they exist.

use std::fmt;

use smol_str::SmolStr;

use crate::error::{Error, Fault};
use crate::text;

/// Names a sale: 1 to 64 of `A-Z a-z 0-9 _ -`. Use each name for one sale, ever.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SaleId(SmolStr);

/// Names a stock-keeping unit of a sale: 1 to 32 of `A-Z a-z 0-9 _ -`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SkuId(SmolStr);

/// Names a buyer as the application knows it: 1 to 128 bytes of any text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BuyerId(SmolStr);

/// Names one purchase of one buyer: 8 to 64 of `A-Z a-z 0-9 _ -`, made once by the caller (a UUID will do)
/// and sent again unchanged when the answer did not arrive. Two buyers may use the same one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(SmolStr);

/// Names a reservation. It follows from the sale, the buyer and the request alone, so that a lost answer
/// costs nothing.
///
/// Keep its text as opaque: at most 516 bytes of `A-Z a-z 0-9 _ - . ~`, fit for a path segment of a URL.
///
/// ```
/// use seckill::{BuyerId, RequestId, ReservationId, SaleId};
///
/// let (sale, buyer) = (SaleId::new("phone")?, BuyerId::new("ann")?);
/// let id = ReservationId::new(&sale, &buyer, &RequestId::new("r-00000001")?);
/// assert_eq!(id.to_string(), "phone.r-00000001.ann");
/// assert_eq!(ReservationId::parse(&id.to_string())?, id);
/// # Ok::<(), seckill::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReservationId {
    sale: SaleId,
    buyer: BuyerId,
    request: RequestId,
}

impl SaleId {
    /// Takes 1 to 64 of `A-Z a-z 0-9 _ -`.
    ///
    /// # Errors
    /// `InvalidInput` for any other text.
    pub fn new(text: &str) -> Result<Self, Error> {
        plain("sale id", text, 1, 64, "1 to 64 of A-Z a-z 0-9 _ -").map(Self)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl SkuId {
    /// The name of the only unit of a sale that names none.
    pub(crate) const ONLY: Self = Self(SmolStr::new_static("unit"));

    /// Takes 1 to 32 of `A-Z a-z 0-9 _ -`.
    ///
    /// # Errors
    /// `InvalidInput` for any other text.
    pub fn new(text: &str) -> Result<Self, Error> {
        plain("sku", text, 1, 32, "1 to 32 of A-Z a-z 0-9 _ -").map(Self)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl BuyerId {
    /// Takes 1 to 128 bytes of any text.
    ///
    /// # Errors
    /// `InvalidInput` when it is empty or longer. The error tells the length only: a buyer is a person.
    pub fn new(text: &str) -> Result<Self, Error> {
        if (1..=128).contains(&text.len()) {
            return Ok(Self(text.into()));
        }
        let given = u128::try_from(text.len()).unwrap_or(u128::MAX);
        Err(Fault::Range { what: "length of the buyer id in bytes", given, min: 1, max: 128 }.into())
    }

    /// The text, unescaped.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl RequestId {
    /// Takes 8 to 64 of `A-Z a-z 0-9 _ -`.
    ///
    /// # Errors
    /// `InvalidInput` for any other text.
    pub fn new(text: &str) -> Result<Self, Error> {
        plain("request id", text, 8, 64, "8 to 64 of A-Z a-z 0-9 _ -").map(Self)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ReservationId {
    /// The reservation that `request` of `buyer` has, or would have, in `sale`.
    pub fn new(sale: &SaleId, buyer: &BuyerId, request: &RequestId) -> Self {
        Self { sale: sale.clone(), buyer: buyer.clone(), request: request.clone() }
    }

    /// Reads what `Display` wrote.
    ///
    /// # Errors
    /// `InvalidInput` for any other text.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut parts = text.splitn(3, '.');
        let mut read = || {
            let (sale, request) = (SaleId::new(parts.next()?).ok()?, RequestId::new(parts.next()?).ok()?);
            let escaped = parts.next()?;
            let buyer = BuyerId::new(&text::unescape(escaped, text::in_url)?).ok()?;
            Some(Self { sale, buyer, request })
        };
        read().ok_or_else(|| refused("reservation id", text, "the text that the reservation came with"))
    }

    /// The sale it belongs to.
    pub fn sale(&self) -> &SaleId {
        &self.sale
    }

    /// Whose it is.
    pub fn buyer(&self) -> &BuyerId {
        &self.buyer
    }

    /// The request that won it.
    pub fn request(&self) -> &RequestId {
        &self.request
    }
}

impl fmt::Display for SaleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for SkuId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ReservationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let buyer = text::escape(self.buyer.as_str(), text::in_url);
        write!(f, "{}.{}.{buyer}", self.sale, self.request)
    }
}

fn plain(
    what: &'static str,
    text: &str,
    min: usize,
    max: usize,
    rule: &'static str,
) -> Result<SmolStr, Error> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if (min..=max).contains(&text.len()) && is_plain {
        return Ok(text.into());
    }
    Err(refused(what, text, rule))
}

fn refused(what: &'static str, given: &str, rule: &'static str) -> Error {
    Fault::Text { what, given: Error::shown(given), rule }.into()
}
