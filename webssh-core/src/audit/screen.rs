//! A small model of the terminal's screen: where the cursor is and what stands around it, as far as a shell's line
//! editor needs. Colours and scroll regions are not kept.

use std::collections::VecDeque;

use crate::WinSize;

/// Taller terminals are modelled with so many rows, which bounds the memory of a model to 400 KB.
const ROWS_MAX: u16 = 100;

/// A cell that belongs to the character before it, or that a wide character left empty at the right edge.
const FILLER: char = '\0';

/// A place on the screen that stays with its text when the screen scrolls. Column equal to the width: after the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) row: u64,
    pub(super) col: usize,
}

/// The screen.
#[derive(Debug)]
pub(super) struct Screen {
    cols: usize,
    rows: usize,
    /// The number of the first row since the start.
    top: u64,
    lines: VecDeque<Row>,
    row: usize,
    /// At most `cols`: a cursor there wraps with the next character.
    col: usize,
    saved: (usize, usize),
}

#[derive(Debug, Default, Clone)]
struct Row {
    cells: Vec<char>,
    /// The text goes on in the next row.
    wrapped: bool,
}

impl Screen {
    pub(super) fn new(size: WinSize) -> Self {
        let mut screen =
            Self { cols: 1, rows: 1, top: 0, lines: VecDeque::new(), row: 0, col: 0, saved: (0, 0) };
        screen.resize(size);
        screen
    }

    /// Rows are not wrapped anew: a shell draws its line again.
    pub(super) fn resize(&mut self, size: WinSize) {
        self.cols = usize::from(size.cols());
        self.rows = usize::from(size.rows().min(ROWS_MAX));
        while self.row >= self.rows {
            self.scroll();
            self.row -= 1;
        }
        self.lines.truncate(self.rows);
        self.lines.iter_mut().for_each(|row| row.cells.truncate(self.cols));
        self.col = self.col.min(self.cols);
    }

    pub(super) fn cursor(&self) -> Place {
        Place { row: self.top.saturating_add(crate::ring::count(self.row)), col: self.col }
    }

    /// Whether the place is still there.
    pub(super) fn holds(&self, place: Place) -> bool {
        place.row >= self.top && place <= Place { row: self.cursor().row, col: self.cols }
    }

    /// The text from one place up to another. Rows that were not wrapped end with a line feed.
    pub(super) fn between(&self, from: Place, to: Place) -> String {
        let mut text = String::new();
        for (number, row) in (self.top..).zip(&self.lines).filter(|(n, _)| (from.row..=to.row).contains(n)) {
            let start = if number == from.row { from.col } else { 0 };
            let end = if number == to.row { to.col } else { self.cols };
            let padded = end == self.cols && row.wrapped && self.begins_wide(number + 1);
            let end = if padded && row.cells.last() == Some(&' ') { end - 1 } else { end };
            let shown = row.cells.iter().take(end).skip(start);
            text.extend(shown.filter(|cell| **cell != FILLER));
            if number < to.row && !row.wrapped {
                text.truncate(text.trim_end_matches(' ').len());
                text.push('\n');
            } else if number == to.row {
                // Blank cells left of the cursor were skipped over.
                let blanks = end.saturating_sub(row.cells.len().max(start));
                text.extend(std::iter::repeat_n(' ', blanks.min(self.cols)));
            }
        }
        text
    }

    /// Whether a row begins with a wide character, for which there may have been no place in the row before.
    fn begins_wide(&self, number: u64) -> bool {
        let row = usize::try_from(number.saturating_sub(self.top)).unwrap_or(usize::MAX);
        self.lines.get(row).and_then(|row| row.cells.first()).is_some_and(|first| width(*first) == 2)
    }

    /// The place where the line that the cursor is in ends: after its last character that is not blank, and never
    /// before the cursor.
    pub(super) fn line_end(&self) -> Place {
        let mut row = self.row;
        while self.lines.get(row).is_some_and(|line| line.wrapped) && row + 1 < self.lines.len() {
            row += 1;
        }
        let used = self.lines.get(row).map_or(0, |line| {
            line.cells.iter().rposition(|cell| *cell != ' ' && *cell != FILLER).map_or(0, |last| last + 1)
        });
        let end = Place { row: self.top.saturating_add(crate::ring::count(row)), col: used };
        end.max(self.cursor())
    }

    /// What stands left of the cursor in its row.
    pub(super) fn left(&self) -> String {
        let cursor = self.cursor();
        self.between(Place { col: 0, ..cursor }, cursor)
    }

    pub(super) fn print(&mut self, c: char) {
        let width = width(c);
        if width == 0 {
            return;
        }
        if self.col + width > self.cols {
            let (col, cols) = (self.col, self.cols);
            self.at_cursor(|row| {
                row.wrapped = true;
                if col < cols {
                    row.set(col, FILLER);
                }
            });
            self.line_feed();
            self.col = 0;
        }
        let col = self.col;
        self.at_cursor(|row| {
            row.set(col, c);
            if width == 2 {
                row.set(col + 1, FILLER);
            }
        });
        self.col += width;
    }

    pub(super) fn control(&mut self, c: char) {
        match c {
            '\u{8}' => self.col = self.col.min(self.cols - 1).saturating_sub(1),
            '\t' => self.col = ((self.col / 8 + 1) * 8).min(self.cols - 1),
            '\n' | '\u{b}' | '\u{c}' | '\u{84}' => self.line_feed(),
            '\r' => self.col = 0,
            '\u{85}' => {
                self.col = 0;
                self.line_feed();
            }
            _ => {}
        }
    }

    pub(super) fn escape(&mut self, last: char) {
        match last {
            '7' => self.saved = (self.row, self.col),
            '8' => (self.row, self.col) = (self.saved.0.min(self.rows - 1), self.saved.1.min(self.cols)),
            'D' => self.line_feed(),
            'E' => {
                self.col = 0;
                self.line_feed();
            }
            'M' => self.row = self.row.saturating_sub(1),
            'c' => {
                self.erase_rows(0, self.rows);
                (self.row, self.col) = (0, 0);
            }
            _ => {}
        }
    }

    /// A control sequence without intermediates: its parameters, missing ones as `None`, and its last character.
    pub(super) fn csi(&mut self, params: &[Option<usize>], last: char) {
        let param = |at: usize| params.get(at).copied().flatten();
        // A count: none and 0 mean 1.
        let n = param(0).unwrap_or(1).max(1);
        let mode = param(0).unwrap_or(0);
        match last {
            'A' | 'F' => self.row = self.row.saturating_sub(n),
            'B' | 'E' | 'e' => self.row = self.row.saturating_add(n).min(self.rows - 1),
            'C' | 'a' => self.col = self.col.saturating_add(n).min(self.cols - 1),
            'D' => self.col = self.col.min(self.cols - 1).saturating_sub(n),
            'G' | '`' => self.col = (n - 1).min(self.cols - 1),
            'd' => self.row = (n - 1).min(self.rows - 1),
            'H' | 'f' => {
                self.row = (n - 1).min(self.rows - 1);
                self.col = (param(1).unwrap_or(1).max(1) - 1).min(self.cols - 1);
            }
            'J' => self.erase_display(mode),
            'K' => self.erase_line(mode),
            '@' | 'P' | 'X' => self.edit(n.min(self.cols), last),
            's' => self.escape('7'),
            'u' => self.escape('8'),
            _ => {}
        }
        if matches!(last, 'E' | 'F') {
            self.col = 0;
        }
    }

    fn erase_display(&mut self, mode: usize) {
        match mode {
            0 => {
                self.erase_line(0);
                self.erase_rows(self.row + 1, self.rows);
            }
            1 => {
                self.erase_rows(0, self.row);
                self.erase_line(1);
            }
            2 => self.erase_rows(0, self.rows),
            _ => {}
        }
    }

    fn erase_line(&mut self, mode: usize) {
        let col = self.col;
        self.at_cursor(|row| match mode {
            0 => {
                row.cells.truncate(col);
                row.wrapped = false;
            }
            1 => row.cells.iter_mut().take(col + 1).for_each(|cell| *cell = ' '),
            2 => *row = Row::default(),
            _ => {}
        });
    }

    /// Inserts, deletes or blanks cells at the cursor.
    fn edit(&mut self, n: usize, what: char) {
        let (col, cols) = (self.col, self.cols);
        self.at_cursor(|row| {
            let cells = &mut row.cells;
            let end = cells.len().min(col + n);
            match what {
                _ if col >= cells.len() => {}
                '@' => drop(cells.splice(col..col, std::iter::repeat_n(' ', n))),
                'P' => drop(cells.drain(col..end)),
                _ => cells.iter_mut().take(end).skip(col).for_each(|cell| *cell = ' '),
            }
            cells.truncate(cols);
        });
    }

    fn erase_rows(&mut self, from: usize, to: usize) {
        self.lines.iter_mut().take(to).skip(from).for_each(|row| *row = Row::default());
    }

    fn line_feed(&mut self) {
        if self.row + 1 < self.rows {
            self.row += 1;
        } else {
            self.scroll();
        }
    }

    fn scroll(&mut self) {
        self.lines.pop_front();
        self.top = self.top.saturating_add(1);
    }

    /// Changes the row of the cursor, which is made if it is not there yet.
    fn at_cursor(&mut self, change: impl FnOnce(&mut Row)) {
        while self.lines.len() <= self.row {
            self.lines.push_back(Row::default());
        }
        if let Some(row) = self.lines.get_mut(self.row) {
            change(row);
        }
    }
}

impl Row {
    fn set(&mut self, col: usize, c: char) {
        while self.cells.len() <= col {
            self.cells.push(' ');
        }
        if let Some(cell) = self.cells.get_mut(col) {
            *cell = c;
        }
    }
}

/// How many cells a character takes: 0 for one that joins the one before it, 2 for wide ones (UAX 11, the blocks that
/// terminals agree on).
pub(super) fn width(c: char) -> usize {
    match u32::from(c) {
        0..=0x1f | 0x7f..=0x9f => 0,
        0x300..=0x36f | 0x1ab0..=0x1aff | 0x1dc0..=0x1dff | 0x200b..=0x200f | 0x20d0..=0x20ff => 0,
        0x3099..=0x309a | 0xfe00..=0xfe0f | 0xfe20..=0xfe2f | 0xfeff | 0xe0100..=0xe01ef => 0,
        0x1100..=0x115f | 0x2e80..=0x303e | 0x3041..=0x33ff | 0x3400..=0x4dbf | 0x4e00..=0xa4cf => 2,
        0xa960..=0xa97c | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe6f | 0xff01..=0xff60 => 2,
        0xffe0..=0xffe6 | 0x1f300..=0x1f64f | 0x1f680..=0x1f6ff | 0x1f900..=0x1f9ff => 2,
        0x20000..=0x3fffd => 2,
        _ => 1,
    }
}
