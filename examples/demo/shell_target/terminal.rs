//! The terminal that a client asks for: its kind and size, parsed from outside values.

use pty_process::Size;

/// Characters in a `TERM` value at most.
const KIND_CHARS_MAX: usize = 64;
/// Rows or columns at most; more is taken as this many.
const CELLS_MAX: u16 = 4096;
/// What a client without a terminal of its own gets.
const SIZE_DEFAULT: (u16, u16) = (24, 80);

/// A `pty-req` (RFC 4254, 6.2). The terminal modes in it are not used.
pub(super) struct Terminal {
    /// The value of `TERM`.
    pub(super) kind: String,
    /// Rows and columns.
    pub(super) size: Size,
}

impl Terminal {
    /// Reads a request; `None` when the kind is not a terminal's name. An empty one becomes `dumb`.
    pub(super) fn parse(kind: &str, columns: u32, rows: u32) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'+');
        if kind.len() > KIND_CHARS_MAX || !kind.bytes().all(allowed) {
            return None;
        }
        let kind = if kind.is_empty() { "dumb" } else { kind };
        let default = Size::new(SIZE_DEFAULT.0, SIZE_DEFAULT.1);
        Some(Self { kind: kind.to_owned(), size: size(columns, rows).unwrap_or(default) })
    }
}

/// A window size; `None` when a side is zero, which stands for "not known" (RFC 4254, 6.2).
pub(super) fn size(columns: u32, rows: u32) -> Option<Size> {
    let cells = |n: u32| u16::try_from(n).map_or(CELLS_MAX, |n| n.min(CELLS_MAX));
    (columns > 0 && rows > 0).then(|| Size::new(cells(rows), cells(columns)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(terminal: &Terminal) -> String {
        format!("{} {:?}", terminal.kind, terminal.size)
    }

    #[test]
    fn sizes_are_kept_within_limits() {
        let expected = |kind: &str, rows, columns| format!("{kind} {:?}", Size::new(rows, columns));
        let parsed = |kind, columns, rows| shown(&Terminal::parse(kind, columns, rows).unwrap());
        assert_eq!(parsed("xterm-256color", 120, 40), expected("xterm-256color", 40, 120));
        assert_eq!(parsed("", 0, 40), expected("dumb", 24, 80));
        assert_eq!(parsed("vt100", u32::MAX, 70_000), expected("vt100", 4096, 4096));
        assert!(size(0, 1).is_none() && size(1, 0).is_none());
    }

    #[test]
    fn a_kind_is_a_word() {
        for bad in ["a b", "a\nb", "$(id)", "../x", "xterm\u{1b}", &"x".repeat(65)] {
            assert!(Terminal::parse(bad, 80, 24).is_none(), "{bad:?}");
        }
    }
}
