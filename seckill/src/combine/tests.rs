//! The rules of combining, at random and on paused time, and the ends of tasks and runtimes.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use proptest::prelude::*;
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

use super::fake::{Act, Fake, acts, number, request};
use super::seats::Seats;
use super::{Answer, Carrier, Combiner, Limits};
use crate::error::{Error, ErrorKind, Fault};
use crate::outcome::{Outcome, Refusal};
use crate::reservation::Reserve;

const LANES: usize = 2;
const HOUR: Duration = Duration::from_secs(3600);

/// A caller: who, when, and after how many milliseconds gone.
type Caller = (usize, u64, Option<u64>);

fn crowd() -> impl Strategy<Value = Vec<Caller>> {
    let caller = |buyers, span| (0..buyers, 0..span, proptest::option::weighted(0.3, 0u64..60));
    (1usize..600, 1u64..60)
        .prop_flat_map(move |(buyers, span)| proptest::collection::vec(caller(buyers, span), 1..700))
}

fn paused() -> Runtime {
    Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

/// Waits for a condition, a minute of paused time at most.
async fn until(mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(60), "it never comes true");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// What one caller saw: the lane, the request's number, whether there was room, and the answer and its time
/// unless the caller went away before.
type Seen = (usize, usize, bool, Option<(Result<Outcome, Error>, Instant)>);

/// Lets a crowd ask, each caller in a task.
async fn run(fake: &Arc<Fake>, combiner: &Arc<Combiner>, crowd: Vec<Caller>) -> Vec<Seen> {
    let caller = |(buyer, wait, patience): Caller| {
        let (fake, combiner) = (Arc::clone(fake), Arc::clone(combiner));
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(wait)).await;
            let lane = buyer % LANES;
            let (request, n, room) = fake.ask(lane, buyer);
            let patience = patience.map_or(HOUR * 2, Duration::from_millis);
            let answer = tokio::time::timeout(patience, combiner.reserve(lane, &request)).await;
            (lane, n, room, answer.ok().map(|answer| (answer, Instant::now())))
        })
    };
    let tasks: Vec<_> = crowd.into_iter().map(caller).collect();
    let mut seen = Vec::new();
    for task in tasks {
        seen.push(task.await.unwrap());
    }
    seen
}

/// Polls once.
async fn is_pending<F: Future>(mut future: Pin<&mut F>) -> bool {
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_pending())).await
}

fn is_busy(answer: &Result<Outcome, Error>) -> bool {
    matches!(answer, Ok(Outcome::Refused(Refusal::Busy { retry_after })) if retry_after.as_millis() >= 1)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn each_request_is_decided_once_in_order(
        crowd in crowd(), mut acts in acts(), in_flight in 1usize..5, queued_max in 1usize..800,
    ) {
        acts.push((1, Act::Decide));
        let limits = Limits { in_flight, queued_max, deadline: HOUR };
        paused().block_on(async {
            let fake = Fake::new(acts, LANES, limits);
            let combiner = Arc::new(Combiner::new(Arc::clone(&fake), LANES, limits));
            let seen = run(&fake, &combiner, crowd).await;
            // What callers left behind is decided too, with nobody there to wait for it, and then all tasks end.
            drop(combiner);
            until(|| Arc::strong_count(&fake) == 1).await;
            for lane in 0..LANES {
                assert!(fake.log(lane).is_done());
                assert_eq!(fake.log(lane).faults, [""; 0]);
            }
            for (lane, n, room, answer) in seen {
                let expected = fake.log(lane).asked[n].answer.clone();
                assert_eq!(expected.is_some(), room);
                let Some((answer, _)) = answer else { continue };
                match expected {
                    Some(expected) => assert_eq!(answer.map_err(|error| error.kind()), expected),
                    None => assert!(is_busy(&answer), "{answer:?} without room"),
                }
            }
        });
    }

    #[test]
    fn nothing_is_sent_or_waited_for_after_its_deadline(
        crowd in crowd(), mut acts in acts(), in_flight in 1usize..5, millis in 1u64..40,
    ) {
        acts.push((7, Act::Lose));
        let limits = Limits { in_flight, queued_max: usize::MAX, deadline: Duration::from_millis(millis) };
        paused().block_on(async {
            let fake = Fake::new(acts, LANES, limits);
            let combiner = Arc::new(Combiner::new(Arc::clone(&fake), LANES, limits));
            let seen = run(&fake, &combiner, crowd).await;
            drop(combiner);
            until(|| Arc::strong_count(&fake) == 1).await;
            for (lane, n, _, answer) in seen {
                let log = fake.log(lane);
                assert_eq!(log.faults, [""; 0]);
                let (asked, Some((answer, at))) = (&log.asked[n], answer) else { continue };
                if let Some(expected) = &asked.answer {
                    assert_eq!(&answer.map_err(|error| error.kind()), expected);
                    continue;
                }
                let unavailable = answer.as_ref().is_err_and(Error::is_transient);
                assert!(unavailable || !asked.in_doubt && is_busy(&answer), "{answer:?} at the deadline");
                // The longest call and the longest pause may come in between.
                let late = at - asked.at - limits.deadline;
                assert!(at >= asked.at + limits.deadline && late <= Duration::from_millis(100), "{late:?} late");
            }
        });
    }
}

fn limits(in_flight: usize, queued_max: usize) -> Limits {
    Limits { in_flight, queued_max, deadline: HOUR }
}

#[tokio::test(start_paused = true)]
async fn a_crowd_shares_calls_and_a_lone_caller_waits_for_nothing() {
    let fake = Fake::new(vec![(0, Act::Decide)], LANES, limits(2, 2000));
    let combiner = Arc::new(Combiner::new(Arc::clone(&fake), LANES, limits(2, 2000)));
    let start = Instant::now();
    run(&fake, &combiner, (0..2000).map(|n| (n, 0, None)).collect()).await;
    for lane in 0..LANES {
        assert_eq!(fake.log(lane).calls, [256, 256, 256, 232]);
        assert_eq!(fake.log(lane).in_flight_most, 2);
    }
    run(&fake, &combiner, vec![(0, 0, None)]).await;
    assert_eq!(fake.log(0).calls.last(), Some(&1));
    // Only the tests' own sleeps of nothing, which take a tick each.
    assert!(start.elapsed() <= Duration::from_millis(2));
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_is_busy_for_as_long_as_it_takes() {
    let fake = Fake::new(vec![(30, Act::Decide)], LANES, limits(1, 600));
    let combiner = Arc::new(Combiner::new(Arc::clone(&fake), LANES, limits(1, 600)));
    run(&fake, &combiner, vec![(0, 0, None)]).await;
    // One call leaves at once, 600 wait: three more calls of 30 ms.
    let ask = |n: usize| (n * LANES, u64::from(n > 0), None);
    let seen = run(&fake, &combiner, (0..602).map(ask).collect()).await;
    let refused: Vec<_> = seen.into_iter().filter(|(_, _, room, _)| !room).collect();
    assert_eq!(refused.len(), 1);
    let Some((Ok(Outcome::Refused(Refusal::Busy { retry_after })), _)) = &refused[0].3 else {
        panic!("{refused:?}");
    };
    assert_eq!(retry_after.as_millis(), 90);
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_asked_about_ever_more_slowly() {
    let limits = Limits { deadline: Duration::from_secs(1), ..limits(3, 10) };
    let fake = Fake::new(vec![(0, Act::Lose)], LANES, limits);
    let combiner = Arc::new(Combiner::new(Arc::clone(&fake), LANES, limits));
    let seen = run(&fake, &combiner, vec![(0, 0, None)]).await;
    assert!(matches!(&seen[0].3, Some((Err(error), _)) if error.is_transient()));
    // After 0, 1, 3, 7, 15, 31 and 63 ms, and then every 50 ms; a timer may be a millisecond late.
    let calls = fake.log(0).calls.len();
    assert!((24..=26).contains(&calls), "{calls} calls");
}

#[tokio::test(start_paused = true)]
async fn a_failure_after_the_deadline_is_told_at_once() {
    let limits = Limits { deadline: Duration::from_millis(70), ..limits(1, 10) };
    let fake = Fake::new(vec![(30, Act::Lose)], LANES, limits);
    let combiner = Arc::new(Combiner::new(Arc::clone(&fake), LANES, limits));
    let seen = run(&fake, &combiner, vec![(0, 0, None)]).await;
    let Some((Err(error), at)) = &seen[0].3 else { panic!("{seen:?}") };
    assert!(error.is_transient());
    let log = fake.log(0);
    assert_eq!((log.calls.len(), log.failed_at), (3, Some(*at)));
}

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn the_present_waker_is_the_one_to_wake() {
    let (mut seats, former, present) = (Seats::default(), Arc::<Flag>::default(), Arc::<Flag>::default());
    let seat = seats.sit(Waker::from(Arc::clone(&former)));
    let (answer, replaced) = seats.look(seat, &Waker::from(Arc::clone(&present)));
    assert!(answer.is_pending() && replaced.is_some());
    seats.answer(seat, Ok(numbered(1))).unwrap().wake();
    assert!(present.0.load(Ordering::Relaxed) && !former.0.load(Ordering::Relaxed));
}

#[test]
fn seats_are_used_again_however_they_were_left() {
    let mut seats = Seats::default();
    for _ in 0..2 {
        let seat = seats.sit(Waker::noop().clone());
        assert!(seats.look(seat, Waker::noop()).0.is_pending());
        assert!(seats.answer(seat, Ok(numbered(1))).is_some());
        assert!(seats.look(seat, Waker::noop()).0.is_ready());

        let left = seats.sit(Waker::noop().clone());
        seats.leave(left);
        assert!(seats.answer(left, Ok(numbered(2))).is_none());

        let answered = seats.sit(Waker::noop().clone());
        seats.answer(answered, Ok(numbered(3)));
        seats.leave(answered);
        assert_eq!((seat, left, answered), (0, 0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_lane_is_an_error() {
    let fake = Fake::new(vec![(0, Act::Decide)], 1, limits(1, 1));
    let combiner = Combiner::new(fake, 1, limits(1, 1));
    let error = combiner.reserve(1, &request(0, 0)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[test]
fn outside_a_runtime_is_an_error() {
    let fake = Fake::new(vec![(0, Act::Decide)], 1, limits(1, 1));
    let combiner = Combiner::new(fake, 1, limits(1, 1));
    let request = request(0, 0);
    let Poll::Ready(Err(error)) =
        pin!(combiner.reserve(0, &request)).poll(&mut Context::from_waker(Waker::noop()))
    else {
        panic!("no runtime could answer");
    };
    assert_eq!(error.kind(), ErrorKind::Misuse);
}

#[test]
fn a_runtime_that_ends_leaves_nobody_waiting() {
    let fake = Fake::new(vec![(30, Act::Decide)], 1, limits(1, 10));
    let combiner = Combiner::new(Arc::clone(&fake), 1, limits(1, 10));
    let (first, second, third) = (fake.ask(0, 0).0, fake.ask(0, 1).0, fake.ask(0, 2).0);
    let mut sent = pin!(combiner.reserve(0, &first));
    let mut queued = pin!(combiner.reserve(0, &second));
    let ending = paused();
    ending.block_on(async {
        assert!(is_pending(sent.as_mut()).await);
        while fake.log(0).calls.is_empty() {
            tokio::task::yield_now().await;
        }
        assert!(is_pending(queued.as_mut()).await);
    });
    drop(ending);
    let kind = |answer: Result<Outcome, Error>| answer.unwrap_err().kind();
    let other = Builder::new_current_thread().enable_time().build().unwrap();
    other.block_on(async {
        assert_eq!(kind(sent.await), ErrorKind::Unavailable);
        assert_eq!(kind(queued.await), ErrorKind::Unavailable);
        assert!(combiner.reserve(0, &third).await.is_ok());
    });
}

/// Answers each request by its own number, and loses every seventh call.
#[derive(Default)]
struct Echo(AtomicU32);

impl Carrier for Echo {
    async fn carry(&self, _lane: usize, batch: &[Reserve]) -> Result<Vec<Answer>, Error> {
        tokio::task::yield_now().await;
        if self.0.fetch_add(1, Ordering::Relaxed) % 7 == 6 {
            return Err(Fault::Unanswered.into());
        }
        Ok(batch.iter().map(|request| Some(Ok(numbered(number(request))))).collect())
    }
}

fn numbered(n: usize) -> Outcome {
    Outcome::Refused(Refusal::LimitReached { limit: 1, held: u32::try_from(n).unwrap() })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn threads_share_a_lane_and_get_their_own_answers() {
    let echo = Arc::new(Echo::default());
    let combiner = Arc::new(Combiner::new(Arc::clone(&echo), 1, limits(3, 10_000)));
    let caller = |buyer: usize| {
        let combiner = Arc::clone(&combiner);
        tokio::spawn(async move {
            for n in buyer * 100..(buyer + 1) * 100 {
                let request = request(n, buyer);
                let asking = combiner.reserve(0, &request);
                // Some go away at once, and leave a request behind.
                if n % 5 == 0 {
                    assert!(is_pending(pin!(asking)).await);
                    continue;
                }
                assert_eq!(asking.await.unwrap(), numbered(n));
            }
        })
    };
    for task in (0..100).map(caller).collect::<Vec<_>>() {
        task.await.unwrap();
    }
    drop(combiner);
    until(|| Arc::strong_count(&echo) == 1).await;
}
