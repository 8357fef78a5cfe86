//! From JSON text to rows. Whatever is not expected is an error that names its place.

mod row;

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::FORMAT;
use crate::error::{Error, Repr};
use crate::name::in_label;
use crate::rows::PolicyRows;

use self::row::{
    AssignmentText, DepartmentText, DomainText, DutyText, GrantText, InheritanceText, PermissionText,
    RoleText, Row, UnreadableText, UserText, Whole,
};

/// The most characters of a fault that an error repeats: parts of the text may be in it.
const FAULT_CHARS_MAX: usize = 400;

pub(super) fn rows(text: &str) -> Result<PolicyRows, Error> {
    let mut json = serde_json::Deserializer::from_str(text);
    let rows = json.deserialize_map(Policy).and_then(|rows| json.end().map(|()| rows));
    rows.map_err(|error| Repr::PolicyText { fault: one_line(&error.to_string()) }.into())
}

/// The words of the parser hold pieces of the text as they are; here they become fit for a log.
fn one_line(fault: &str) -> String {
    let mut line = String::new();
    for c in fault.chars().take(FAULT_CHARS_MAX) {
        if in_label(c) { line.push(c) } else { line.extend(c.escape_unicode()) }
    }
    line
}

/// The object around all lists.
struct Policy;

impl<'de> Visitor<'de> for Policy {
    type Value = PolicyRows;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the rows of a policy")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<PolicyRows, A::Error> {
        let (mut rows, mut seen) = (PolicyRows::default(), Vec::new());
        while let Some(name) = members.next_key::<String>()? {
            if seen.contains(&name) {
                return Err(A::Error::custom(format_args!("member `{name}` stands twice")));
            }
            let to = &mut rows;
            match name.as_str() {
                "rbac" => format(&members.next_value()?)?,
                "users" => members.next_value_seed(List::<UserText>::of("users", to))?,
                "roles" => members.next_value_seed(List::<RoleText>::of("roles", to))?,
                "permissions" => members.next_value_seed(List::<PermissionText>::of("permissions", to))?,
                "domains" => members.next_value_seed(List::<DomainText>::of("domains", to))?,
                "departments" => members.next_value_seed(List::<DepartmentText>::of("departments", to))?,
                "assignments" => members.next_value_seed(List::<AssignmentText>::of("assignments", to))?,
                "grants" => members.next_value_seed(List::<GrantText>::of("grants", to))?,
                "inheritance" => members.next_value_seed(List::<InheritanceText>::of("inheritance", to))?,
                "duties" => members.next_value_seed(List::<DutyText>::of("duties", to))?,
                "unreadable" => members.next_value_seed(List::<UnreadableText>::of("unreadable", to))?,
                _ => return Err(A::Error::custom(format_args!("member `{name}` is unknown"))),
            }
            seen.push(name);
        }
        if seen.iter().any(|name| name == "rbac") {
            Ok(rows)
        } else {
            Err(A::Error::custom("member `rbac` with the number of the format is missing"))
        }
    }
}

fn format<E: serde::de::Error>(number: &Whole) -> Result<(), E> {
    match number.0 {
        FORMAT => Ok(()),
        other => {
            Err(E::custom(format_args!("format `{other}` is unknown, this version reads format `{FORMAT}`")))
        }
    }
}

/// One list, read row by row into its place.
struct List<'r, T> {
    name: &'static str,
    rows: &'r mut PolicyRows,
    row: PhantomData<T>,
}

impl<'r, T> List<'r, T> {
    const fn of(name: &'static str, rows: &'r mut PolicyRows) -> Self {
        Self { name, rows, row: PhantomData }
    }
}

impl<'de, T: Row + Deserialize<'de>> DeserializeSeed<'de> for List<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: Row + Deserialize<'de>> Visitor<'de> for List<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list in `{}`", self.name)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut at = 0_usize;
        loop {
            let place = |fault: &dyn fmt::Display| {
                A::Error::custom(format_args!("row {at} of `{}`: {fault}", self.name))
            };
            let Some(row) = list.next_element::<T>().map_err(|error| place(&error))? else { return Ok(()) };
            match row.keep(self.rows) {
                Ok(true) => at += 1,
                Ok(false) => return Err(place(&"the same row stands twice")),
                Err(error) => return Err(place(&error)),
            }
        }
    }
}
