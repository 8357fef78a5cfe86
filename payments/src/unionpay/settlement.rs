//! The trade file (`ZM`) of a settlement archive: one row a trade, columns of fixed width in bytes (GBK), one byte
//! between two columns.
//!
//! The widths are those of section 6.1 of the platform's interface specification, part 3 (files), as UnionPay's own
//! demo program `parseZMFile` has them. The columns after those that are read here have changed with time, so they
//! are not looked at.

use super::report::{PAYMENT, REFUND, UNDO};
use crate::error::{Cause, Error, refused_value};
use crate::{BillDay, BillLine, Money, Movement, TradeNo, UnixMillis};
use std::collections::HashMap;

pub(super) const WHAT: &str = "settlement file";

/// The widths of the first 28 columns.
const WIDTHS: [usize; 28] =
    [3, 11, 11, 6, 10, 19, 12, 4, 2, 21, 2, 32, 2, 6, 10, 13, 13, 4, 15, 2, 2, 6, 2, 4, 32, 1, 21, 15];

/// One row of the trade file. Card numbers are not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SettledRow {
    /// The line in the file, from 1.
    pub line: usize,
    /// Column 1, the kind of trade at clearing, such as `S22` (payment) or `S30` (refund).
    pub trade_code: String,
    /// Column 4, the number of the trade in the network on its day (`traceNo`).
    pub trace_no: String,
    /// Column 5, when it went through the network. The file has no year; it is taken from the day of the file.
    pub sent_at: UnixMillis,
    /// Column 7, in fen in the file; none for zero.
    pub amount: Option<Money>,
    /// Column 10, the gateway's number (`queryId`).
    pub query_id: TradeNo,
    /// Column 12, the merchant's number, of the order or of the refund. A number longer than 32 characters is cut
    /// here by UnionPay.
    pub order_id: String,
    /// Column 16, the fee as written: a letter for the direction and 12 digits in fen.
    pub fee: String,
    /// Column 17, what is cleared, as written like the fee.
    pub settled: String,
    /// Column 20: `01` payment, `04` refund, `31` undo, and others.
    pub txn_type: String,
    /// Column 27, for a refund or an undo the `queryId` of the payment.
    pub orig_query_id: Option<TradeNo>,
    /// Column 28.
    pub mer_id: String,
}

/// Reads every row; blank lines are skipped.
pub(super) fn rows(text: &[u8], day: BillDay) -> Result<Vec<SettledRow>, Error> {
    let lines = text.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let numbered = lines.enumerate().map(|(index, line)| (index + 1, line));
    let filled = numbered.filter(|(_, line)| !line.iter().all(u8::is_ascii_whitespace));
    filled.map(|(number, line)| row(number, line, day)).collect()
}

/// The rows that move money, in the words of every gateway.
///
/// A refund's row does not name the order. It is found by the payment's number if the payment stands in the same
/// file, and is empty otherwise: the refund is known by its own number.
///
/// Every row has to be this merchant's: the file of another one is as genuine as ours.
pub(super) fn lines(rows: &[SettledRow], mer_id: &str) -> Result<Vec<BillLine>, Error> {
    if let Some(row) = rows.iter().find(|row| row.mer_id != mer_id) {
        return Err(unreadable(row.line, "it belongs to another merchant", None));
    }
    let payments = rows.iter().filter(|row| row.txn_type == PAYMENT);
    let orders: HashMap<&str, &str> =
        payments.map(|row| (row.query_id.as_str(), row.order_id.as_str())).collect();
    rows.iter().filter_map(|row| line(row, &orders).transpose()).collect()
}

/// None for a row that moves no money: a pre-authorisation (02), its undo (32), or an amount of zero.
fn line(row: &SettledRow, orders: &HashMap<&str, &str>) -> Result<Option<BillLine>, Error> {
    let Some(amount) = row.amount else { return Ok(None) };
    let (movement, order_id, trade_no) = match row.txn_type.as_str() {
        // 03 completes a pre-authorisation.
        PAYMENT | "03" => (Movement::Payment, row.order_id.as_str(), &row.query_id),
        // 33 takes such a completion back.
        REFUND | UNDO | "33" => {
            let movement = Movement::Refund { refund_no: Some(row.order_id.clone()), succeeded: true };
            let paid = row.orig_query_id.as_ref().unwrap_or(&row.query_id);
            (movement, orders.get(paid.as_str()).copied().unwrap_or_default(), paid)
        }
        "02" | "32" => return Ok(None),
        _ => return Err(unreadable(row.line, "this version does not know its transaction type", None)),
    };
    let mut line = BillLine::new(movement, order_id, trade_no.clone(), amount);
    line.at = Some(row.sent_at);
    Ok(Some(line))
}

fn row(number: usize, line: &[u8], day: BillDay) -> Result<SettledRow, Error> {
    let cells = cells(line).map_err(|why| unreadable(number, why, None))?;
    // Columns by their number in the specification, from 1, without the spaces that fill them. Those that are read
    // here hold ASCII; names in GBK stand in others.
    let text = |column: usize| {
        let cell = cells.get(column - 1).copied().unwrap_or_default();
        let text = str::from_utf8(cell).ok().filter(|text| text.is_ascii()).map(str::trim);
        text.ok_or_else(|| unreadable(number, "a column holds a character that is not ASCII", None))
    };
    let because = |why| move |error| unreadable(number, why, Some(error));
    let query_id = |text| TradeNo::parse(text).map_err(because("its query id cannot be read"));
    let paid = text(27)?;
    Ok(SettledRow {
        line: number,
        trade_code: text(1)?.to_owned(),
        trace_no: text(4)?.to_owned(),
        sent_at: moment(text(5)?, day).map_err(because("its time is no `MMddHHmmss`"))?,
        amount: fen(text(7)?).map_err(because("its amount cannot be read"))?,
        query_id: query_id(text(10)?)?,
        order_id: text(12)?.to_owned(),
        fee: text(16)?.to_owned(),
        settled: text(17)?.to_owned(),
        txn_type: text(20)?.to_owned(),
        orig_query_id: if paid.is_empty() { None } else { Some(query_id(paid)?) },
        mer_id: text(28)?.to_owned(),
    })
}

/// The first columns of a line.
fn cells(mut rest: &[u8]) -> Result<Vec<&[u8]>, &'static str> {
    let mut cells = Vec::with_capacity(WIDTHS.len());
    for width in WIDTHS {
        let (cell, after) = rest.split_at_checked(width).ok_or("it is too short")?;
        // The last column that is read may end the line.
        let (divider, after) = after.split_first().unwrap_or((&b' ', &[]));
        if divider.is_ascii_alphanumeric() {
            return Err("its columns have other widths");
        }
        cells.push(cell);
        rest = after;
    }
    Ok(cells)
}

/// Digits in fen, filled with zeros; none for zero.
fn fen(digits: &str) -> Result<Option<Money>, Error> {
    let amount = digits.trim_start_matches('0');
    if amount.is_empty() && !digits.is_empty() { Ok(None) } else { Money::parse_fen(amount).map(Some) }
}

/// `MMddHHmmss` in the year that brings it nearest to the day of the file.
fn moment(text: &str, day: BillDay) -> Result<UnixMillis, Error> {
    let middle = day.begins_at().plus_secs(12 * 3600);
    let this_year: u32 =
        middle.china_digits().chars().take(4).collect::<String>().parse().unwrap_or_default();
    let years = [this_year, this_year.saturating_sub(1), this_year + 1];
    let moments =
        years.iter().filter_map(|year| UnixMillis::parse_china_digits(&format!("{year}{text}")).ok());
    moments
        .min_by_key(|at| at.as_millis().abs_diff(middle.as_millis()))
        .ok_or_else(|| refused_value("time", text, "write a China time as `MMddHHmmss`"))
}

fn unreadable(line: usize, why: &'static str, source: Option<Error>) -> Error {
    let source = source.map(|error| Box::new(error).into());
    Cause::Bill { what: WHAT, line: u64::try_from(line).ok(), why, source }.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MER_ID: &str = "777290058167151";

    /// A row in the form of the specification: the columns that matter, and those behind them.
    pub(super) fn written(columns: &[(usize, &str)]) -> Vec<u8> {
        let mut line = Vec::new();
        for (index, width) in WIDTHS.into_iter().enumerate() {
            let value =
                columns.iter().find(|(column, _)| *column == index + 1).map_or("", |(_, value)| value);
            line.extend(format!("{value:<width$} ").bytes());
        }
        // A merchant's name in GBK, then columns that nobody reads.
        line.extend([b'1', b' ', 0xd6, 0xd0, 0xb9, 0xfa, b' ']);
        line
    }

    fn payment() -> Vec<(usize, &'static str)> {
        vec![
            (1, "S22"),
            (4, "067402"),
            (5, "0908132206"),
            (7, "000000008800"),
            (10, "782209081322060674028"),
            (12, "COURSE0001"),
            (16, "D00000000053"),
            (17, "C00000008747"),
            (20, "01"),
            (28, MER_ID),
        ]
    }

    fn refund() -> Vec<(usize, &'static str)> {
        vec![
            (1, "S30"),
            (5, "0908140000"),
            (7, "000000000100"),
            (10, "782209081400000674029"),
            (12, "REFUND0001"),
            (20, "04"),
            (27, "782209081322060674028"),
            (28, MER_ID),
        ]
    }

    fn day() -> BillDay {
        BillDay::parse("2022-09-08").unwrap()
    }

    #[test]
    fn rows_and_lines() {
        let file = [written(&payment()), written(&refund())].join(&b"\r\n"[..]);
        let rows = rows(&file, day()).unwrap();
        let paid = rows.first().unwrap();
        assert_eq!((paid.trade_code.as_str(), paid.fee.as_str()), ("S22", "D00000000053"));
        assert_eq!(paid.sent_at.china_text(), "2022-09-08 13:22:06");
        assert_eq!(paid.mer_id, MER_ID);
        let lines = lines(&rows, MER_ID).unwrap();
        let number = TradeNo::parse("782209081322060674028").unwrap();
        let yuan = |text| Money::parse_yuan(text).unwrap();
        let mut expected = BillLine::new(Movement::Payment, "COURSE0001", number.clone(), yuan("88.00"));
        expected.at = Some(paid.sent_at);
        assert_eq!(lines.first(), Some(&expected));
        let back = lines.last().unwrap();
        let movement = Movement::Refund { refund_no: Some("REFUND0001".to_owned()), succeeded: true };
        assert_eq!((&back.movement, back.out_trade_no.as_str()), (&movement, "COURSE0001"));
        assert_eq!((&back.trade_no, back.amount), (&number, yuan("1.00")));
    }

    #[test]
    fn what_moves_no_money_is_left_out() {
        for (column, value) in [(20, "02"), (20, "32"), (7, "000000000000")] {
            let mut columns = payment();
            columns.retain(|(other, _)| *other != column);
            columns.push((column, value));
            let rows = rows(&written(&columns), day()).unwrap();
            assert_eq!((rows.len(), lines(&rows, MER_ID).unwrap().len()), (1, 0), "{value}");
        }
    }

    /// Also in a row that moves no money, and where a file names nobody.
    #[test]
    fn a_row_of_another_merchant_fails_the_bill() {
        for (mer_id, txn_type) in [("898340183980105", "01"), ("898340183980105", "02"), ("", "01")] {
            let mut columns = payment();
            columns.retain(|(column, _)| ![20, 28].contains(column));
            columns.extend([(20, txn_type), (28, mer_id)]);
            let rows = rows(&[written(&payment()), written(&columns)].join(&b"\n"[..]), day()).unwrap();
            let error = lines(&rows, MER_ID).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::PeerMisbehaved);
            assert!(error.to_string().contains("line 2: it belongs to another merchant"), "{error}");
        }
    }

    #[test]
    fn a_row_that_cannot_be_read_fails_the_file_with_its_line() {
        for (column, value) in
            [(5, "0230132206"), (5, ""), (7, ""), (7, "-1"), (7, "1.00"), (10, ""), (12, "课")]
        {
            let mut columns = payment();
            columns.retain(|(other, _)| *other != column);
            columns.push((column, value));
            let file = [written(&payment()), Vec::new(), written(&columns)].join(&b"\n"[..]);
            let error = rows(&file, day()).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::PeerMisbehaved);
            assert!(error.to_string().contains("line 3"), "{error}");
        }
        let shifted = [&b"x"[..], &written(&payment())].concat();
        assert!(rows(&shifted, day()).is_err());
        let unknown =
            [(20, "99")].into_iter().chain(payment().into_iter().filter(|(column, _)| *column != 20));
        let rows = rows(&written(&unknown.collect::<Vec<_>>()), day()).unwrap();
        assert!(lines(&rows, MER_ID).is_err());
    }

    #[test]
    fn the_year_is_the_nearest_one() {
        let at = |text, day| moment(text, BillDay::parse(day).unwrap()).unwrap().china_text();
        assert_eq!(at("1231231500", "2027-01-01"), "2026-12-31 23:15:00");
        assert_eq!(at("0101000000", "2026-12-31"), "2027-01-01 00:00:00");
        assert_eq!(at("0229120000", "2024-03-01"), "2024-02-29 12:00:00");
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(text in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _answered = rows(&text, day()).and_then(|rows| lines(&rows, MER_ID));
        }

        #[test]
        fn what_is_written_is_read(
            amount in 1..=Money::MINOR_MAX,
            order in "[0-9A-Za-z]{8,32}",
            query in "[0-9]{21}",
        ) {
            let digits = format!("{amount:012}");
            let mut columns = payment();
            columns.retain(|(column, _)| ![7, 10, 12].contains(column));
            columns.extend([(7, digits.as_str()), (10, query.as_str()), (12, order.as_str())]);
            let rows = rows(&written(&columns), day()).unwrap();
            let row = rows.first().unwrap();
            prop_assert_eq!(row.amount.unwrap().minor(), amount);
            prop_assert_eq!((row.order_id.as_str(), row.query_id.as_str()), (order.as_str(), query.as_str()));
        }
    }
}
