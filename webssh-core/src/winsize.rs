//! The size of a terminal in character cells.

use std::fmt;

use crate::error::{Error, Inner};

/// Columns and rows, each from 1 to 1000 (RFC 4254, section 6.7, without the pixels).
///
/// ```
/// use webssh_core::WinSize;
///
/// let size = WinSize::new(120, 40)?;
/// assert_eq!((size.cols(), size.rows()), (120, 40));
/// assert!(WinSize::new(0, 40).is_err());
/// assert_eq!(WinSize::default().to_string(), "80x24");
/// # Ok::<(), webssh_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WinSize {
    cols: u16,
    rows: u16,
}

impl WinSize {
    /// The largest number of columns or rows.
    pub const CELLS_MAX: u16 = 1000;

    /// Checks both numbers.
    ///
    /// # Errors
    /// `InvalidInput` when a number is 0 or above [`WinSize::CELLS_MAX`].
    pub fn new(cols: u16, rows: u16) -> Result<Self, Error> {
        let allowed = 1..=Self::CELLS_MAX;
        if !allowed.contains(&cols) || !allowed.contains(&rows) {
            return Err(Inner::WinSize { cols, rows }.into());
        }
        Ok(Self { cols, rows })
    }

    /// Columns, 1 to 1000.
    #[must_use]
    pub fn cols(self) -> u16 {
        self.cols
    }

    /// Rows, 1 to 1000.
    #[must_use]
    pub fn rows(self) -> u16 {
        self.rows
    }
}

/// 80 columns and 24 rows.
impl Default for WinSize {
    fn default() -> Self {
        Self { cols: 80, rows: 24 }
    }
}

impl fmt::Display for WinSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.cols, self.rows)
    }
}
