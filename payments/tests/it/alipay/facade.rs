//! The façade against a gateway that answers from a script: which calls follow each other, and what comes of them.
//! Paying is here, what comes after it beside this file.

mod later;

use super::calls::PAID;
use super::{HAND, content, no, notify_url, url};
use crate::support::{NOW, NUMBER, number, order};
use bytes::Bytes;
use http::{Method, Request, Response};
use payments::alipay::{Alipay, AuthCode, BarCodePay, Collected, QUERIES_MAX};
use payments::store::BoxFuture;
use payments::{
    Client, Edge, Error, ErrorKind, Gateway as _, Outcome, PayRequest, PayWith, Scene, Stake, Transport,
    TransportError, UnixMillis,
};
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};

/// What the gateway does with the next request.
#[derive(Debug)]
enum Step {
    /// Signs this content.
    Says(String),
    /// Sends this as it is.
    Sends(Response<Bytes>),
    /// The request arrived; its answer is lost.
    Lost,
}

#[derive(Debug, Default)]
struct Script {
    steps: Mutex<VecDeque<Step>>,
    /// The methods that were called, pauses between them.
    log: Mutex<Vec<String>>,
}

impl Transport for Script {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        let method = if request.method() == Method::GET {
            request.uri().to_string()
        } else {
            HAND.sent(&request)["method"].clone()
        };
        self.log.lock().unwrap().push(method.clone());
        let step = self.steps.lock().unwrap().pop_front().unwrap_or_else(|| panic!("no step for {method}"));
        let answer = match step {
            Step::Says(content) => Ok(Response::new(HAND.body(&method, &content).into())),
            Step::Sends(response) => Ok(response),
            Step::Lost => Err(TransportError::new(true, "lost")),
        };
        Box::pin(async move { answer })
    }

    fn pause(&self, millis: u64) -> BoxFuture<'_, ()> {
        self.log.lock().unwrap().push(format!("{millis} ms"));
        Box::pin(async {})
    }
}

#[derive(Debug)]
struct Fixed;

impl Edge for Fixed {
    fn now(&self) -> UnixMillis {
        NOW
    }

    fn random(&self) -> Result<[u8; 16], Error> {
        Ok([7; 16])
    }
}

fn says(content: &str) -> Step {
    Step::Says(content.to_owned())
}

fn trade(status: &str) -> Step {
    says(&PAID.replacen("\"code\"", &format!("\"trade_status\":\"{status}\",\"code\""), 1))
}

fn play(steps: impl IntoIterator<Item = Step>) -> (Alipay, Arc<Script>) {
    let script = Arc::new(Script { steps: Mutex::new(steps.into_iter().collect()), ..Script::default() });
    let client = Client::new(Arc::<Script>::clone(&script), Arc::new(Fixed));
    (Alipay::new(HAND.merchant.clone(), client), script)
}

impl Script {
    fn log(&self) -> Vec<String> {
        assert_eq!(self.steps.lock().unwrap().len(), 0, "steps are left");
        self.log.lock().unwrap().clone()
    }
}

fn asked(scene: Scene) -> PayRequest {
    PayRequest::new(order(NUMBER, "88.00"), scene, notify_url(), NOW)
}

async fn pay(request: &PayRequest, steps: Vec<Step>) -> Result<Outcome<PayWith>, Error> {
    let (alipay, script) = play(steps);
    let answer = alipay.pay(request).await;
    script.log();
    answer
}

fn known<T>(outcome: Outcome<T>) -> T {
    match outcome {
        Outcome::Known(value) => value,
        Outcome::Unknown(unknown) => panic!("{unknown:?}"),
    }
}

#[tokio::test]
async fn every_scene() {
    let back = url("https://shop.example/back");
    let expires_at = NOW.plus_secs(900);
    for (scene, method) in [(Scene::Page, "alipay.trade.page.pay"), (Scene::Wap, "alipay.trade.wap.pay")] {
        let request = asked(scene).returning_to(back.clone()).expiring_at(expires_at);
        let PayWith::Redirect { url } = known(pay(&request, vec![]).await.unwrap()) else {
            panic!("{method}")
        };
        let params = HAND.admitted(url.split_once('?').unwrap().1);
        assert_eq!((params["method"].as_str(), params["return_url"].as_str()), (method, back.as_str()));
        assert_eq!(content(&params)["time_expire"], expires_at.china_text());
    }
    let PayWith::Token { text } = known(pay(&asked(Scene::App), vec![]).await.unwrap()) else {
        panic!("app")
    };
    assert_eq!(HAND.admitted(&text)["method"], "alipay.trade.app.pay");

    let qr = format!("{{\"code\":\"10000\",\"out_trade_no\":\"{NUMBER}\",\"qr_code\":\"https://qr\"}}");
    let code = known(pay(&asked(Scene::Qr), vec![says(&qr)]).await.unwrap());
    assert!(matches!(code, PayWith::QrCode { text } if text == "https://qr"));

    let jsapi = asked(Scene::Jsapi { openid: "074a1CcTG1Lelx".to_owned() });
    let PayWith::Invoke { json } = known(pay(&jsapi, vec![says(PAID)]).await.unwrap()) else {
        panic!("jsapi")
    };
    assert_eq!(json, "{\"tradeNO\":\"2026092222001\"}");
}

#[tokio::test]
async fn what_a_scene_needs() {
    let h5 = asked(Scene::H5 { payer_ip: IpAddr::V4(Ipv4Addr::LOCALHOST) });
    let error = pay(&h5, vec![]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("Wap"), "{error}");
    for scene in [
        Scene::Page,
        Scene::Wap,
        Scene::Jsapi { openid: "a b".to_owned() },
        Scene::BarCode { auth_code: "134512345678901234".to_owned() },
    ] {
        assert_eq!(pay(&asked(scene), vec![]).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}

#[tokio::test]
async fn a_bar_code() {
    let request = asked(Scene::BarCode { auth_code: "289821051157962364".to_owned() });
    let scan = async |steps| known(pay(&request, steps).await.unwrap());
    assert!(matches!(scan(vec![says(PAID)]).await, PayWith::Paid(_)));
    assert!(matches!(scan(vec![says(&no("10003", ""))]).await, PayWith::BuyerConfirms));
    let poor = says(&no("40004", "ACQ.BUYER_BALANCE_NOT_ENOUGH"));
    assert!(matches!(scan(vec![poor]).await, PayWith::Refused { .. }));
    let before = || says(&no("40004", "ACQ.TRADE_HAS_SUCCESS"));
    assert!(matches!(scan(vec![before(), trade("TRADE_SUCCESS")]).await, PayWith::Paid(_)));
    // Never repeated, never guessed.
    for steps in [vec![Step::Lost], vec![says(&no("20000", ""))], vec![before(), trade("WAIT_BUYER_PAY")]] {
        let Outcome::Unknown(unknown) = pay(&request, steps).await.unwrap() else { panic!("a guess") };
        assert_eq!(unknown.stake(), &Stake::Trade(number(NUMBER)));
    }
}

fn bar_code() -> BarCodePay {
    BarCodePay::new(order(NUMBER, "88.00"), AuthCode::parse("289821051157962364").unwrap(), notify_url())
}

#[tokio::test]
async fn collecting_waits_for_the_buyer() {
    let (alipay, script) = play([
        says(&no("10003", "")),
        trade("WAIT_BUYER_PAY"),
        says(&no("20000", "")),
        says(&no("20000", "")),
        says(&no("20000", "")),
        trade("TRADE_SUCCESS"),
    ]);
    assert!(matches!(known(alipay.collect(&bar_code()).await.unwrap()), Collected::Paid(_)));
    let log = script.log();
    assert_eq!(log.iter().filter(|entry| *entry == "5000 ms").count(), 3);
    assert_eq!(log.iter().filter(|entry| entry.as_str() == "alipay.trade.pay").count(), 1);
}

#[tokio::test]
async fn collecting_cancels_what_stays_open() {
    let cancelled = |action: &str| {
        says(&format!(
            "{{\"code\":\"10000\",\"out_trade_no\":\"{NUMBER}\",\"retry_flag\":\"N\",\"action\":\"{action}\"}}"
        ))
    };
    let again = || says("{\"code\":\"10000\",\"retry_flag\":\"Y\"}");
    let waiting = |first: Step, last: Vec<Step>| {
        let waits = (0..QUERIES_MAX).map(|_| trade("WAIT_BUYER_PAY"));
        play([first].into_iter().chain(waits).chain(last).collect::<Vec<_>>())
    };
    for (first, last, closed) in [
        (says(&no("10003", "")), vec![cancelled("close")], true),
        (Step::Lost, vec![cancelled("refund")], false),
        (says(&no("10003", "")), vec![again(), again(), cancelled("close")], true),
    ] {
        let (alipay, script) = waiting(first, last);
        let end = known(alipay.collect(&bar_code()).await.unwrap());
        assert!(if closed { matches!(end, Collected::Closed) } else { matches!(end, Collected::Refunded) });
        let log = script.log();
        assert_eq!(log.iter().filter(|entry| entry.as_str() == "alipay.trade.pay").count(), 1, "{log:?}");
    }
    for last in [
        vec![again(), again(), again()],
        vec![says(&no("40004", "ACQ.TRADE_CANCEL_TIME_OUT"))],
        vec![Step::Lost, Step::Lost, Step::Lost],
        vec![says(&no("40004", "ACQ.ACCESS_FORBIDDEN"))],
    ] {
        let (alipay, script) = waiting(says(&no("10003", "")), last);
        let end = alipay.collect(&bar_code()).await.unwrap();
        assert!(matches!(end, Outcome::Unknown(_)), "{end:?}");
        script.log();
    }
}

#[tokio::test]
async fn collecting_ends_early() {
    let closed = PAID.replace(",\"gmt_payment\":\"2026-09-22 00:00:00\"", "");
    let closed = closed.replacen("\"code\"", "\"trade_status\":\"TRADE_CLOSED\",\"code\"", 1);
    let refunded = closed.replacen("\"code\"", "\"send_pay_date\":\"2026-09-22 00:00:00\",\"code\"", 1);
    let end = async |steps: Vec<Step>| {
        let (alipay, script) = play(steps);
        let end = known(alipay.collect(&bar_code()).await.unwrap());
        script.log();
        end
    };
    let poor = says(&no("40004", "ACQ.BUYER_BALANCE_NOT_ENOUGH"));
    assert!(matches!(end(vec![poor]).await, Collected::Refused { .. }));
    assert!(matches!(end(vec![says(PAID)]).await, Collected::Paid(_)));
    assert!(matches!(end(vec![Step::Lost, says(&closed)]).await, Collected::Closed));
    assert!(matches!(end(vec![Step::Lost, says(&refunded)]).await, Collected::Refunded));
    let before = says(&no("40004", "ACQ.TRADE_HAS_SUCCESS"));
    assert!(matches!(end(vec![before, trade("TRADE_SUCCESS")]).await, Collected::Paid(_)));
    // Our own mistake is told at once.
    let (alipay, script) = play([says(&no("40004", "ACQ.ACCESS_FORBIDDEN"))]);
    assert_eq!(alipay.collect(&bar_code()).await.unwrap_err().kind(), ErrorKind::Misuse);
    script.log();
}
