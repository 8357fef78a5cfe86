//! How a command is put to a store, and its answer as text.

use super::NOW;
use super::commands::{PARTS, PRICES, Verb};
use super::facts::{fen, order, refund, refund_said, said, trade};
use crate::refund::{Refund, RefundStatus};
use crate::store::OrderStore;
use crate::{Error, Order, UnixMillis};

pub(super) fn sold(index: usize, price: usize) -> Order {
    order(&format!("WALK_{index:04}"), PRICES[price])
}

fn name(refund: usize) -> crate::RefundNo {
    crate::RefundNo::parse(&format!("WALK_R{refund}")).unwrap()
}

/// The answer as text, so that answers of different verbs compare alike.
pub(super) async fn answer(store: &dyn OrderStore, at: UnixMillis, verb: &Verb) -> Result<String, Error> {
    let number = |index| sold(index, 0).out_trade_no;
    Ok(match verb {
        Verb::Create { order, price } => {
            format!("Create {:?}", store.create(&sold(*order, *price), at).await?)
        }
        Verb::Submit { order, channel } => {
            format!("Submit {:?}", store.submit(&number(*order), *channel, at).await?)
        }
        Verb::Unknown { order } => format!("Unknown {:?}", store.mark_unknown(&number(*order), at).await?),
        Verb::Fail { order } => format!("Fail {:?}", store.fail(&number(*order), at).await?),
        Verb::Close { order } => format!("Close {:?}", store.close(&number(*order), at).await?),
        Verb::CloseIf { order, stale } => {
            let seen = store.find(&number(*order)).await?.map_or(NOW, |stored| stored.updated_at);
            let seen = UnixMillis::from_millis(seen.as_millis() - u64::from(*stale));
            format!("CloseIf {:?}", store.close_if(&number(*order), seen, at).await?)
        }
        Verb::Settle { order, trade: index, said: word, price } => {
            let notify = said(&sold(*order, *price), trade(*index), *word);
            format!("Settle {:?}", store.settle(&notify, at).await?)
        }
        Verb::Begin { refund, order, trade: index, part, price } => {
            let asked = asked(*refund, *order, *index, *part, *price);
            let start = store.begin_refund(&asked, at).await?;
            format!("Begin {start:?}")
        }
        Verb::SettleRefund { refund, status, other_amount } => {
            let answer = settle_refund(store, at, (*refund, *status, *other_amount)).await?;
            format!("SettleRefund {answer}")
        }
        Verb::Renew { refund } => format!("Renew {:?}", store.renew_refund(&name(*refund), at).await?),
        Verb::Drop { refund, late } => {
            let at = if *late { at.plus_secs(310) } else { at };
            format!("Drop {:?}", store.drop_refund(&name(*refund), at).await?)
        }
        Verb::OpenOrders { limit } => {
            let (mut all, mut last) = (Vec::new(), None);
            for _page in 0..9 {
                let page = store.open_orders(at, last.as_ref(), *limit).await?;
                if page.is_empty() {
                    break;
                }
                last = page.last().cloned();
                all.extend(page);
            }
            format!("OpenOrders {} {all:?}", some(&all))
        }
        Verb::OpenRefunds { limit } => {
            let (mut all, mut last) = (Vec::new(), None);
            for _page in 0..9 {
                let page = store.open_refunds(at, last.as_ref(), *limit).await?;
                if page.is_empty() {
                    break;
                }
                last = page.last().cloned();
                all.extend(page);
            }
            format!("OpenRefunds {} {all:?}", some(&all))
        }
        Verb::Movements { channel } => {
            let all = store.movements(*channel, NOW.plus_secs(1), at).await?;
            format!("Movements {} {all:?}", some(&all))
        }
        Verb::Take { .. } | Verb::Finish { .. } | Verb::Postpone { .. } => {
            unreachable!("they number their work in their own ways")
        }
    })
}

fn some<T>(all: &[T]) -> &'static str {
    if all.is_empty() { "none" } else { "some" }
}

fn asked(number: usize, order: usize, trade_index: usize, part: usize, price: usize) -> Refund {
    let out_trade_no = sold(order, 0).out_trade_no;
    refund(name(number).as_str(), &out_trade_no, trade(trade_index), PRICES[price], PARTS[part])
}

/// A message about the refund as it is stored, or about one that is not.
async fn settle_refund(
    store: &dyn OrderStore,
    at: UnixMillis,
    (number, status, other_amount): (usize, RefundStatus, bool),
) -> Result<String, Error> {
    let mut about = match store.find_refund(&name(number)).await? {
        Some(stored) => stored.refund,
        None => asked(number, 0, 0, 0, 0),
    };
    if other_amount {
        about.amount = fen(77);
    }
    Ok(format!("{:?}", store.settle_refund(&refund_said(&about, status), at).await?))
}
