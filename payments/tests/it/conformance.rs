//! The merchant's side against the sandbox: every call of this crate, answered by a gateway that was written from
//! the manuals a second time.

mod unionpay;
mod wechat;

use crate::loopback::Loopback;
use bytes::Bytes;
use http::Response;
use payments::{
    Ack, Currency, Gateway, Incoming, Money, Notify, Order, Outcome, Refund, RefundNo, RefundNotify,
    RefundRef, TradeNo, Verified,
};
use std::fmt::Debug;

fn known<T: Debug>(outcome: Result<Outcome<T>, payments::Error>) -> T {
    match outcome.unwrap() {
        Outcome::Known(value) => value,
        Outcome::Unknown(unknown) => panic!("{unknown:?}"),
    }
}

/// Opens an address of the sandbox as a browser would, and pays; gives the page after it.
fn pay_at(loopback: &Loopback, address: &str) -> Response<Bytes> {
    pay_on(loopback, &loopback.get(address.strip_prefix("http://127.0.0.1:8070").unwrap_or(address)))
}

fn pay_on(loopback: &Loopback, page: &Response<Bytes>) -> Response<Bytes> {
    let html = std::str::from_utf8(page.body()).unwrap();
    let token = html.split("name=\"token\" value=\"").nth(1).unwrap_or_else(|| panic!("{html}"));
    loopback.post("/cashier/pay", &format!("token={}", token.split('"').next().unwrap()))
}

/// The notifies that are due, read by the merchant and acknowledged as it does.
fn told(gateway: &dyn Gateway, loopback: &Loopback) -> Vec<Incoming> {
    let due = loopback.notifies(&gateway.ack(Ack::Success)).into_iter();
    due.map(|notify| gateway.read_notify(&notify, loopback.now()).unwrap()).collect()
}

/// The one notify that is due, about a trade.
fn told_trade(gateway: &dyn Gateway, loopback: &Loopback) -> Notify<Verified> {
    match (told(gateway, loopback).pop(), loopback.sandbox().next_due()) {
        (Some(Incoming::Trade(notify)), None) => *notify,
        other => panic!("{other:?}"),
    }
}

/// The one notify that is due, about a refund.
fn told_refund(gateway: &dyn Gateway, loopback: &Loopback) -> RefundNotify<Verified> {
    match (told(gateway, loopback).pop(), loopback.sandbox().next_due()) {
        (Some(Incoming::Refund(notify)), None) => *notify,
        other => panic!("{other:?}"),
    }
}

fn refund_of(order: &Order, trade_no: &TradeNo, number: &str, fen: i64, gateway: &dyn Gateway) -> Refund {
    let amount = Money::from_minor(fen, Currency::Cny).unwrap();
    let number = RefundNo::parse(number).unwrap();
    Refund::new(
        number,
        order.out_trade_no.clone(),
        (gateway.channel(), trade_no.clone()),
        order.amount,
        amount,
    )
}

fn asked(refund: Refund, loopback: &Loopback) -> RefundRef {
    RefundRef { refund, requested_at: loopback.now() }
}
