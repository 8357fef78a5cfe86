//! The nouns of an order: its numbers, its subject, its parties. Every value here is valid by construction.

use crate::Money;
use crate::error::{Error, refused_value};
use std::fmt;

/// A newtype over a short ASCII text with a rule for its length and its characters.
macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $what:literal, $chars:pat, $allowed:expr, $rule:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            #[doc = concat!("Reads the text: ", $rule, ".")]
            ///
            /// # Errors
            /// `InvalidInput` with the text and the rule.
            pub fn parse(text: &str) -> Result<Self, Error> {
                let allowed: fn(u8) -> bool = $allowed;
                if matches!(text.len(), $chars) && text.bytes().all(allowed) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(refused_value($what, text, $rule))
                }
            }

            /// The text as it goes to the gateway.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                Self::parse(text)
            }
        }
    };
}

identifier!(
    /// The merchant's own number of an order (`out_trade_no`), unique for ever at the merchant.
    ///
    /// A gateway may be narrower than this type: Alipay takes no `-`, and says so when a call is built.
    ///
    /// ```
    /// let number = payments::OutTradeNo::parse("COURSE_20261122_0001")?;
    /// assert_eq!(number.as_str(), "COURSE_20261122_0001");
    /// # Ok::<(), payments::Error>(())
    /// ```
    OutTradeNo,
    "out trade no",
    6..=64,
    |byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-',
    "use 6 to 64 of A-Z a-z 0-9 _ -"
);

identifier!(
    /// The gateway's number of a trade (`trade_no`).
    TradeNo,
    "trade no",
    1..=64,
    |byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-',
    "use 1 to 64 of A-Z a-z 0-9 _ -"
);

identifier!(
    /// The merchant's own number of one refund (Alipay's `out_request_no`, WeChat Pay's `out_refund_no`, UnionPay's
    /// `orderId` of the refund). A repeat under the same number is the same refund; a new number is a second one.
    RefundNo,
    "refund no",
    6..=64,
    |byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-',
    "use 6 to 64 of A-Z a-z 0-9 _ -"
);

identifier!(
    /// The application at the gateway: Alipay's `app_id`, WeChat Pay's `appid`; UnionPay has none and repeats its
    /// merchant number here.
    AppId,
    "app id",
    1..=32,
    |byte| byte.is_ascii_alphanumeric(),
    "use 1 to 32 letters and digits"
);

identifier!(
    /// The party that receives the money: Alipay's `seller_id` (16 digits that begin with 2088), WeChat Pay's
    /// `mchid`, UnionPay's `merId` (15 characters).
    SellerId,
    "seller id",
    1..=32,
    |byte| byte.is_ascii_alphanumeric(),
    "use 1 to 32 letters and digits"
);

/// What the buyer reads at the gateway: 1 to 256 characters, no control characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Subject(String);

impl Subject {
    /// The longest subject, in characters.
    pub const CHARS_MAX: usize = 256;

    /// Reads the text.
    ///
    /// # Errors
    /// `InvalidInput` if it is blank, too long, or holds a control character.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let blank = text.trim().is_empty();
        if blank || text.chars().count() > Self::CHARS_MAX || text.chars().any(char::is_control) {
            return Err(refused_value(
                "subject",
                text,
                "use 1 to 256 characters, none of them a control character",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is sold, under which number, at which price. It never changes once it is stored.
///
/// ```
/// use payments::{Money, Order, OutTradeNo, Subject};
/// let order = Order::new(
///     OutTradeNo::parse("COURSE_0001")?,
///     Subject::parse("Rust 入门课")?,
///     Money::parse_yuan("88.00")?,
/// );
/// assert_eq!(order.amount.minor(), 8800);
/// # Ok::<(), payments::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Order {
    /// The merchant's number.
    pub out_trade_no: OutTradeNo,
    /// What the buyer reads.
    pub subject: Subject,
    /// The price.
    pub amount: Money,
}

impl Order {
    /// An order of these parts.
    #[must_use]
    pub fn new(out_trade_no: OutTradeNo, subject: Subject, amount: Money) -> Self {
        Self { out_trade_no, subject, amount }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn limits_of_the_number() {
        assert!(OutTradeNo::parse("12345").is_err());
        assert!(OutTradeNo::parse("123456").is_ok());
        assert!(OutTradeNo::parse(&"x".repeat(64)).is_ok());
        assert!(OutTradeNo::parse(&"x".repeat(65)).is_err());
        assert!(OutTradeNo::parse("课程课程课程").is_err());
    }

    #[test]
    fn limits_of_the_subject() {
        assert!(Subject::parse(&"课".repeat(256)).is_ok());
        assert!(Subject::parse(&"课".repeat(257)).is_err());
        for text in ["", "  ", "a\nb", "a\u{0}"] {
            assert!(Subject::parse(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in ".{0,70}") {
            if let Ok(number) = OutTradeNo::parse(&text) {
                prop_assert_eq!(number.as_str(), &text);
            }
            if let Ok(subject) = Subject::parse(&text) {
                prop_assert_eq!(subject.as_str(), &text);
            }
        }
    }
}
