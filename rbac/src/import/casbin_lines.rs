//! The lines of a policy of casbin, from a file or from the table `casbin_rule`.

use super::records::{Records, Style};
use crate::error::Error;

pub(super) const WHAT: &str = "casbin policy";

/// One line of the policy: what kind, then its values.
pub(super) struct Line {
    pub(super) place: String,
    pub(super) number: u64,
    pub(super) kind: String,
    pub(super) values: Vec<String>,
}

impl Line {
    pub(super) fn shown(&self) -> String {
        format!("{}, {}", self.kind, self.values.join(", "))
    }

    pub(super) fn is(&self, kind: &str, values: Option<usize>) -> bool {
        self.kind == kind && Some(self.values.len()) == values
    }
}

/// All lines, those of a dump of the table too.
pub(super) fn lines(policy: &str) -> Result<Vec<Line>, Error> {
    let mut lines = Vec::new();
    // Where the kind stands: the table has a column with a number before it.
    let mut skipped = 0;
    for record in Records::new(WHAT, policy, Style::Loose) {
        let mut record = record?;
        let header = record.fields.iter().position(|field| field.eq_ignore_ascii_case("ptype"));
        if let Some(at) = header.filter(|_| lines.is_empty()) {
            skipped = at;
            continue;
        }
        // The table has empty columns at the end.
        let empty = record.fields.iter().rev().take_while(|field| field.is_empty()).count();
        record.fields.truncate(record.fields.len() - empty);
        let mut fields = record.fields.into_iter().skip(skipped);
        let kind = fields.next().unwrap_or_default();
        let number = u64::try_from(record.line).unwrap_or(u64::MAX);
        let place = format!("policy line {number}");
        lines.push(Line { place, number, kind, values: fields.collect() });
    }
    Ok(lines)
}

/// The values of a line that must have so many.
pub(super) fn wanted(line: &Line, values: Option<usize>) -> Result<&[String], String> {
    match values {
        Some(count) if line.values.len() != count => {
            Err(format!("the model wants {count} values, not {}", line.values.len()))
        }
        _ => Ok(&line.values),
    }
}
