//! Amounts of money as whole minor units with their currency; no floating point anywhere.

use crate::error::{Error, refused_value};
use std::fmt;

/// An amount that an order can cost: 0.01 to 100 000 000.00 yuan, the range of the gateways' manuals.
///
/// ```
/// let price = payments::Money::parse_yuan("88.00")?;
/// assert_eq!(price.minor(), 8800);
/// assert_eq!(price.yuan_text(), "88.00");
/// assert!(payments::Money::parse_yuan("88.005").is_err());
/// # Ok::<(), payments::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    // INVARIANT: `MINOR_MIN <= minor <= MINOR_MAX`.
    minor: i64,
    currency: Currency,
}

/// A currency, by its ISO 4217 code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Currency {
    /// Renminbi; the minor unit is the fen, a hundredth of a yuan.
    Cny,
}

const FEN_RULE: &str = "write fen from 1 to 10000000000, digits only";
const RULE: &str = "write yuan from 0.01 to 100000000, at most two places, digits only";

impl Money {
    /// The smallest amount, in minor units.
    pub const MINOR_MIN: i64 = 1;
    /// The largest amount, in minor units.
    pub const MINOR_MAX: i64 = 10_000_000_000;

    /// An amount from minor units (fen).
    ///
    /// # Errors
    /// `InvalidInput` outside [`Money::MINOR_MIN`]`..=`[`Money::MINOR_MAX`].
    pub fn from_minor(minor: i64, currency: Currency) -> Result<Self, Error> {
        if (Self::MINOR_MIN..=Self::MINOR_MAX).contains(&minor) {
            Ok(Self { minor, currency })
        } else {
            Err(refused_value("amount in fen", &minor.to_string(), "give 1 to 10000000000"))
        }
    }

    /// Reads yuan such as `88`, `88.0` or `88.00`, exactly.
    ///
    /// # Errors
    /// `InvalidInput` for signs, spaces, exponents, needless leading zeros, more than two places, and
    /// amounts out of range.
    pub fn parse_yuan(text: &str) -> Result<Self, Error> {
        let minor = minor_of(text).ok_or_else(|| refused_value("amount", text, RULE))?;
        Self::from_minor(minor, Currency::Cny).map_err(|_| refused_value("amount", text, RULE))
    }

    /// Reads whole fen such as `8800`, exactly, as WeChat Pay and UnionPay write amounts.
    ///
    /// # Errors
    /// `InvalidInput` for signs, spaces, a point, needless leading zeros, and amounts out of range.
    pub fn parse_fen(text: &str) -> Result<Self, Error> {
        let refused = || refused_value("amount in fen", text, FEN_RULE);
        let digits = !text.is_empty() && text.len() <= 11 && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits || text.starts_with('0') {
            return Err(refused());
        }
        let minor = text.parse().map_err(|_| refused())?;
        Self::from_minor(minor, Currency::Cny).map_err(|_| refused())
    }

    /// The sum; none if it leaves the range.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        // Both are at most `MINOR_MAX`, so the sum fits. There is one currency.
        Self::from_minor(self.minor + other.minor, self.currency).ok()
    }

    /// The difference; none if nothing, or less than nothing, is left.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        Self::from_minor(self.minor - other.minor, self.currency).ok()
    }

    /// Whole fen, as WeChat Pay and UnionPay read and write them: `8800`.
    #[must_use]
    pub fn fen_text(self) -> String {
        self.minor.to_string()
    }

    /// Minor units (fen).
    #[must_use]
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// The currency.
    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Yuan with two places, as Alipay reads and writes them: `88.00`.
    #[must_use]
    pub fn yuan_text(self) -> String {
        format!("{}.{:02}", self.minor / 100, self.minor % 100)
    }
}

fn minor_of(text: &str) -> Option<i64> {
    let (yuan, places) = match text.split_once('.') {
        Some((yuan, places)) if (1..=2).contains(&places.len()) => (yuan, places),
        Some(_) => return None,
        None => (text, "0"),
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    // Nine digits hold the largest amount, so nothing below can overflow.
    if yuan.is_empty() || yuan.len() > 9 || !digits(yuan) || !digits(places) {
        return None;
    }
    if yuan.len() > 1 && yuan.starts_with('0') {
        return None;
    }
    let fen: i64 = places.parse().ok()?;
    let fen = if places.len() == 1 { fen * 10 } else { fen };
    Some(yuan.parse::<i64>().ok()? * 100 + fen)
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.yuan_text(), self.currency.code())
    }
}

impl Currency {
    /// The ISO 4217 code, such as `CNY`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Cny => "CNY",
        }
    }

    /// Reads an ISO 4217 code.
    ///
    /// # Errors
    /// `InvalidInput` for a currency that no gateway here takes.
    pub fn parse(code: &str) -> Result<Self, Error> {
        match code {
            "CNY" => Ok(Self::Cny),
            _ => Err(refused_value("currency", code, "the gateways take CNY")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shapes_that_are_not_yuan() {
        let shapes = [
            "", "0", "0.00", ".5", "5.", "-1", "+1", "1e3", " 1", "1 ", "01", "0.001", "1.234", "１", "1,000",
        ];
        for text in shapes.into_iter().chain(["100000000.01", "999999999", "9999999999999999999"]) {
            assert!(Money::parse_yuan(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_ends_of_the_range() {
        for (text, minor) in [("0.01", 1), ("0.1", 10), ("88", 8800), ("100000000", 10_000_000_000)] {
            assert_eq!(Money::parse_yuan(text).unwrap().minor(), minor);
        }
        assert!(Money::from_minor(0, Currency::Cny).is_err());
        assert!(Money::from_minor(i64::MAX, Currency::Cny).is_err());
    }

    proptest! {
        #[test]
        fn text_and_amount_agree(minor in Money::MINOR_MIN..=Money::MINOR_MAX) {
            let money = Money::from_minor(minor, Currency::Cny).unwrap();
            prop_assert_eq!(Money::parse_yuan(&money.yuan_text()).unwrap(), money);
            prop_assert_eq!(Money::parse_fen(&money.fen_text()).unwrap(), money);
            prop_assert_eq!(money.checked_sub(money), None);
        }

        #[test]
        fn any_text_is_answered(text in ".{0,16}") {
            for money in [Money::parse_yuan(&text), Money::parse_fen(&text)].into_iter().flatten() {
                prop_assert!(money.minor() >= Money::MINOR_MIN);
            }
        }
    }
}
