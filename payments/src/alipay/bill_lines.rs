//! The text files of a bill: a title and a period in lines that begin with `#`, a row of column names, rows of cells,
//! and sums in lines that begin with `#` again. Amounts are in yuan; those of refunds are negative.

use super::bill::{WHAT, gbk};
use crate::bill::{BillDay, BillLine, Movement};
use crate::error::{Cause, Error};
use crate::{Money, TradeNo, UnixMillis};
use std::collections::HashMap;

/// How many lines of each kind a file has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    payments: u64,
    refunds: u64,
}

impl Counts {
    pub(super) fn of(lines: &[BillLine]) -> Self {
        let mut counts = Self::default();
        for line in lines {
            match line.movement {
                Movement::Payment => counts.payments += 1,
                Movement::Refund { .. } => counts.refunds += 1,
            }
        }
        counts
    }
}

/// The lines of the day. The marks in the file are checked: a download that was cut off has no end mark.
pub(super) fn details(day: BillDay, file: &[u8]) -> Result<Vec<BillLine>, Error> {
    let mut reader = Reader::default();
    let mut lines = Vec::new();
    for (number, text) in numbered(file)? {
        let at_line = |why: Why| Error::from(why.at(number));
        match text.strip_prefix('#') {
            Some(mark) => reader.mark(day, mark).map_err(at_line)?,
            None => lines.extend(reader.row(&text).map_err(at_line)?),
        }
    }
    let counts = Counts::of(&lines);
    if !reader.day_seen || !reader.ended {
        return Err(whole("it names no day, or its end is missing"));
    }
    if reader.payments.is_some_and(|payments| payments != counts.payments)
        || reader.refunds.is_some_and(|refunds| refunds != counts.refunds)
    {
        return Err(whole("it counts other lines than it has"));
    }
    Ok(lines)
}

/// The counts in the summary's row `合计`; none if it has no such row.
pub(super) fn summary(file: &[u8]) -> Result<Option<Counts>, Error> {
    let mut columns: Option<Columns> = None;
    for (number, text) in numbered(file)? {
        let at_line = |why: Why| Error::from(why.at(number));
        if text.starts_with('#') {
            continue;
        }
        let cells = cells(&text).map_err(at_line)?;
        let Some(columns) = &columns else {
            columns = Some(Columns::of(&cells));
            continue;
        };
        if cells.first().is_some_and(|cell| cell == "合计") {
            let count = |name| {
                columns.cell(&cells, name).map_err(at_line).and_then(|cell| whole_number(cell, at_line))
            };
            return Ok(Some(Counts {
                payments: count("交易订单总笔数")?,
                refunds: count("退款订单总笔数")?,
            }));
        }
    }
    Ok(None)
}

fn whole_number(cell: &str, at_line: impl Fn(Why) -> Error) -> Result<u64, Error> {
    cell.parse().map_err(|_| at_line(Why::new("a count is no number")))
}

/// Lines with their numbers, counted from 1, without those that are blank.
fn numbered(file: &[u8]) -> Result<Vec<(u64, String)>, Error> {
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(file.split(|byte| *byte == b'\n')) {
        let text = gbk(line).ok_or_else(|| Why::new("it is not GBK").at(number))?;
        let text = text.trim_end();
        if !text.is_empty() {
            lines.push((number, text.to_owned()));
        }
    }
    Ok(lines)
}

/// What was seen so far of a file of lines.
#[derive(Default)]
struct Reader {
    columns: Option<Columns>,
    day_seen: bool,
    ended: bool,
    payments: Option<u64>,
    refunds: Option<u64>,
}

impl Reader {
    fn mark(&mut self, day: BillDay, mark: &str) -> Result<(), Why> {
        if mark.starts_with("起始日期") {
            if day_of(mark) != Some(day) {
                return Err(Why::new("it is about another day"));
            }
            self.day_seen = true;
        } else if mark.contains("列表结束") {
            self.ended = true;
        } else if let Some(rest) = mark.strip_prefix("交易合计") {
            self.payments = Some(count_of(rest)?);
        } else if let Some(rest) = mark.strip_prefix("退款合计") {
            self.refunds = Some(count_of(rest)?);
        }
        Ok(())
    }

    /// A row; the first one names the columns.
    fn row(&mut self, text: &str) -> Result<Option<BillLine>, Why> {
        let cells = cells(text)?;
        match &self.columns {
            None => {
                self.columns = Some(Columns::of(&cells));
                Ok(None)
            }
            Some(_) if self.ended => Err(Why::new("there is a row after the end of the list")),
            Some(columns) => line_of(columns, &cells).map(Some),
        }
    }
}

/// Where the columns are. They are found by name, since the file gained columns over the years.
struct Columns {
    places: HashMap<String, usize>,
    count: usize,
}

impl Columns {
    fn of(names: &[String]) -> Self {
        // Names of amounts end in `（元）` or `(元)`.
        let bare = |name: &String| name.split(['（', '(']).next().unwrap_or_default().to_owned();
        let places = names.iter().map(bare).zip(0..).collect();
        Self { places, count: names.len() }
    }

    fn cell<'a>(&self, cells: &'a [String], name: &str) -> Result<&'a str, Why> {
        let place = self.places.get(name).ok_or(Why::new("a column that is needed is missing"))?;
        cells.get(*place).map(String::as_str).ok_or(Why::new("a cell is missing"))
    }
}

fn line_of(columns: &Columns, cells: &[String]) -> Result<BillLine, Why> {
    if cells.len() != columns.count {
        return Err(Why::new("it has another number of cells than there are columns"));
    }
    let cell = |name| columns.cell(cells, name);
    let amount = cell("订单金额")?;
    let (movement, amount) = match cell("业务类型")? {
        "交易" => (Movement::Payment, amount),
        "退款" => {
            let refund_no = Some(cell("退款批次号/请求号")?).filter(|number| !number.is_empty());
            let refund_no = refund_no.map(ToOwned::to_owned);
            (Movement::Refund { refund_no, succeeded: true }, amount.strip_prefix('-').unwrap_or(amount))
        }
        _ => return Err(Why::new("its type is neither a trade nor a refund")),
    };
    let trade_no = TradeNo::parse(cell("支付宝交易号")?).map_err(Why::of("its trade number is refused"))?;
    let amount = Money::parse_yuan(amount).map_err(Why::of("its amount is refused"))?;
    let at = Some(cell("完成时间")?).filter(|at| !at.is_empty()).map(UnixMillis::parse_china_text);
    let mut line = BillLine::new(movement, cell("商户订单号")?, trade_no, amount);
    line.at = at.transpose().map_err(Why::of("its time is refused"))?;
    Ok(line)
}

/// The cells of a row, without the spaces and tabs that keep spreadsheets from reading numbers. A cell in quotes may
/// hold commas, and two quotes for one.
fn cells(text: &str) -> Result<Vec<String>, Why> {
    let mut cells = Vec::new();
    let mut rest = Some(text);
    while let Some(text) = rest {
        let (cell, after) = match text.strip_prefix('"') {
            Some(quoted) => quoted_cell(quoted)?,
            None => text
                .split_once(',')
                .map_or((text.to_owned(), None), |(cell, after)| (cell.to_owned(), Some(after))),
        };
        cells.push(cell.trim().to_owned());
        rest = after;
    }
    Ok(cells)
}

/// A cell after its opening quote, and what follows its comma.
fn quoted_cell(text: &str) -> Result<(String, Option<&str>), Why> {
    let mut cell = String::new();
    let mut rest = text;
    loop {
        let (part, after) = rest.split_once('"').ok_or(Why::new("a quoted cell does not end"))?;
        cell.push_str(part);
        if let Some(more) = after.strip_prefix('"') {
            cell.push('"');
            rest = more;
        } else if after.trim().is_empty() {
            return Ok((cell, None));
        } else {
            let (blank, next) = after.split_once(',').ok_or(Why::new("text follows a quoted cell"))?;
            let blank = blank.trim().is_empty();
            return if blank { Ok((cell, Some(next))) } else { Err(Why::new("text follows a quoted cell")) };
        }
    }
}

/// The day in `起始日期：[2026年09月22日 00:00:00]`.
fn day_of(mark: &str) -> Option<BillDay> {
    let (_, rest) = mark.split_once('[')?;
    let (text, _) = rest.split_once(']')?;
    let text = text.replace(['年', '月'], "-").replace('日', "");
    UnixMillis::parse_china_text(&text).ok().map(BillDay::of)
}

/// The number in `：6笔，…`.
fn count_of(rest: &str) -> Result<u64, Why> {
    let digits = rest.trim_start_matches(['：', ':']).split('笔').next().unwrap_or_default();
    digits.parse().map_err(|_| Why::new("a count is no number"))
}

/// Why a line is refused, before its number is known.
struct Why {
    why: &'static str,
    source: Option<Error>,
}

impl Why {
    fn new(why: &'static str) -> Self {
        Self { why, source: None }
    }

    fn of(why: &'static str) -> impl Fn(Error) -> Self {
        move |error| Self { why, source: Some(error) }
    }

    fn at(self, line: u64) -> Cause {
        let source = self.source.map(|error| -> Box<dyn std::error::Error + Send + Sync> { Box::new(error) });
        Cause::Bill { what: WHAT, line: Some(line), why: self.why, source }
    }
}

fn whole(why: &'static str) -> Error {
    Cause::Bill { what: WHAT, line: None, why, source: None }.into()
}
