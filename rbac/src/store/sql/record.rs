//! One row of a table as a database gave it, read column by column. A bad column is a fault of this row alone.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::table::Table;
use crate::error::Error;
use crate::name::shown;

/// One value of a row.
#[derive(Debug, PartialEq, Eq)]
#[expect(unnameable_types, reason = "a sealed trait that is public speaks of it")]
pub enum Cell<'a> {
    Null,
    /// Truth values are 0 and 1.
    Number(i64),
    Text(Cow<'a, str>),
}

/// What is wrong with a row.
#[derive(Debug)]
pub(super) struct Fault(pub(super) String);

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self(error.to_string())
    }
}

/// The cells of one row, from left to right.
pub(super) struct Record<'r, 'c> {
    table: &'static Table,
    cells: &'r [Cell<'c>],
    next: usize,
}

impl<'r, 'c> Record<'r, 'c> {
    pub(super) const fn new(table: &'static Table, cells: &'r [Cell<'c>]) -> Self {
        Self { table, cells, next: 0 }
    }

    pub(super) fn text(&mut self) -> Result<&'r str, Fault> {
        match self.cell() {
            Some(Cell::Text(text)) => Ok(text),
            other => Err(self.fault(other, "a text")),
        }
    }

    pub(super) fn number(&mut self) -> Result<i64, Fault> {
        match self.cell() {
            Some(Cell::Number(number)) => Ok(*number),
            other => Err(self.fault(other, "a number")),
        }
    }

    pub(super) fn maybe_number(&mut self) -> Result<Option<i64>, Fault> {
        match self.cell() {
            Some(Cell::Null) => Ok(None),
            Some(Cell::Number(number)) => Ok(Some(*number)),
            other => Err(self.fault(other, "a number or nothing")),
        }
    }

    pub(super) fn flag(&mut self) -> Result<bool, Fault> {
        match self.cell() {
            Some(Cell::Number(0)) => Ok(false),
            Some(Cell::Number(1)) => Ok(true),
            other => Err(self.fault(other, "0 or 1")),
        }
    }

    /// The fault, with the key of the row before it.
    pub(super) fn place(&self, fault: &Fault) -> String {
        let mut place = String::from("row");
        for cell in self.cells.iter().take(self.table.keys) {
            // Writing to a text cannot fail.
            if write!(place, " `{}`", words(cell)).is_err() {
                break;
            }
        }
        place + ": " + &fault.0
    }

    fn cell(&mut self) -> Option<&'r Cell<'c>> {
        let cell = self.cells.get(self.next);
        self.next += 1;
        cell
    }

    fn fault(&self, found: Option<&Cell<'_>>, wanted: &str) -> Fault {
        let column = self.table.columns.get(self.next.saturating_sub(1)).map_or("", |column| column.name);
        Fault(format!("column `{column}` holds `{}`; use {wanted}", found.map_or_else(String::new, words)))
    }
}

fn words(cell: &Cell<'_>) -> String {
    match cell {
        Cell::Null => "NULL".to_owned(),
        Cell::Number(number) => number.to_string(),
        Cell::Text(text) => shown(text),
    }
}
