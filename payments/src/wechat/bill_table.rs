//! The table of a bill: a header, rows whose cells begin with a backquote, a second header, one row of sums.

use crate::error::{Cause, Error};

const WHAT: &str = "wechat bill";
const BOM: char = '\u{feff}';

pub(crate) struct Table<'a> {
    pub(crate) rows: Section<'a>,
    pub(crate) sums: Section<'a>,
}

/// A header and the rows under it.
pub(crate) struct Section<'a> {
    header: Vec<&'a str>,
    pub(crate) rows: Vec<Vec<&'a str>>,
}

/// A row under its header.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a, 'b> {
    header: &'b [&'a str],
    cells: &'b [&'a str],
    number: usize,
}

/// A bill that cannot be read, with the line and what is wrong there.
pub(crate) fn broken(line: usize, why: &'static str) -> Error {
    let line = u64::try_from(line).ok();
    Cause::Bill { what: WHAT, line, why, source: None }.into()
}

impl<'a> Table<'a> {
    pub(crate) fn read(file: &'a [u8]) -> Result<Self, Error> {
        let text = str::from_utf8(file).map_err(|_| broken(1, "it is not UTF-8"))?;
        let text = text.strip_prefix(BOM).unwrap_or(text);
        let lines: Vec<&str> = text.trim_end_matches(['\r', '\n']).lines().collect();
        // Two headers and one row of sums, so a bill without a movement has three lines.
        let Some((rows, [sums_header, sums])) = lines.split_last_chunk::<2>() else {
            return Err(broken(1, "it is shorter than its own sums"));
        };
        let Some((header, rows)) = rows.split_first() else {
            return Err(broken(1, "it has no header"));
        };
        let sums_line = lines.len();
        let rows = rows.iter().zip(2..).map(|(line, number)| cells(line, number));
        let rows = Section { header: names(header, 1)?, rows: rows.collect::<Result<_, _>>()? };
        let sums =
            Section { header: names(sums_header, sums_line - 1)?, rows: vec![cells(sums, sums_line)?] };
        rows.check_widths(2)?;
        sums.check_widths(sums_line)?;
        Ok(Self { rows, sums })
    }
}

impl<'a> Section<'a> {
    /// A comma and a backquote inside a cell would shift every cell after it.
    fn check_widths(&self, first: usize) -> Result<(), Error> {
        let odd = self.rows.iter().position(|row| row.len() != self.header.len());
        odd.map_or(Ok(()), |at| Err(broken(first + at, "it has more or fewer cells than the header")))
    }

    /// Every row with its line number, counted from this one.
    pub(crate) fn numbered(&self, first: usize) -> impl Iterator<Item = Row<'a, '_>> {
        self.rows.iter().zip(first..).map(|(cells, number)| Row { header: &self.header, cells, number })
    }
}

impl<'a> Row<'a, '_> {
    /// The cell under this name; a name may be followed by a unit in parentheses.
    pub(crate) fn find(&self, name: &str) -> Option<&'a str> {
        let named = |cell: &str| {
            let rest = cell.strip_prefix(name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['(', '（']))
        };
        self.header.iter().position(|cell| named(cell)).and_then(|at| self.cells.get(at).copied())
    }

    pub(crate) fn cell(&self, name: &str) -> Result<&'a str, Error> {
        self.find(name).ok_or_else(|| broken(1, "a column that is needed is missing"))
    }

    pub(crate) fn fen(&self, name: &str) -> Result<i64, Error> {
        fen(self.cell(name)?).ok_or_else(|| self.broken("an amount is not yuan with at most two places"))
    }

    pub(crate) fn count(&self, name: &str) -> Result<usize, Error> {
        self.cell(name)?.parse().map_err(|_| self.broken("a count is no number"))
    }

    pub(crate) fn broken(&self, why: &'static str) -> Error {
        broken(self.number, why)
    }
}

fn names(line: &str, number: usize) -> Result<Vec<&str>, Error> {
    if line.starts_with('`') {
        return Err(broken(number, "it is a row where a header belongs"));
    }
    Ok(line.split(',').map(str::trim).collect())
}

fn cells(line: &str, number: usize) -> Result<Vec<&str>, Error> {
    let line =
        line.strip_prefix('`').ok_or_else(|| broken(number, "its cells do not begin with a backquote"))?;
    Ok(line.split(",`").map(str::trim).collect())
}

/// Yuan as fen: sums can be zero, negative, or beyond what one order can cost.
fn fen(text: &str) -> Option<i64> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (yuan, places) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str, most: usize| {
        (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !plain(yuan, 13) || !plain(places, 2) {
        return None;
    }
    let fen: i64 = format!("{places:0<2}").parse().ok()?;
    Some(sign * (yuan.parse::<i64>().ok()? * 100 + fen))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yuan_as_fen() {
        for (text, minor) in [("0", 0), ("0.0", 0), ("0.01", 1), ("12.3", 1230), ("-3.00", -300)] {
            assert_eq!(fen(text), Some(minor), "{text}");
        }
        for text in ["", ".5", "5.", "1.234", "+1", "--1", "1e3", "1,000", "99999999999999"] {
            assert_eq!(fen(text), None, "{text}");
        }
    }

    #[test]
    fn a_table_has_its_shape() {
        assert!(Table::read("a,b\nc,d\n`1,`2".as_bytes()).is_ok());
        assert!(Table::read("\u{feff}a,b\r\n`1,`2,x\r\nc\r\n`1\r\n".as_bytes()).is_ok());
        for file in
            ["", "a", "a\nb", "`a\nb\n`1", "a\n1\nb\n`1", "a\n`1,`2\nb\n`1", "a\nb\n`1,`2", "a\n`1\n`2\n`3"]
        {
            assert!(Table::read(file.as_bytes()).is_err(), "{file:?}");
        }
        assert!(Table::read(b"\xff\nb\n`1").is_err());
    }
}
