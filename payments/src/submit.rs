//! The rules that need no message of a gateway: what a new order, a step of the merchant and a visit of the buyer mean
//! for what is stored.

use crate::notify::Channel;
use crate::settle::{StoredOrder, Write};
use crate::store::{Creation, Step, Submission};
use crate::{Order, TradeEvent, TradeState, Transition, UnixMillis, apply};

/// The rule of creation, for a number that is taken.
pub(crate) fn taken(stored: &Order, asked: &Order) -> Creation {
    if stored == asked { Creation::Same } else { Creation::Conflict { stored: Box::new(stored.clone()) } }
}

/// The rule of a step, for an order that is there.
pub(crate) fn step(state: TradeState, event: TradeEvent) -> (Step, Option<Write>) {
    match apply(state, event) {
        Transition::Moved(next) => (Step::Moved(next), Some(Write::state(next))),
        Transition::Same => (Step::Same(state), None),
        Transition::Refused => (Step::Refused(state), None),
    }
}

/// The rule of closing an order that was seen before: only if nothing happened to it since.
pub(crate) fn close_if(stored: &StoredOrder, seen: UnixMillis) -> (Step, Option<Write>) {
    if stored.updated_at == seen {
        step(stored.state, TradeEvent::Closed)
    } else {
        (Step::Changed(stored.state), None)
    }
}

/// A visit is written down at most this often, so that a buyer who reloads a page does not make the store work.
const RENEWAL_MILLIS: u64 = 1_000;

/// The rule of submission. The first moment at a channel stays; an order whose outcome is unknown stays so, because
/// another visit does not tell what became of the first. The visit itself is a change: a buyer who has just come back
/// is not to be closed out.
pub(crate) fn submit(stored: &StoredOrder, channel: Channel, at: UnixMillis) -> (Submission, Option<Write>) {
    let state = match apply(stored.state, TradeEvent::Submitted) {
        Transition::Moved(state) => state,
        Transition::Same => stored.state,
        Transition::Refused => return (Submission::Refused(stored.state), None),
    };
    match stored.submissions.iter().find(|(known, _)| *known == channel) {
        Some((_, first)) => {
            let quiet_millis = at.as_millis().saturating_sub(stored.updated_at.as_millis());
            let write = (quiet_millis >= RENEWAL_MILLIS).then(|| Write::state(state));
            (Submission::Submitted { at: *first }, write)
        }
        None => {
            let write = Write { submission: Some((channel, at)), ..Write::state(state) };
            (Submission::Submitted { at }, Some(write))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Money, OutTradeNo, Subject};

    fn stored(state: TradeState, submissions: Vec<(Channel, UnixMillis)>) -> StoredOrder {
        let number = OutTradeNo::parse("COURSE_0001").unwrap();
        let order = Order::new(number, Subject::parse("a").unwrap(), Money::parse_yuan("1").unwrap());
        let at = UnixMillis::from_millis(1);
        StoredOrder { state, submissions, ..StoredOrder::new(order, at) }
    }

    #[test]
    fn the_first_moment_at_a_channel_stays() {
        let (first, later) = (UnixMillis::from_millis(5), UnixMillis::from_millis(9));
        let (answer, write) = submit(&stored(TradeState::Created, vec![]), Channel::Unionpay, first);
        assert_eq!(answer, Submission::Submitted { at: first });
        let write = write.unwrap();
        assert_eq!((write.state, write.submission), (TradeState::Pending, Some((Channel::Unionpay, first))));

        let pending = stored(TradeState::Pending, vec![(Channel::Unionpay, first)]);
        assert_eq!(submit(&pending, Channel::Unionpay, later), (Submission::Submitted { at: first }, None));
        let (answer, write) = submit(&pending, Channel::Alipay, later);
        assert_eq!(answer, Submission::Submitted { at: later });
        assert_eq!(write.unwrap().state, TradeState::Pending);
    }

    #[test]
    fn a_repeated_visit_is_written_at_most_once_a_second() {
        let first = UnixMillis::from_millis(5);
        for state in [TradeState::Pending, TradeState::Unknown] {
            let open = stored(state, vec![(Channel::Unionpay, first)]);
            for (millis, written) in [(0, false), (1, false), (1_000, false), (1_001, true), (9_999, true)] {
                let (answer, write) = submit(&open, Channel::Unionpay, UnixMillis::from_millis(millis));
                assert_eq!(answer, Submission::Submitted { at: first });
                assert_eq!(write, written.then(|| Write::state(state)), "{millis}");
            }
        }
    }

    #[test]
    fn only_an_order_that_did_not_change_is_closed() {
        for state in TradeState::ALL {
            let order = stored(state, vec![]);
            assert_eq!(close_if(&order, order.updated_at), step(state, TradeEvent::Closed));
            let before = UnixMillis::from_millis(order.updated_at.as_millis() - 1);
            assert_eq!(close_if(&order, before), (Step::Changed(state), None));
        }
    }

    #[test]
    fn only_an_open_order_is_submitted_and_an_unknown_one_stays_unknown() {
        let at = UnixMillis::from_millis(5);
        for state in TradeState::ALL {
            let (answer, write) = submit(&stored(state, vec![]), Channel::Wechat, at);
            match (state.is_open(), answer, write) {
                (true, Submission::Submitted { .. }, Some(write)) => {
                    let unknown = state == TradeState::Unknown;
                    assert_eq!(write.state, if unknown { state } else { TradeState::Pending });
                }
                (false, Submission::Refused(refused), None) => assert_eq!(refused, state),
                (_, answer, write) => panic!("{state:?}: {answer:?}, {write:?}"),
            }
        }
    }
}
