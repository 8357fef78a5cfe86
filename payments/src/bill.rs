//! A gateway's bill of one day as typed lines, whatever file it came in. Amounts are exact; a line that cannot be
//! read fails the whole bill, with its number.

use crate::error::{Error, refused_value};
use crate::{Channel, Money, TradeNo, UnixMillis};
use std::fmt;

/// A day in China, as bills are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BillDay(UnixMillis);

const DAY_MILLIS: u64 = 86_400_000;

impl BillDay {
    /// The day in China that holds this moment.
    #[must_use]
    pub fn of(at: UnixMillis) -> Self {
        let since_midnight = (at.as_millis() + 8 * 3_600_000) % DAY_MILLIS;
        Self(UnixMillis::from_millis(at.as_millis().saturating_sub(since_midnight)))
    }

    /// Reads `yyyy-MM-dd`.
    ///
    /// # Errors
    /// `InvalidInput` if the shape is another, or there is no such day.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let at = UnixMillis::parse_china_text(&format!("{text} 12:00:00"));
        at.map(Self::of).map_err(|_| refused_value("day", text, "write `yyyy-MM-dd`, from 1970 to 9999"))
    }

    /// The first moment of the day.
    #[must_use]
    pub fn begins_at(self) -> UnixMillis {
        self.0
    }

    /// The first moment of the next day.
    #[must_use]
    pub fn ends_at(self) -> UnixMillis {
        self.0.plus_secs(DAY_MILLIS / 1000)
    }

    /// The day before.
    #[must_use]
    pub fn previous(self) -> Self {
        Self::of(UnixMillis::from_millis(self.0.as_millis().saturating_sub(1)))
    }

    /// `yyyyMMdd`, as UnionPay writes it.
    #[must_use]
    pub fn digits(self) -> String {
        self.to_string().replace('-', "")
    }
}

/// `yyyy-MM-dd`.
impl fmt::Display for BillDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.plus_secs(DAY_MILLIS / 2000).china_text().get(..10).unwrap_or_default())
    }
}

/// A bill that was read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bill {
    /// The gateway.
    pub channel: Channel,
    /// The day.
    pub day: BillDay,
    /// Its lines in the order of the file.
    pub lines: Vec<BillLine>,
}

/// One movement of money.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BillLine {
    /// What moved.
    pub movement: Movement,
    /// The merchant's number of the order.
    pub out_trade_no: String,
    /// The gateway's number of the trade.
    pub trade_no: TradeNo,
    /// How much, always positive.
    pub amount: Money,
    /// When, if the file says so.
    pub at: Option<UnixMillis>,
}

/// The direction of a line.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Movement {
    /// A buyer paid.
    Payment,
    /// Money went back, or is on its way back.
    Refund {
        /// The merchant's number of the refund, if the file has it.
        refund_no: Option<String>,
        /// False while the gateway still works on it or could not pay it out.
        succeeded: bool,
    },
}

impl Bill {
    /// A bill of these lines.
    #[must_use]
    pub fn new(channel: Channel, day: BillDay, lines: Vec<BillLine>) -> Self {
        Self { channel, day, lines }
    }
}

impl BillLine {
    /// A line without a moment.
    #[must_use]
    pub fn new(movement: Movement, out_trade_no: &str, trade_no: TradeNo, amount: Money) -> Self {
        Self { movement, out_trade_no: out_trade_no.to_owned(), trade_no, amount, at: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_day_begins_in_china() {
        let day = BillDay::parse("2026-09-22").unwrap();
        assert_eq!(day.to_string(), "2026-09-22");
        assert_eq!(day.digits(), "20260922");
        assert_eq!(day.begins_at().china_text(), "2026-09-22 00:00:00");
        assert_eq!(BillDay::of(day.ends_at()).to_string(), "2026-09-23");
        assert_eq!(day.previous().to_string(), "2026-09-21");
        for text in ["2026-02-30", "20260922", "2026-9-22", ""] {
            assert!(BillDay::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_day_holds_its_moments(secs in 86_400..UnixMillis::MAX.as_millis() / 1000 - 172_800) {
            let at = UnixMillis::from_millis(secs * 1000);
            let day = BillDay::of(at);
            prop_assert!(day.begins_at() <= at && at < day.ends_at());
            prop_assert_eq!(BillDay::parse(&day.to_string()).unwrap(), day);
            prop_assert_eq!(day.previous().ends_at(), day.begins_at());
        }
    }
}
