//! A gateway's bill beside our own books: the pure rule. It looks nothing up and loses nothing: every line and every
//! movement of the day is matched or named.

use crate::bill::{Bill, BillDay, BillLine, Movement};
use crate::store::StoredMovement;
use crate::{Money, RefundState, UnixMillis};
use std::collections::HashMap;

/// This long before and after midnight the gateway's clock and our books may put a movement into different days.
pub const MIDNIGHT_SECS: u64 = 3_600;

/// What a bill and our books say differently.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct BillReport {
    /// How many lines agree with our books.
    pub matched: u64,
    /// Lines of money that moved, of which our books know nothing.
    pub missing_here: Vec<BillLine>,
    /// Movements in our books on this day that the bill does not have.
    pub missing_there: Vec<StoredMovement>,
    /// The same movement with another amount.
    pub amount_differs: Vec<AmountDiffers>,
    /// The same refund in another state.
    pub state_differs: Vec<StateDiffers>,
    /// Movements in the first or the last hour of our day that the bill does not have: they may stand in the bill of
    /// the day before or after. Look there with [`BillReport::look_in`].
    pub near_midnight: Vec<StoredMovement>,
    /// Lines of refunds that the gateway still works on or could not pay out, and that our books do not have as
    /// succeeded either: no difference, but worth an eye.
    pub unfinished: Vec<BillLine>,
}

/// One movement, two amounts.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AmountDiffers {
    /// What the bill says.
    pub line: BillLine,
    /// What we recorded.
    pub ours: StoredMovement,
}

/// One refund, two states.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StateDiffers {
    /// What the bill says.
    pub line: BillLine,
    /// Where the refund stands in our books.
    pub ours: RefundState,
}

/// Compares the bill of one day with our movements of that day and of one hour around it, which
/// [`OrderStore::movements`](crate::store::OrderStore::movements) gives for
/// `day.begins_at() - 1 h .. day.ends_at() + 1 h`.
///
/// Payments are the same if order and trade are the same. Refunds are the same if order and refund number are; where
/// the file has no refund number, if order, trade and amount are. A movement recorded in the hour around the day
/// counts if the bill has it, and is not missed if the bill has it not.
///
/// ```
/// use payments::reconcile::diff;
/// use payments::{Bill, BillDay, BillLine, Channel, Money, Movement, TradeNo};
/// let line = BillLine::new(
///     Movement::Payment, "COURSE_0001", TradeNo::parse("2026092222001")?, Money::parse_yuan("88.00")?,
/// );
/// let bill = Bill::new(Channel::Alipay, BillDay::parse("2026-09-22")?, vec![line]);
/// let report = diff(&bill, &[]);
/// assert_eq!(report.missing_here.len(), 1);
/// assert!(!report.is_clean());
/// # Ok::<(), payments::Error>(())
/// ```
#[must_use]
pub fn diff(bill: &Bill, ours: &[StoredMovement]) -> BillReport {
    let compared = compare(&bill.lines, ours);
    let mut report = BillReport::default();
    report.take_pairs(&compared);
    for line in compared.lines_left {
        if moved(line) { &mut report.missing_here } else { &mut report.unfinished }.push(line.clone());
    }
    for movement in compared.ours_left {
        match place(bill.day, movement.at) {
            Place::Inside => report.missing_there.push(movement.clone()),
            Place::FirstHour | Place::LastHour => report.near_midnight.push(movement.clone()),
            Place::Outside => {}
        }
    }
    report
}

impl BillReport {
    /// True if nothing differs and nothing is left to look up.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let differences = self.missing_here.len() + self.missing_there.len() + self.amount_differs.len();
        differences + self.state_differs.len() + self.near_midnight.len() == 0
    }

    /// Looks for the movements near midnight in the bill of the day before or after. What that bill has not either
    /// is missing; what is at the other end of the day stays.
    pub fn look_in(&mut self, day: BillDay, neighbour: &Bill) {
        let near = std::mem::take(&mut self.near_midnight);
        let compared = compare(&neighbour.lines, &near);
        self.take_pairs(&compared);
        for movement in compared.ours_left {
            let decided = match place(day, movement.at) {
                Place::FirstHour => neighbour.day < day,
                Place::LastHour => neighbour.day > day,
                Place::Inside | Place::Outside => true,
            };
            if decided { &mut self.missing_there } else { &mut self.near_midnight }.push(movement.clone());
        }
    }

    fn take_pairs(&mut self, compared: &Compared<'_>) {
        for (line, ours) in &compared.pairs {
            if line.amount != ours.amount {
                self.amount_differs.push(AmountDiffers { line: (*line).clone(), ours: (*ours).clone() });
            } else if !moved(line) {
                // Our books hold no refund as a movement before it has succeeded.
                let ours = RefundState::Succeeded;
                self.state_differs.push(StateDiffers { line: (*line).clone(), ours });
            } else {
                self.matched += 1;
            }
        }
    }
}

/// Whether the line says that money moved.
fn moved(line: &BillLine) -> bool {
    !matches!(line.movement, Movement::Refund { succeeded: false, .. })
}

enum Place {
    Inside,
    FirstHour,
    LastHour,
    Outside,
}

fn place(day: BillDay, at: UnixMillis) -> Place {
    let millis = MIDNIGHT_SECS * 1000;
    let (begin, end, at) = (day.begins_at().as_millis(), day.ends_at().as_millis(), at.as_millis());
    if at < begin || at >= end {
        Place::Outside
    } else if at - begin < millis {
        Place::FirstHour
    } else if end - at <= millis {
        Place::LastHour
    } else {
        Place::Inside
    }
}

/// What makes two entries the same movement.
#[derive(PartialEq, Eq, Hash)]
enum Identity<'a> {
    Payment {
        out_trade_no: &'a str,
        trade_no: &'a str,
    },
    Refund {
        out_trade_no: &'a str,
        refund_no: &'a str,
    },
    /// For files without refund numbers.
    RefundOf {
        out_trade_no: &'a str,
        trade_no: &'a str,
        amount: Money,
    },
}

struct Compared<'a> {
    pairs: Vec<(&'a BillLine, &'a StoredMovement)>,
    lines_left: Vec<&'a BillLine>,
    ours_left: Vec<&'a StoredMovement>,
}

/// Pairs lines with movements, each at most once: first by identity and amount, then by identity alone, so that a
/// repeated line takes the movement that fits it best.
fn compare<'a>(lines: &'a [BillLine], ours: &'a [StoredMovement]) -> Compared<'a> {
    let mut books = Books::new(ours);
    let mut pairs = Vec::new();
    let mut lines_left: Vec<&BillLine> = lines.iter().collect();
    for same_amount in [true, false] {
        // Numbers first: a line without one must not take the refund that another line names.
        for numbered in [true, false] {
            lines_left.retain(|line| {
                let is_meant = has_number(line) == numbered;
                let found = if is_meant { books.take(line, same_amount) } else { None };
                pairs.extend(found.map(|ours| (*line, ours)));
                found.is_none()
            });
        }
    }
    Compared { pairs, lines_left, ours_left: books.open.into_iter().flatten().collect() }
}

fn has_number(line: &BillLine) -> bool {
    !matches!(line.movement, Movement::Refund { refund_no: None, .. })
}

/// Our movements that no line has taken yet, found by identity.
struct Books<'a> {
    open: Vec<Option<&'a StoredMovement>>,
    places: HashMap<Identity<'a>, Vec<usize>>,
}

impl<'a> Books<'a> {
    fn new(ours: &'a [StoredMovement]) -> Self {
        let mut places: HashMap<Identity<'a>, Vec<usize>> = HashMap::new();
        for (index, movement) in ours.iter().enumerate() {
            for identity in identities(movement) {
                places.entry(identity).or_default().push(index);
            }
        }
        Self { open: ours.iter().map(Some).collect(), places }
    }

    fn take(&mut self, line: &'a BillLine, same_amount: bool) -> Option<&'a StoredMovement> {
        let fits = |movement: &StoredMovement| !same_amount || movement.amount == line.amount;
        let places = self.places.get(&identity(line))?;
        let open = &self.open;
        let is_free = |index: &&usize| open.get(**index).copied().flatten().is_some_and(fits);
        let index = *places.iter().find(is_free)?;
        self.open.get_mut(index)?.take()
    }
}

fn identities(movement: &StoredMovement) -> impl Iterator<Item = Identity<'_>> {
    let (out_trade_no, trade_no) = (movement.out_trade_no.as_str(), movement.trade_no.as_str());
    let (first, second) = match &movement.refund_no {
        None => (Identity::Payment { out_trade_no, trade_no }, None),
        Some(refund_no) => (
            Identity::Refund { out_trade_no, refund_no: refund_no.as_str() },
            Some(Identity::RefundOf { out_trade_no, trade_no, amount: movement.amount }),
        ),
    };
    std::iter::once(first).chain(second)
}

fn identity(line: &BillLine) -> Identity<'_> {
    let (out_trade_no, trade_no) = (line.out_trade_no.as_str(), line.trade_no.as_str());
    match &line.movement {
        Movement::Payment => Identity::Payment { out_trade_no, trade_no },
        Movement::Refund { refund_no: Some(refund_no), .. } => Identity::Refund { out_trade_no, refund_no },
        Movement::Refund { refund_no: None, .. } => {
            Identity::RefundOf { out_trade_no, trade_no, amount: line.amount }
        }
    }
}

#[cfg(test)]
mod tests;
