//! The façade over a scripted transport: what it sends, and what it makes of each answer.

use super::bank::{
    Bank, Fields, NUMBER, QUERY_ID, REFUND_NO, form, notify_url, order, paid, plain, queried, refund,
    refunded, return_url, submitted_at, trade, with, without,
};
use super::files::{archive, day_of_two, packed, told};
use crate::support::yuan;
use bytes::Bytes;
use http::{Request, Response};
use payments::store::BoxFuture;
use payments::unionpay::{FrontForm, Unionpay};
use payments::{
    Ack, BillDay, Channel, Client, CloseOutcome, Edge, Error, ErrorKind, Gateway, Incoming, Outcome,
    PayRequest, PayWith, QueryOutcome, RefundOutcome, RefundStatus, Scene, Stake, TradeStatus, Transport,
    TransportError, UnixMillis,
};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// Answers from a list; none means that the request went out and no reply came.
#[derive(Debug, Default)]
struct Script {
    answers: Mutex<VecDeque<Option<String>>>,
    sent: Mutex<Vec<Request<Bytes>>>,
}

impl Transport for Script {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        self.sent.lock().unwrap().push(request);
        let answer = self.answers.lock().unwrap().pop_front().expect("one answer a request");
        Box::pin(async {
            answer
                .map(|body| Response::new(Bytes::from(body)))
                .ok_or_else(|| TransportError::new(true, "the connection ended"))
        })
    }

    fn pause(&self, _millis: u64) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

#[derive(Debug)]
struct FixedEdge(UnixMillis);

impl Edge for FixedEdge {
    fn now(&self) -> UnixMillis {
        self.0
    }

    fn random(&self) -> Result<[u8; 16], Error> {
        Ok([7; 16])
    }
}

/// The gateway over the script, and the bank behind it.
pub(crate) struct Counter {
    pub(crate) bank: Bank,
    script: Arc<Script>,
    pub(crate) gateway: Arc<dyn Gateway>,
}

impl Counter {
    pub(crate) fn new() -> Self {
        let bank = Bank::new();
        let script = Arc::new(Script::default());
        let client = Client::new(script.clone(), Arc::new(FixedEdge(bank.now())));
        let gateway = Arc::new(Unionpay::new(bank.merchant.clone(), client));
        Self { bank, script, gateway }
    }

    /// A clock that stands still while every certificate is valid.
    pub(crate) fn edge(&self) -> Arc<dyn Edge> {
        Arc::new(FixedEdge(self.bank.now()))
    }

    pub(crate) fn will_answer(&self, answers: &[Option<Fields>]) {
        let bodies =
            answers.iter().map(|answer| answer.clone().map(|fields| plain(&self.bank.signed(fields))));
        self.script.answers.lock().unwrap().extend(bodies);
    }

    /// Paths and `txnType`s of what was sent, and nothing is left of the script.
    pub(crate) fn sent(&self) -> Vec<String> {
        assert!(self.script.answers.lock().unwrap().is_empty());
        let told = |request: Request<Bytes>| {
            let mut params = form_urlencoded::parse(request.body()).into_owned();
            let txn_type = params.find(|(name, _)| name == "txnType").unwrap().1;
            format!("{} {txn_type}", request.uri().path())
        };
        self.script.sent.lock().unwrap().drain(..).map(told).collect()
    }
}

fn request(scene: Scene) -> PayRequest {
    PayRequest::new(order(), scene, notify_url(), submitted_at())
        .returning_to(return_url())
        .expiring_at(submitted_at().plus_secs(900))
}

#[tokio::test]
async fn browsers_get_a_form_and_applications_a_token() {
    let counter = Counter::new();
    assert_eq!(counter.gateway.channel(), Channel::Unionpay);
    for (scene, channel) in [(Scene::Page, "07"), (Scene::Wap, "08")] {
        let paying = counter.gateway.pay(&request(scene)).await.unwrap();
        let Outcome::Known(PayWith::Form { html, id }) = paying else { panic!("{paying:?}") };
        assert_eq!(id, FrontForm::ID);
        assert!(html.contains(&format!("name=\"channelType\" value=\"{channel}\"")), "{html}");
        assert!(html.contains("name=\"payTimeout\" value=\"20220908133706\""), "{html}");
    }
    counter.will_answer(&[Some(with(paid(), &[("tn", "782209081322060674028")]))]);
    let paying = counter.gateway.pay(&request(Scene::App)).await.unwrap();
    let Outcome::Known(PayWith::Token { text }) = paying else { panic!("{paying:?}") };
    assert_eq!(text, "782209081322060674028");
    assert_eq!(counter.sent(), ["/gateway/api/appTransReq.do 01"]);
}

#[tokio::test]
async fn other_scenes_and_a_page_without_a_way_back_are_refused() {
    let counter = Counter::new();
    let scenes = [
        Scene::Qr,
        Scene::Jsapi { openid: "o1".into() },
        Scene::BarCode { auth_code: "28763443825664394".into() },
    ];
    for scene in scenes {
        let error = counter.gateway.pay(&request(scene)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(!error.to_string().contains("28763443825664394"), "{error}");
    }
    let no_way_back = PayRequest::new(order(), Scene::Page, notify_url(), submitted_at());
    assert_eq!(counter.gateway.pay(&no_way_back).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    let closed = counter.gateway.close(&trade()).await.unwrap();
    assert!(matches!(closed, Outcome::Known(CloseOutcome::Unsupported)));
    assert_eq!(counter.sent(), [""; 0]);
}

/// A token that was asked for and never came may exist: the order is unknown, and the call is not repeated.
#[tokio::test]
async fn a_lost_token_is_an_unknown_outcome() {
    let counter = Counter::new();
    counter.will_answer(&[None]);
    let outcome = counter.gateway.pay(&request(Scene::App)).await.unwrap();
    let Outcome::Unknown(unknown) = outcome else { panic!("{outcome:?}") };
    assert_eq!(*unknown.stake(), Stake::Trade(order().out_trade_no));
    assert_eq!(counter.sent().len(), 1);
}

#[tokio::test]
async fn a_query_is_repeated_until_it_is_answered() {
    let counter = Counter::new();
    counter.will_answer(&[None, Some(with(queried("00"), &[("respCode", "05")])), Some(queried("00"))]);
    let outcome = counter.gateway.query(&trade()).await.unwrap();
    let QueryOutcome::Trade(notify) = outcome else { panic!("{outcome:?}") };
    assert_eq!(notify.status(), TradeStatus::Paid);
    assert_eq!(counter.sent(), ["/gateway/api/queryTrans.do 00"; 3]);
    assert!(notify.check(&counter.gateway.expected(&order())).is_ok());
}

#[tokio::test]
async fn a_refund_is_taken_refused_or_unknown() {
    let counter = Counter::new();
    let asked = refund(yuan("30.00"));
    counter.will_answer(&[Some(refunded())]);
    let outcome = counter.gateway.refund(&asked, &notify_url()).await.unwrap();
    let Outcome::Known(RefundOutcome::Refund(notify)) = outcome else { panic!("{outcome:?}") };
    assert_eq!(notify.status(), RefundStatus::Processing);
    assert!(notify.check(&counter.gateway.expected_refund(&asked.refund)).is_ok());

    counter.will_answer(&[Some(with(refunded(), &[("respCode", "36")]))]);
    let outcome = counter.gateway.refund(&asked, &notify_url()).await.unwrap();
    assert!(matches!(outcome, Outcome::Known(RefundOutcome::Refused { ref code, .. }) if code == "36"));

    for answer in [None, Some(with(refunded(), &[("respCode", "05")]))] {
        counter.will_answer(&[answer]);
        let outcome = counter.gateway.refund(&asked, &notify_url()).await.unwrap();
        let Outcome::Unknown(unknown) = outcome else { panic!("{outcome:?}") };
        assert_eq!(
            *unknown.stake(),
            Stake::Refund(asked.refund.out_trade_no.clone(), asked.refund.refund_no.clone())
        );
    }
    assert_eq!(counter.sent(), ["/gateway/api/backTransReq.do 04"; 4]);
}

/// The number was used before, by the attempt that got no answer: what became of that one is the answer.
#[tokio::test]
async fn a_repeated_refund_is_asked_about() {
    let counter = Counter::new();
    let asked = refund(yuan("30.00"));
    let used = Some(with(refunded(), &[("respCode", "12")]));
    counter.will_answer(&[used.clone(), Some(with(refunded(), &[("origRespCode", "00")]))]);
    let outcome = counter.gateway.refund(&asked, &notify_url()).await.unwrap();
    let Outcome::Known(RefundOutcome::Refund(notify)) = outcome else { panic!("{outcome:?}") };
    assert_eq!((notify.status(), notify.refund_no()), (RefundStatus::Succeeded, REFUND_NO));
    assert_eq!(counter.sent(), ["/gateway/api/backTransReq.do 04", "/gateway/api/queryTrans.do 00"]);

    // Used, and not found; used, and no answer: nobody knows, and nobody says that no money moved.
    for answers in [vec![Some(with(refunded(), &[("respCode", "34")]))], vec![None, None, None]] {
        counter.will_answer(&[vec![used.clone()], answers].concat());
        let outcome = counter.gateway.refund(&asked, &notify_url()).await.unwrap();
        assert!(matches!(outcome, Outcome::Unknown(_)), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_refund_is_found_or_not() {
    let counter = Counter::new();
    let asked = refund(yuan("30.00"));
    counter.will_answer(&[
        Some(with(refunded(), &[("origRespCode", "00")])),
        Some(with(refunded(), &[("respCode", "34")])),
    ]);
    assert!(matches!(counter.gateway.query_refund(&asked).await, Ok(RefundOutcome::Refund(_))));
    assert!(matches!(counter.gateway.query_refund(&asked).await, Ok(RefundOutcome::NotFound)));
}

#[tokio::test]
async fn a_bill_is_read_or_is_not_there() {
    let counter = Counter::new();
    let day = BillDay::parse("2022-09-08").unwrap();
    let content = packed(&archive(&[("ZM_1", day_of_two().as_bytes())]));
    let none = with(without(told(""), &["fileContent"]), &[("respCode", "98")]);
    counter.will_answer(&[Some(told(&content)), Some(none)]);
    let bill = counter.gateway.bill(day).await.unwrap().unwrap();
    assert_eq!((bill.channel, bill.day, bill.lines.len()), (Channel::Unionpay, day, 2));
    assert_eq!(counter.gateway.bill(day).await.unwrap(), None);
    assert_eq!(counter.sent(), ["/ 76"; 2]);
}

#[test]
fn notifies_come_in_and_are_answered() {
    let counter = Counter::new();
    let post = |fields: &Fields| Request::post("/unionpay/notify").body(Bytes::from(form(fields))).unwrap();
    let now = counter.bank.now();
    let incoming = counter.gateway.read_notify(&post(&counter.bank.signed(paid())), now).unwrap();
    let Incoming::Trade(notify) = incoming else { panic!("{incoming:?}") };
    assert_eq!((notify.out_trade_no(), notify.trade_no().as_str()), (NUMBER, QUERY_ID));
    let refund = counter.gateway.read_notify(&post(&counter.bank.signed(refunded())), now).unwrap();
    assert!(matches!(refund, Incoming::Refund(_)));
    assert!(counter.gateway.read_notify(&post(&paid()), now).is_err());
    assert_eq!(counter.gateway.ack(Ack::Success).status(), 200);
    assert_eq!(counter.gateway.ack(Ack::Fail).status(), 500);
}
