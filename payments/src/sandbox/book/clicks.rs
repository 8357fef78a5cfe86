//! Random clicks of buyers, merchants and gateways at the trade book, and what none of them may break.

use super::{Book, Entry, Key, NewRefund, NewTrade, No, RefundStage, Stage, TRADES_MAX, Terms, Trade};
use crate::{Channel, Currency, Money, UnixMillis};
use proptest::prelude::*;
use std::collections::BTreeMap;

const NOW: UnixMillis = UnixMillis::from_millis(1_790_000_000_000);

#[derive(Debug, Clone)]
enum Click {
    Enter(u8, Entry, i64),
    Open(u8),
    Pay(u8),
    Refuse(u8),
    Expire(u8),
    Fail(u8),
    Close(u8),
    Refund(u8, u8, i64, RefundStage),
    Move(u8, u8, RefundStage),
    Wait,
}

fn stages() -> impl Strategy<Value = RefundStage> {
    use RefundStage::{Abnormal, Closed, Processing, Succeeded};
    prop_oneof![Just(Processing), Just(Succeeded), Just(Closed), Just(Abnormal)]
}

fn clicks() -> impl Strategy<Value = Click> {
    let entries = prop_oneof![Just(Entry::Page), Just(Entry::Code), Just(Entry::Scanned)];
    prop_oneof![
        (0..2_u8, entries, 99..=100_i64).prop_map(|(trade, entry, fen)| Click::Enter(trade, entry, fen)),
        (0..2_u8).prop_map(Click::Open),
        (0..2_u8).prop_map(Click::Pay),
        (0..2_u8).prop_map(Click::Refuse),
        (0..2_u8).prop_map(Click::Expire),
        (0..2_u8).prop_map(Click::Fail),
        (0..2_u8).prop_map(Click::Close),
        (0..2_u8, 0..4_u8, prop::sample::select(vec![1_i64, 50, 51, 99, 100, 101]), stages())
            .prop_map(|(trade, number, fen, stage)| Click::Refund(trade, number, fen, stage)),
        (0..2_u8, 0..4_u8, stages()).prop_map(|(trade, number, stage)| Click::Move(trade, number, stage)),
        Just(Click::Wait),
    ]
}

fn key(trade: u8) -> Key {
    Key::new(Channel::Wechat, &trade.to_string())
}

fn fen(minor: i64) -> Money {
    Money::from_minor(minor, Currency::Cny).unwrap()
}

fn new_trade(trade: u8, entry: Entry, amount: i64, token: String) -> NewTrade {
    let terms = Terms {
        subject: "Rust".to_owned(),
        amount: fen(amount),
        fixed: BTreeMap::new(),
        expires_at: Some(NOW.plus_secs(20)),
        notify_url: None,
        return_url: None,
    };
    let number = key(trade).number;
    NewTrade { key: key(trade), out_trade_no: number.clone(), trade_no: number, token, terms, entry }
}

fn new_refund(number: u8, amount: i64, stage: RefundStage) -> NewRefund {
    NewRefund {
        refund_no: number.to_string(),
        refund_id: number.to_string(),
        amount: fen(amount),
        reason: String::new(),
        notify_url: None,
        stage,
    }
}

/// One click. Errors are the book's right; what counts is what it looks like afterwards.
fn click(book: &mut Book, click: &Click, step: usize, now: UnixMillis) -> Result<(), No> {
    let token = |book: &Book, trade: u8| {
        book.find(&key(trade)).and_then(|trade| trade.token.clone()).unwrap_or_default()
    };
    match *click {
        Click::Enter(trade, entry, amount) => {
            book.enter(new_trade(trade, entry, amount, format!("token{step}")), now).map(|_| ())
        }
        Click::Open(trade) => book.open(&token(book, trade), now).map(|_| ()),
        Click::Pay(trade) => book.pay(&token(book, trade), now).map(|_| ()),
        Click::Refuse(trade) => book.refuse(&token(book, trade)).map(|_| ()),
        Click::Expire(trade) => book.expire(&token(book, trade), now).map(|_| ()),
        Click::Fail(trade) => book.fail(&key(trade), now).map(|_| ()),
        Click::Close(trade) => book.close(&key(trade), now).map(|_| ()),
        Click::Refund(trade, number, amount, stage) => {
            book.refund(&key(trade), new_refund(number, amount, stage), now).map(|_| ())
        }
        Click::Move(trade, number, stage) => {
            book.move_refund(&key(trade), &number.to_string(), stage, now).map(|_| ())
        }
        Click::Wait => Ok(()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is clicked: never more goes back than came in, what is paid stays paid, what is over stays over.
    #[test]
    fn money_is_kept(clicks in proptest::collection::vec(clicks(), 0..40)) {
        let mut book = Book::default();
        for (step, next) in clicks.iter().enumerate() {
            let now = NOW.plus_secs(u64::try_from(step).unwrap());
            let before: Vec<Trade> = book.all_by(|_| true).into_iter().cloned().collect();
            let answer = click(&mut book, next, step, now);
            for trade in book.all_by(|_| true) {
                let back = trade.fen(|stage| stage != RefundStage::Closed);
                let came_in = if trade.stage == Stage::Paid { trade.terms.amount.minor() } else { 0 };
                    prop_assert!(back <= came_in);
                prop_assert_eq!(trade.stage == Stage::Paid, trade.paid_at.is_some());
                prop_assert!(trade.refunded_fen() <= back);
                prop_assert!(trade.paid_at.is_none() || trade.opened_at.is_some());
            }
            for old in before {
                let new = book.find(&old.key).unwrap();
                let over = old.stage(now) != Stage::Waiting;
                prop_assert!(!over || new.stage(now) == old.stage(now), "{:?} {:?}", old, new);
                prop_assert!(old.refunded_fen() <= new.refunded_fen());
                prop_assert_eq!(new.terms.amount, old.terms.amount);
                prop_assert!(answer.is_ok() || new.refunds == old.refunds);
            }
        }
    }
}

#[test]
fn a_full_book_takes_no_more() {
    let mut book = Book::default();
    for trade in 0..TRADES_MAX {
        let mut new = new_trade(0, Entry::Page, 1, trade.to_string());
        new.key.number = trade.to_string();
        book.enter(new, NOW).unwrap();
    }
    let mut one_more = new_trade(0, Entry::Page, 1, String::new());
    one_more.key.number = "more".to_owned();
    assert_eq!(book.enter(one_more, NOW).unwrap_err(), No::Full);
    assert!(book.enter(new_trade(0, Entry::Page, 1, String::new()), NOW).is_ok(), "a repeat has its place");
}
