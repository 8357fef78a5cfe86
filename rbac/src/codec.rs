//! Rows as JSON of our own: sorted and compact when it is written, strict when it is read. The audit trail of the SQL
//! stores holds the same texts.

mod read;
pub(crate) mod words;
pub(crate) mod write;

use crate::error::Error;
use crate::rows::PolicyRows;

/// The format written here. A text of another one is refused.
const FORMAT: i64 = 1;

impl PolicyRows {
    /// The rows as one line of JSON. Equal rows give equal texts.
    ///
    /// An object with the member `rbac`, the number of the format, and a list for each kind of row; lists without rows
    /// are left out, and so is in a row what is as in a new one: an empty label, an active user, an open window. Times
    /// are milliseconds since 1970.
    ///
    /// ```
    /// use rbac::{Assignment, PolicyRows, UserRow, Window};
    ///
    /// let mut rows = PolicyRows::default();
    /// rows.users.insert("alice".parse()?, UserRow::new("Alice".parse()?));
    /// rows.assignments.insert(Assignment::new("alice".parse()?, "editor".parse()?), Window::ALWAYS);
    /// let text = rows.to_json();
    /// assert_eq!(
    ///     text,
    ///     r#"{"rbac":1,"users":[{"id":"alice","label":"Alice"}],"assignments":[{"user":"alice","role":"editor"}]}"#
    /// );
    /// assert_eq!(PolicyRows::from_json(&text)?, rows);
    /// # Ok::<(), rbac::Error>(())
    /// ```
    #[must_use]
    pub fn to_json(&self) -> String {
        write::rows(self)
    }

    /// Reads what [`to_json`](Self::to_json) writes, with members and rows in any order.
    ///
    /// Each row is read by itself: rows that contradict each other are as welcome as in a store.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the text is no JSON of this format, a member is
    /// unknown, missing or there twice, a name is bad, or a row stands twice. The text of the error names the place.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        read::rows(text)
    }
}
