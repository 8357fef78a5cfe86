//! From an entry of a stream to events. The forms are those that the scripts of a sale write.

use redis::Value;

use super::entry::Entry;
use super::event::{Change, EventKind, OrderChange, OrderEvent, OrderLines};
use super::fault::OrdersFault;
use super::keys::Part;
use crate::error::Error;
use crate::ids::{BuyerId, RequestId, ReservationId, SaleId};
use crate::phase::{Phase, Stage};
use crate::reservation::ReservationState;
use crate::restock::Direction;
use crate::text;
use crate::time::UnixMillis;

/// The largest number of an entry: what Lua still counts one by one.
const NUMBER_MAX: u64 = 1 << 53;

/// What all events of an entry share, and what each is about.
type Told = (UnixMillis, Vec<EventKind>);

/// The events of an entry of `part`.
pub(super) fn events(entry: &Entry, sale: &SaleId, shard: u16, part: Part) -> Result<Vec<OrderEvent>, Error> {
    told(entry, sale, part)
        .map(|(sequence, (at, kinds))| {
            kinds
                .into_iter()
                .map(|kind| OrderEvent { sale: sale.clone(), shard, sequence, at, kind })
                .collect()
        })
        .ok_or_else(|| {
            let id = Error::shown(&entry.id);
            OrdersFault::Entry { sale: sale.clone(), shard, part: part.name(), id }.into()
        })
}

/// The events in an answer of `XRANGE` on a stream, in order, and how many entries it has.
pub(crate) fn history(
    answer: Value,
    sale: &SaleId,
    shard: u16,
    part: Part,
) -> Result<(usize, Vec<OrderEvent>), Error> {
    let entries = Entry::list(answer).ok_or_else(|| OrdersFault::Entry {
        sale: sale.clone(),
        shard,
        part: part.name(),
        id: String::new(),
    })?;
    let mut all = Vec::new();
    for entry in &entries {
        all.append(&mut events(entry, sale, shard, part)?);
    }
    Ok((entries.len(), all))
}

fn told(entry: &Entry, sale: &SaleId, part: Part) -> Option<(u64, Told)> {
    // What was put back tells where it came from.
    let (origin, id, head) = match part {
        Part::Wins => (Part::Wins, entry.id.as_str(), "w"),
        Part::Changes => (Part::Changes, entry.id.as_str(), "c"),
        Part::Again => (Part::origin(entry.text("s")?)?, entry.text("i")?, "h"),
    };
    let (head, body) = (entry.text(head)?, entry.text("b")?);
    let told = if origin == Part::Wins { wins(sale, head, body)? } else { changes(sale, head, body)? };
    Some((number(id.strip_suffix("-0")?)?, told))
}

fn wins(sale: &SaleId, head: &str, body: &str) -> Option<Told> {
    let head: Vec<&str> = head.split(' ').collect();
    let [at, pay_until, common] = head[..] else { return None };
    let (at, pay_until) = (millis(at)?, millis(pay_until)?);
    let common = if common == "*" { None } else { Some(OrderLines::read(common)?) };
    let words: Vec<&str> = body.split(' ').collect();
    let mut kinds = Vec::new();
    for win in words.chunks(if common.is_some() { 2 } else { 3 }) {
        let (buyer, request, lines) = match (win, &common) {
            ([buyer, request], Some(lines)) => (buyer, request, lines.clone()),
            ([buyer, request, lines], None) => (buyer, request, OrderLines::read(lines)?),
            _ => return None,
        };
        let (change, reservation) = (Change::Reserved, reservation(sale, buyer, request)?);
        kinds.push(EventKind::Order(OrderChange { change, reservation, lines, pay_until }));
    }
    Some((at, kinds))
}

fn changes(sale: &SaleId, head: &str, body: &str) -> Option<Told> {
    let kinds = body.split('\n').map(|item| kind(sale, item)).collect::<Option<Vec<_>>>()?;
    Some((millis(head)?, kinds))
}

fn kind(sale: &SaleId, item: &str) -> Option<EventKind> {
    let words: Vec<&str> = item.split(' ').collect();
    match *words {
        ["S", sku, way, units, change] => {
            let direction = direction(way, "add", "withdraw")?;
            let change = RequestId::new(change).ok()?;
            Some(EventKind::Stock { sku: position(sku)?, direction, units: number(units)?, change })
        }
        ["F", letter] => Some(EventKind::Stage(phase(letter)?)),
        ["M", sku, way, other, units, transfer] => Some(EventKind::Moved {
            sku: position(sku)?,
            direction: direction(way, "in", "out")?,
            other: u16::try_from(number(other)?)
                .ok()
                .filter(|shard| *shard < crate::SaleConfig::SHARDS_MAX)?,
            units: number(units)?,
            number: number(transfer)?,
        }),
        [letter, buyer, request, lines, pay_until] => {
            order(sale, change(letter)?, [buyer, request, lines, pay_until])
        }
        ["X", buyer, request, lines, pay_until, state] => {
            let change = Change::Restored(Some(self::state(state)?));
            order(sale, change, [buyer, request, lines, pay_until])
        }
        _ => None,
    }
}

fn order(sale: &SaleId, change: Change, words: [&str; 4]) -> Option<EventKind> {
    let [buyer, request, lines, pay_until] = words;
    let (reservation, lines) = (reservation(sale, buyer, request)?, OrderLines::read(lines)?);
    Some(EventKind::Order(OrderChange { change, reservation, lines, pay_until: millis(pay_until)? }))
}

fn change(letter: &str) -> Option<Change> {
    match letter {
        "P" => Some(Change::Paid),
        "T" => Some(Change::Retaken),
        "R" => Some(Change::Released),
        "E" => Some(Change::Expired),
        "G" => Some(Change::Gone),
        "X" => Some(Change::Restored(None)),
        _ => None,
    }
}

fn phase(letter: &str) -> Option<Phase> {
    match Stage::from_letter(only(letter)?)? {
        Stage::Draft => Some(Phase::Draft),
        Stage::Ready => Some(Phase::Warmed),
        Stage::Paused => Some(Phase::Paused),
        Stage::Closed => Some(Phase::Closed),
        Stage::Settled => Some(Phase::Settled),
    }
}

/// The state with this letter in the stores and in a ledger.
pub(crate) fn state(letter: &str) -> Option<ReservationState> {
    ReservationState::from_letter(only(letter)?)
}

fn only(letter: &str) -> Option<char> {
    let mut letters = letter.chars();
    letters.next().filter(|_| letters.next().is_none())
}

fn direction(word: &str, add: &str, withdraw: &str) -> Option<Direction> {
    match word {
        _ if word == add => Some(Direction::Add),
        _ if word == withdraw => Some(Direction::Withdraw),
        _ => None,
    }
}

fn reservation(sale: &SaleId, buyer: &str, request: &str) -> Option<ReservationId> {
    let buyer = BuyerId::new(&text::unescape(buyer, text::in_list)?).ok()?;
    Some(ReservationId::new(sale, &buyer, &RequestId::new(request).ok()?))
}

fn position(text: &str) -> Option<usize> {
    let position = usize::try_from(number(text)?).ok()?;
    (position < crate::SaleConfig::SKUS_MAX).then_some(position)
}

fn millis(text: &str) -> Option<UnixMillis> {
    UnixMillis::new(number(text)?).ok()
}

/// Digits without a sign or a leading zero.
fn number(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number <= NUMBER_MAX && number.to_string() == text).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use redis::Value;

    const ID: &str = "7-0";

    fn entry(fields: &[(&str, &str)]) -> Entry {
        let bulk = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        let flat = fields.iter().flat_map(|(name, value)| [bulk(name), bulk(value)]).collect();
        let row = Value::Array(vec![bulk(ID), Value::Array(flat)]);
        Entry::list(Value::Array(vec![row])).unwrap().remove(0)
    }

    fn read(part: Part, fields: &[(&str, &str)]) -> Option<Vec<OrderEvent>> {
        events(&entry(fields), &SaleId::new("s").unwrap(), 3, part).ok()
    }

    /// Writes one item of `changes`, as the scripts do.
    fn item(kind: &EventKind) -> String {
        let way = |direction, add, withdraw| if direction == Direction::Add { add } else { withdraw };
        match kind {
            EventKind::Stock { sku, direction, units, change } => {
                format!("S {sku} {} {units} {change}", way(*direction, "add", "withdraw"))
            }
            EventKind::Stage(phase) => format!(
                "F {}",
                match phase {
                    Phase::Draft => 'D',
                    Phase::Paused => 'P',
                    Phase::Closed => 'C',
                    Phase::Settled => 'S',
                    _ => 'R',
                }
            ),
            EventKind::Moved { sku, direction, other, units, number } => {
                format!("M {sku} {} {other} {units} {number}", way(*direction, "in", "out"))
            }
            EventKind::Order(order) => {
                let (letter, state) = match order.change {
                    Change::Paid => ("P", None),
                    Change::Retaken => ("T", None),
                    Change::Released => ("R", None),
                    Change::Expired => ("E", None),
                    Change::Gone => ("G", None),
                    Change::Restored(state) => ("X", state),
                    Change::Reserved => unreachable!("wins have a stream of their own"),
                };
                let state = state.map(|state| format!(" {}", state.letter())).unwrap_or_default();
                format!("{letter} {} {} {}{state}", who(order), order.lines, order.pay_until.millis())
            }
        }
    }

    fn who(order: &OrderChange) -> String {
        let buyer = text::escape(order.reservation.buyer().as_str(), text::in_list).into_owned();
        format!("{buyer} {}", order.reservation.request())
    }

    fn any_order(changes: &'static [Change]) -> impl Strategy<Value = OrderChange> {
        let lines = proptest::collection::btree_map(0usize..64, 1u32..=10_000, 1..=8).prop_map(|lines| {
            let text = |(sku, units): (&usize, &u32)| match sku {
                0 => units.to_string(),
                sku => format!("{sku}*{units}"),
            };
            OrderLines::read(&lines.iter().map(text).collect::<Vec<_>>().join("+")).unwrap()
        });
        (proptest::sample::select(changes), ".{1,32}", "[a-zA-Z0-9_-]{8,64}", lines, 0u64..10_000_000)
            .prop_map(|(change, buyer, request, lines, pay_until)| {
                let (sale, buyer) = (SaleId::new("s").unwrap(), BuyerId::new(&buyer).unwrap());
                let reservation = ReservationId::new(&sale, &buyer, &RequestId::new(&request).unwrap());
                OrderChange { change, reservation, lines, pay_until: UnixMillis::new(pay_until).unwrap() }
            })
    }

    fn any_kind() -> impl Strategy<Value = EventKind> {
        const CHANGES: &[Change] = &[
            Change::Paid,
            Change::Retaken,
            Change::Released,
            Change::Expired,
            Change::Gone,
            Change::Restored(None),
            Change::Restored(Some(ReservationState::Paid)),
        ];
        const PHASES: &[Phase] = &[Phase::Draft, Phase::Warmed, Phase::Paused, Phase::Closed, Phase::Settled];
        let way = proptest::sample::select(&[Direction::Add, Direction::Withdraw][..]);
        let moved = (0usize..64, way.clone(), 0u16..64, 0u64..1_000, 0u64..1_000);
        prop_oneof![
            4 => any_order(CHANGES).prop_map(EventKind::Order),
            1 => proptest::sample::select(PHASES).prop_map(EventKind::Stage),
            1 => (0usize..64, way, 0u64..1_000, "[a-z0-9]{8}").prop_map(|(sku, direction, units, change)| {
                EventKind::Stock { sku, direction, units, change: RequestId::new(&change).unwrap() }
            }),
            1 => moved.prop_map(|(sku, direction, other, units, number)| {
                EventKind::Moved { sku, direction, other, units, number }
            }),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn changes_survive(kinds in proptest::collection::vec(any_kind(), 1..6), put_back in any::<bool>()) {
            let body = kinds.iter().map(item).collect::<Vec<_>>().join("\n");
            let events = if put_back {
                read(Part::Again, &[("g", "any"), ("s", "changes"), ("i", ID), ("h", "123"), ("b", &body)])
            } else {
                read(Part::Changes, &[("c", "123"), ("b", &body)])
            };
            let events = events.unwrap();
            prop_assert!(events.iter().all(|event| (event.sequence, event.shard, event.at.millis()) == (7, 3, 123)));
            prop_assert_eq!(events.into_iter().map(|event| event.kind).collect::<Vec<_>>(), kinds);
        }

        #[test]
        fn wins_survive(wins in proptest::collection::vec(any_order(&[Change::Reserved]), 1..6), alike in any::<bool>()) {
            let (pay_until, lines) = (wins[0].pay_until, wins[0].lines.clone());
            let wins: Vec<_> = wins.into_iter().map(|win| {
                let lines = if alike { lines.clone() } else { win.lines };
                OrderChange { pay_until, lines, ..win }
            }).collect();
            let words = |win: &OrderChange| if alike { who(win) } else { format!("{} {}", who(win), win.lines) };
            let body = wins.iter().map(words).collect::<Vec<_>>().join(" ");
            let common = if alike { lines.to_string() } else { "*".to_owned() };
            let events = read(Part::Wins, &[("w", &format!("5 {} {common}", pay_until.millis())), ("b", &body)]);
            let kinds: Vec<_> = events.unwrap().into_iter().map(|event| event.kind).collect();
            prop_assert_eq!(kinds, wins.into_iter().map(EventKind::Order).collect::<Vec<_>>());
        }

        #[test]
        fn any_words_are_read_or_refused(
            head in "[0-9 *+]{0,12}",
            body in "([PTREGXSFM] )?([a~0-9A-F]{0,9}[ \n*+]){0,8}[a-z0-9]{0,9}",
        ) {
            if let Some(events) = read(Part::Changes, &[("c", &head), ("b", &body)]) {
                let again: Vec<_> = events.iter().map(|event| item(&event.kind)).collect();
                prop_assert_eq!(again.join("\n"), body.clone());
            }
            if let Some(events) = read(Part::Wins, &[("w", &head), ("b", &body)]) {
                prop_assert!(events.iter().all(|event| event.order().is_some()));
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(head in any::<Vec<u8>>(), body in any::<Vec<u8>>(), id in ".{0,6}") {
            let bulk = |bytes: &[u8]| Value::BulkString(bytes.to_vec());
            let fields = Value::Array(vec![bulk(b"c"), bulk(&head), bulk(b"b"), bulk(&body)]);
            let row = Value::Array(vec![bulk(id.as_bytes()), fields]);
            let entries = Entry::list(Value::Array(vec![row, Value::Nil])).unwrap();
            let sale = SaleId::new("s").unwrap();
            prop_assert!(entries.len() == 1 && events(&entries[0], &sale, 0, Part::Wins).is_err());
        }
    }
}
