//! Names of sales, buyers, requests and reservations: texts that are valid once they exist.

use std::fmt;
use std::sync::Arc;

use crate::error::{Error, Fault};

/// Names a sale: 1 to 64 of `A-Z a-z 0-9 _ -`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SaleId(Arc<str>);

/// Names a buyer as the application knows it: 1 to 128 bytes of any text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BuyerId(Arc<str>);

/// Names one purchase: 8 to 64 of `A-Z a-z 0-9 _ -`, made once by the caller (a UUID will do) and sent
/// again unchanged when the answer did not arrive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(Arc<str>);

/// Names a reservation. It follows from the sale and the request alone, so that a lost answer costs
/// nothing.
///
/// Keep its text as opaque: at most 192 bytes of `A-Z a-z 0-9 _ - .`.
///
/// ```
/// use seckill::{RequestId, ReservationId, SaleId};
///
/// let id = ReservationId::new(&SaleId::new("phone")?, &RequestId::new("r-00000001")?);
/// assert_eq!(ReservationId::parse(&id.to_string())?, id);
/// # Ok::<(), seckill::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReservationId {
    sale: SaleId,
    request: RequestId,
}

impl SaleId {
    /// Takes 1 to 64 of `A-Z a-z 0-9 _ -`.
    ///
    /// # Errors
    /// `InvalidInput` for any other text.
    pub fn new(text: &str) -> Result<Self, Error> {
        if (1..=64).contains(&text.len()) && is_plain(text) {
            return Ok(Self(text.into()));
        }
        Err(refused("sale id", text, "1 to 64 of A-Z a-z 0-9 _ -"))
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
        if (8..=64).contains(&text.len()) && is_plain(text) {
            return Ok(Self(text.into()));
        }
        Err(refused("request id", text, "8 to 64 of A-Z a-z 0-9 _ -"))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ReservationId {
    /// The reservation that `request` has, or would have, in `sale`.
    pub fn new(sale: &SaleId, request: &RequestId) -> Self {
        Self { sale: sale.clone(), request: request.clone() }
    }

    /// Reads what `Display` wrote.
    ///
    /// # Errors
    /// `InvalidInput` for any other text.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let parts = text.split_once('.').and_then(|(sale, request)| {
            Some(Self { sale: SaleId::new(sale).ok()?, request: RequestId::new(request).ok()? })
        });
        parts.ok_or_else(|| refused("reservation id", text, "the text that the reservation came with"))
    }

    /// The sale it belongs to.
    pub fn sale(&self) -> &SaleId {
        &self.sale
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

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ReservationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.sale, self.request)
    }
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

fn refused(what: &'static str, given: &str, rule: &'static str) -> Error {
    Fault::Text { what, given: Error::shown(given), rule }.into()
}
