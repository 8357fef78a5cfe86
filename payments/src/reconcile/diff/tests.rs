//! The rule against a slow model, and what it must never lose.

use super::*;
use crate::{Channel, OutTradeNo, RefundNo, TradeNo};
use proptest::prelude::*;

const HOUR: u64 = 3_600_000;

fn day() -> BillDay {
    BillDay::parse("2026-09-22").unwrap()
}

fn trade(number: u8) -> (OutTradeNo, TradeNo) {
    let text = format!("COURSE_{number}");
    (OutTradeNo::parse(&text).unwrap(), TradeNo::parse(&format!("T{number}")).unwrap())
}

fn ours(number: u8, refund: Option<u8>, yuan: i64, at: u64) -> StoredMovement {
    let (out_trade_no, trade_no) = trade(number);
    let refund_no = refund.map(|refund| RefundNo::parse(&format!("REFUND_{refund}")).unwrap());
    let amount = Money::from_minor(yuan * 100, crate::Currency::Cny).unwrap();
    StoredMovement { out_trade_no, trade_no, refund_no, amount, at: UnixMillis::from_millis(at) }
}

fn noon() -> u64 {
    day().begins_at().as_millis() + 12 * HOUR
}

fn line_of(movement: &StoredMovement, with_number: bool, succeeded: bool) -> BillLine {
    let kind = movement.refund_no.as_ref().map_or(Movement::Payment, |number| Movement::Refund {
        refund_no: with_number.then(|| number.to_string()),
        succeeded,
    });
    BillLine::new(kind, movement.out_trade_no.as_str(), movement.trade_no.clone(), movement.amount)
}

fn bill(lines: Vec<BillLine>) -> Bill {
    Bill::new(Channel::Alipay, day(), lines)
}

/// Pairs by looking at every line and every movement again and again.
fn slow_pairs(lines: &[BillLine], ours: &[StoredMovement]) -> Vec<(usize, usize)> {
    let same = |line: &BillLine, movement: &StoredMovement| {
        let order = line.out_trade_no == movement.out_trade_no.as_str();
        let trade = line.trade_no == movement.trade_no;
        match (&line.movement, &movement.refund_no) {
            (Movement::Payment, None) => order && trade,
            (Movement::Refund { refund_no: Some(number), .. }, Some(ours)) => {
                order && number == ours.as_str()
            }
            (Movement::Refund { refund_no: None, .. }, Some(_)) => {
                order && trade && line.amount == movement.amount
            }
            _ => false,
        }
    };
    let unnumbered = |line: &BillLine| matches!(line.movement, Movement::Refund { refund_no: None, .. });
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    for pass in 0..4 {
        let (any_amount, without) = (pass >= 2, pass % 2 == 1);
        for (l, line) in lines.iter().enumerate() {
            if unnumbered(line) != without || pairs.iter().any(|pair| pair.0 == l) {
                continue;
            }
            let free = (0..ours.len()).filter(|o| pairs.iter().all(|pair| pair.1 != *o));
            let mut fitting =
                free.filter(|o| same(line, &ours[*o]) && (any_amount || line.amount == ours[*o].amount));
            if let Some(o) = fitting.next() {
                pairs.push((l, o));
            }
        }
    }
    pairs
}

fn movement() -> impl Strategy<Value = StoredMovement> {
    // From two hours before the day to two hours after it.
    (0..3_u8, proptest::option::of(0..3_u8), 1..3_i64, 0..28_u64 * HOUR)
        .prop_map(|(number, refund, yuan, at)| ours(number, refund, yuan, noon() - 14 * HOUR + at))
}

fn line() -> impl Strategy<Value = BillLine> {
    (movement(), any::<bool>(), prop_oneof![4 => Just(true), 1 => Just(false)])
        .prop_map(|(movement, with_number, succeeded)| line_of(&movement, with_number, succeeded))
}

fn sorted<T: std::fmt::Debug>(entries: impl IntoIterator<Item = T>) -> Vec<String> {
    let mut texts: Vec<String> = entries.into_iter().map(|entry| format!("{entry:?}")).collect();
    texts.sort();
    texts
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn it_answers_as_the_slow_model(
        lines in proptest::collection::vec(line(), 0..9),
        ours in proptest::collection::vec(movement(), 0..9),
    ) {
        let pairs = slow_pairs(&lines, &ours);
        let report = diff(&bill(lines.clone()), &ours);
        let of = |keep: &dyn Fn(&BillLine, &StoredMovement) -> bool| {
            sorted(pairs.iter().filter(|(l, o)| keep(&lines[*l], &ours[*o])).map(|(l, _)| &lines[*l]))
        };
        prop_assert_eq!(
            sorted(report.amount_differs.iter().map(|differs| &differs.line)),
            of(&|line, ours| line.amount != ours.amount)
        );
        prop_assert_eq!(
            sorted(report.state_differs.iter().map(|differs| &differs.line)),
            of(&|line, ours| line.amount == ours.amount && !moved(line))
        );
        let agree = of(&|line, ours| line.amount == ours.amount && moved(line));
        prop_assert_eq!(report.matched, u64::try_from(agree.len()).unwrap());
        let alone = (0..lines.len()).filter(|l| pairs.iter().all(|pair| pair.0 != *l)).map(|l| &lines[l]);
        let (here, unfinished): (Vec<_>, Vec<_>) = alone.partition(|line| moved(line));
        prop_assert_eq!(sorted(&report.missing_here), sorted(here));
        prop_assert_eq!(sorted(&report.unfinished), sorted(unfinished));
        let of_day = |at: UnixMillis| BillDay::of(at) == day();
        let alone = (0..ours.len()).filter(|o| pairs.iter().all(|pair| pair.1 != *o)).map(|o| &ours[o]);
        prop_assert_eq!(
            sorted(report.missing_there.iter().chain(&report.near_midnight)),
            sorted(alone.filter(|movement| of_day(movement.at)))
        );
        for movement in &report.missing_there {
            let (hour_before, hour_after) = (movement.at.as_millis() - HOUR, movement.at.as_millis() + HOUR);
            prop_assert!(of_day(UnixMillis::from_millis(hour_before)) && of_day(UnixMillis::from_millis(hour_after)));
        }
    }

    #[test]
    fn equal_books_are_clean_and_one_thing_taken_away_is_named(
        ours in proptest::collection::btree_map((0..5_u8, proptest::option::of(0..3_u8)), 1..4_i64, 1..9),
        taken in any::<prop::sample::Index>(),
        with_number in any::<bool>(),
    ) {
        let ours: Vec<_> = ours.into_iter().map(|((number, refund), yuan)| self::ours(number, refund, yuan, noon())).collect();
        let lines: Vec<_> = ours.iter().map(|movement| line_of(movement, with_number, true)).collect();
        let report = diff(&bill(lines.clone()), &ours);
        prop_assert!(report.is_clean(), "{report:?}");
        prop_assert_eq!(report.matched, u64::try_from(lines.len()).unwrap());

        let taken = taken.index(ours.len());
        let without = |index: usize| (0..lines.len()).filter(move |each| *each != index);
        let fewer = diff(&bill(without(taken).map(|index| lines[index].clone()).collect()), &ours);
        prop_assert_eq!((fewer.missing_there.len(), fewer.missing_here.len()), (1, 0));
        let rest: Vec<_> = without(taken).map(|index| ours[index].clone()).collect();
        let more = diff(&bill(lines.clone()), &rest);
        prop_assert_eq!((more.missing_there.len(), more.missing_here.len()), (0, 1));
    }
}

#[test]
fn a_payment_recorded_after_midnight_belongs_to_the_day_before() {
    let late = ours(1, None, 88, day().begins_at().as_millis() + 5_000);
    let next = ours(2, None, 88, day().ends_at().as_millis() + 5_000);
    let report = diff(&bill(vec![line_of(&next, true, true)]), &[late.clone(), next]);
    assert_eq!((report.matched, &report.near_midnight), (1, &vec![late.clone()]));
    assert!(report.missing_there.is_empty() && !report.is_clean());

    let mut found = report.clone();
    found.look_in(day(), &Bill::new(Channel::Alipay, day().previous(), vec![line_of(&late, true, true)]));
    assert!(found.is_clean(), "{found:?}");
    assert_eq!(found.matched, 2);

    // The bill of the day after decides nothing about the first hour; that of the day before does.
    let mut lost = report;
    lost.look_in(day(), &Bill::new(Channel::Alipay, BillDay::of(day().ends_at()), vec![]));
    assert_eq!((lost.near_midnight.len(), lost.missing_there.len()), (1, 0));
    lost.look_in(day(), &Bill::new(Channel::Alipay, day().previous(), vec![]));
    assert_eq!((lost.near_midnight.len(), lost.missing_there.len()), (0, 1));
}

#[test]
fn a_line_without_a_number_leaves_the_refund_that_another_line_names() {
    let refunds = [ours(1, Some(1), 30, noon()), ours(1, Some(2), 30, noon())];
    let lines = vec![line_of(&refunds[0], false, true), line_of(&refunds[0], true, true)];
    let report = diff(&bill(lines), &refunds);
    assert!(report.is_clean(), "{report:?}");
    assert_eq!(report.matched, 2);
}
