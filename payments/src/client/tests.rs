//! Every history of attempts up to four long, against a model that looks at the whole history at once.

use super::{Client, Edge, Outcome, Retry, Transport, TransportError};
use crate::error::{Cause, Error, ErrorKind};
use crate::store::BoxFuture;
use crate::{Call, Effect, OutTradeNo, Reply, Stake, Stamp, UnixMillis};
use bytes::Bytes;
use http::{Request, Response};
use std::collections::{HashSet, VecDeque};
use std::future::ready;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// What happens to one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    NoConnection,
    LostReply,
    ServerError,
    Unproved,
    Refusal,
    RefusalAsAnswer,
    Success,
}

const EVENTS: [Event; 7] = [
    Event::NoConnection,
    Event::LostReply,
    Event::ServerError,
    Event::Unproved,
    Event::Refusal,
    Event::RefusalAsAnswer,
    Event::Success,
];

/// Plays the events and keeps what was sent. Waiting moves the clock; so does sending, by `send_millis`.
#[derive(Debug, Default)]
struct Script {
    events: Mutex<VecDeque<Event>>,
    sent: Mutex<Vec<Request<Bytes>>>,
    limits: Mutex<Vec<u64>>,
    now: AtomicU64,
    nonces: AtomicU64,
    send_millis: u64,
}

impl Script {
    fn play(&self) -> Result<Response<Bytes>, TransportError> {
        self.now.fetch_add(self.send_millis, Ordering::Relaxed);
        match self.events.lock().unwrap().pop_front().expect("an attempt too many") {
            Event::NoConnection => Err(TransportError::new(false, "connection refused")),
            Event::LostReply => Err(TransportError::new(true, "connection reset")),
            event => Ok(Response::new(Bytes::from(format!("{event:?}")))),
        }
    }
}

impl Transport for Script {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        self.sent.lock().unwrap().push(request);
        Box::pin(ready(self.play()))
    }

    fn send_within(
        &self,
        request: Request<Bytes>,
        millis: u64,
    ) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        self.limits.lock().unwrap().push(millis);
        self.send(request)
    }

    fn pause(&self, millis: u64) -> BoxFuture<'_, ()> {
        self.now.fetch_add(millis, Ordering::Relaxed);
        Box::pin(ready(()))
    }
}

impl Edge for Script {
    fn now(&self) -> UnixMillis {
        UnixMillis::from_millis(self.now.load(Ordering::Relaxed))
    }

    fn random(&self) -> Result<[u8; 16], Error> {
        let number = self.nonces.fetch_add(1, Ordering::Relaxed);
        Ok(u128::from(number).to_be_bytes())
    }
}

struct Ask(Effect);

impl Call for Ask {
    type Merchant = ();
    type Output = Event;

    fn effect(&self) -> Effect {
        self.0.clone()
    }

    fn request(&self, (): &(), stamp: Stamp) -> Result<Request<Bytes>, Error> {
        let request =
            Request::post("https://first.example/v3/pay?x=1").header("nonce", stamp.nonce.to_string());
        Ok(request.body(Bytes::from_static(b"COURSE_0001")).map_err(Cause::from)?)
    }

    fn read(&self, (): &(), reply: &Reply) -> Result<Event, Error> {
        match reply.response.body().as_ref() {
            b"Success" => Ok(Event::Success),
            b"RefusalAsAnswer" => Ok(Event::RefusalAsAnswer),
            b"ServerError" => Err(Cause::Status(502).into()),
            b"Unproved" => Err(Cause::Unverified { what: "reply", why: "no signature" }.into()),
            _ => Err(gateway_refuses()),
        }
    }

    fn refusal_code<'a>(&self, output: &'a Event) -> Option<&'a str> {
        (*output == Event::RefusalAsAnswer).then_some("EXCEEDS")
    }

    fn fallback_origin(&self, (): &()) -> Option<String> {
        Some("https://second.example".to_owned())
    }
}

fn gateway_refuses() -> Error {
    let (kind, code) = (ErrorKind::InvalidInput, "EXISTS".to_owned());
    Cause::Gateway { kind, code, message: "it exists".to_owned() }.into()
}

fn stake() -> Stake {
    Stake::Trade(OutTradeNo::parse("COURSE_0001").unwrap())
}

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Known(Event),
    Unknown(Option<String>),
    Failed(ErrorKind),
}

async fn play(script: &Arc<Script>, effect: &Effect, retry: Retry) -> Answer {
    let client = Client::new(script.clone(), script.clone()).with_retry(retry);
    match client.call(&(), &Ask(effect.clone())).await {
        Ok(Outcome::Known(event)) => Answer::Known(event),
        Ok(Outcome::Unknown(unknown)) => {
            assert_eq!(unknown.stake(), &stake());
            Answer::Unknown(unknown.cause().gateway_code().map(ToOwned::to_owned))
        }
        Err(error) => Answer::Failed(error.kind()),
    }
}

/// How many attempts are made and what they lead to, told from the whole history.
fn model(events: &[Event], effect: &Effect, attempts_max: usize) -> (usize, Answer) {
    let repeatable = |event: &Event| match event {
        Event::NoConnection => true,
        Event::LostReply | Event::ServerError => !matches!(effect, Effect::Once(_)),
        _ => false,
    };
    let stop = events.iter().position(|event| !repeatable(event)).unwrap_or(events.len());
    let attempts = (stop + 1).min(attempts_max);
    let (made, last) = (&events[..attempts], events[attempts - 1]);
    let silent = |event: &Event| matches!(event, Event::LostReply | Event::ServerError | Event::Unproved);
    let doubt = made.iter().any(silent) && !matches!(effect, Effect::Reads);
    let code = match last {
        Event::Refusal => Some("EXISTS".to_owned()),
        Event::RefusalAsAnswer => Some("EXCEEDS".to_owned()),
        _ => None,
    };
    let answer = match last {
        Event::Success => Answer::Known(last),
        _ if doubt => Answer::Unknown(code),
        // Asking changes nothing, so its last answer counts; but a silence before it made the client careful.
        Event::RefusalAsAnswer if made.iter().any(silent) => Answer::Failed(ErrorKind::InvalidInput),
        Event::RefusalAsAnswer => Answer::Known(last),
        Event::Refusal => Answer::Failed(ErrorKind::InvalidInput),
        Event::Unproved => Answer::Failed(ErrorKind::Unverified),
        Event::NoConnection | Event::LostReply | Event::ServerError => Answer::Failed(ErrorKind::Unavailable),
    };
    (attempts, answer)
}

fn histories(length: u32) -> impl Iterator<Item = Vec<Event>> {
    let count = EVENTS.len().pow(length);
    (0..count).map(move |number| {
        let digits = (0..length).map(|place| number / EVENTS.len().pow(place) % EVENTS.len());
        digits.map(|digit| EVENTS[digit]).collect()
    })
}

#[tokio::test]
async fn every_history_of_attempts_is_answered_as_the_model_answers() {
    let mut unknown_refusals = 0;
    for events in histories(4) {
        for effect in [Effect::Reads, Effect::Idempotent(stake()), Effect::Once(stake())] {
            for attempts_max in 1..=4 {
                let script =
                    Arc::new(Script { events: Mutex::new(events.clone().into()), ..Script::default() });
                let answer = play(&script, &effect, Retry::new(attempts_max, 10, 60_000)).await;
                let (attempts, expected) = model(&events, &effect, usize::try_from(attempts_max).unwrap());
                assert_eq!(answer, expected, "{events:?} {effect:?} at most {attempts_max}");
                unknown_refusals += u32::from(matches!(answer, Answer::Unknown(Some(_))));
                let sent = script.sent.lock().unwrap();
                assert_eq!(sent.len(), attempts, "{events:?} {effect:?} at most {attempts_max}");
                assert_same_numbers_and_fresh_stamps(&sent);
            }
        }
    }
    assert!(unknown_refusals > 0, "a refusal after a silence never came up");
}

fn assert_same_numbers_and_fresh_stamps(sent: &[Request<Bytes>]) {
    let nonces: HashSet<_> = sent.iter().map(|request| request.headers()["nonce"].clone()).collect();
    assert_eq!(nonces.len(), sent.len(), "each attempt is signed afresh");
    for (index, request) in sent.iter().enumerate() {
        assert_eq!(request.body().as_ref(), b"COURSE_0001", "each attempt carries the same numbers");
        let host = if index % 2 == 0 { "first.example" } else { "second.example" };
        assert_eq!(request.uri().to_string(), format!("https://{host}/v3/pay?x=1"));
    }
}

#[tokio::test]
async fn all_attempts_together_keep_within_the_whole_time() {
    let events = Mutex::new(VecDeque::from([Event::LostReply; 4]));
    let script = Arc::new(Script { events, send_millis: 400, ..Script::default() });
    let answer = play(&script, &Effect::Idempotent(stake()), Retry::new(9, 100, 1_200)).await;
    assert_eq!(answer, Answer::Unknown(None));
    // 400 for the first, 100 to wait, 400 for the second; after 200 more to wait 100 would be left.
    assert_eq!(*script.limits.lock().unwrap(), [1_200, 700, 100]);
    assert_eq!(script.sent.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn an_unknown_outcome_taken_as_an_error_is_transient_and_keeps_its_cause() {
    let unknown = super::OutcomeUnknown::new(stake(), gateway_refuses());
    let error = Outcome::<()>::Unknown(unknown).known().unwrap_err();
    assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Unavailable, true));
    assert_eq!(error.gateway_code(), Some("EXISTS"));
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("EXISTS"));
}
