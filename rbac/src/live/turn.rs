//! Who may look at the store: a few callers at once, while the others wait and share what a later look found.
//!
//! No runtime is needed, and no caller hangs for good behind one whose call to the store hangs: there is more than
//! one place, and any look that succeeds serves all who began to wait before it.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// How many callers look at once. The second is for when the first hangs.
const PLACES: usize = 2;

/// The queue before the store.
#[derive(Debug, Default)]
pub(super) struct Turns {
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    /// Calls and looks so far: each gets the next number when it begins.
    numbers: u64,
    /// The highest number of a look that succeeded.
    done: u64,
    /// Looks that hold a place.
    looking: usize,
    /// Who waits, by number.
    waiting: BTreeMap<u64, Waker>,
}

/// What a caller is to do.
#[derive(Debug)]
pub(super) enum Turn<'a> {
    /// Nothing: a look that began after the call has succeeded.
    Served,
    /// Look.
    Look(Look<'a>),
}

/// A look at the store; dropped, it has failed.
#[derive(Debug)]
pub(super) struct Look<'a> {
    turns: &'a Turns,
    number: u64,
    holds_place: bool,
}

impl Turns {
    /// Waits until somebody else's look serves this call, or a place is free.
    pub(super) async fn turn(&self) -> Turn<'_> {
        let waiting = Waiting { turns: self, number: self.lock().next_number() };
        poll_fn(|cx| waiting.poll(cx)).await
    }

    /// A look that waits for no place: for the watcher, which is one and has a time limit, and for an operator.
    pub(super) fn look(&self) -> Look<'_> {
        Look { turns: self, number: self.lock().next_number(), holds_place: false }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // A panic cannot leave it half changed: nothing in between can panic.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn next_number(&mut self) -> u64 {
        self.numbers = self.numbers.wrapping_add(1);
        self.numbers
    }
}

impl Look<'_> {
    /// The look has succeeded. `confirm` runs if no later one has before.
    pub(super) fn succeeded(self, confirm: impl FnOnce()) {
        let mut queue = self.turns.lock();
        if self.number > queue.done {
            queue.done = self.number;
            confirm();
        }
        drop(queue);
        // Those who wait are woken by the drop.
    }
}

impl Drop for Look<'_> {
    fn drop(&mut self) {
        let mut queue = self.turns.lock();
        if self.holds_place {
            queue.looking = queue.looking.saturating_sub(1);
        }
        let waiting = std::mem::take(&mut queue.waiting);
        drop(queue);
        waiting.into_values().for_each(Waker::wake);
    }
}

/// A call in the queue.
struct Waiting<'a> {
    turns: &'a Turns,
    number: u64,
}

impl<'a> Waiting<'a> {
    fn poll(&self, cx: &Context<'_>) -> Poll<Turn<'a>> {
        let mut queue = self.turns.lock();
        if queue.done > self.number {
            return Poll::Ready(Turn::Served);
        }
        if queue.looking >= PLACES {
            queue.waiting.insert(self.number, cx.waker().clone());
            return Poll::Pending;
        }
        queue.looking = queue.looking.saturating_add(1);
        let number = queue.next_number();
        Poll::Ready(Turn::Look(Look { turns: self.turns, number, holds_place: true }))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        // All are woken at once, so nobody depends on one that went.
        self.turns.lock().waiting.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::{Pin, pin};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn poll<'a>(call: Pin<&mut impl Future<Output = Turn<'a>>>, count: &Arc<Count>) -> Poll<Turn<'a>> {
        call.poll(&mut Context::from_waker(&Waker::from(Arc::clone(count))))
    }

    fn look(turn: Poll<Turn<'_>>) -> Look<'_> {
        match turn {
            Poll::Ready(Turn::Look(look)) => look,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_look_serves_only_calls_that_began_before_it() {
        let (turns, count) = (Turns::default(), Arc::new(Count::default()));
        let first = look(poll(pin!(turns.turn()), &count));
        let _hung = look(poll(pin!(turns.turn()), &count));
        let mut late = pin!(turns.turn());
        assert!(poll(late.as_mut(), &count).is_pending(), "both places are taken");
        first.succeeded(|| {});
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
        // The first look began before this call, so it may have missed what the caller knows of.
        let own = look(poll(late.as_mut(), &count));
        let mut later = pin!(turns.turn());
        assert!(poll(later.as_mut(), &count).is_pending());
        drop(own);
        assert_eq!(count.0.load(Ordering::SeqCst), 2, "a look that failed frees its place");
        look(poll(later.as_mut(), &count)).succeeded(|| {});
    }

    #[test]
    fn many_calls_share_one_look() {
        let (turns, count) = (Turns::default(), Arc::new(Count::default()));
        let (first, _hung) = (look(poll(pin!(turns.turn()), &count)), look(poll(pin!(turns.turn()), &count)));
        let mut calls: Vec<_> = (0..10).map(|_| Box::pin(turns.turn())).collect();
        for call in &mut calls {
            assert!(poll(call.as_mut(), &count).is_pending());
        }
        drop(calls.pop());
        assert_eq!(turns.lock().waiting.len(), 9, "one that went waits no more");
        first.succeeded(|| {});
        look(poll(calls.remove(0).as_mut(), &count)).succeeded(|| {});
        for call in &mut calls {
            assert!(matches!(poll(call.as_mut(), &count), Poll::Ready(Turn::Served)));
        }
    }

    #[test]
    fn an_older_look_confirms_nothing_after_a_newer_one() {
        let (turns, count) = (Turns::default(), Arc::new(Count::default()));
        let (older, newer) = (look(poll(pin!(turns.turn()), &count)), look(poll(pin!(turns.turn()), &count)));
        let confirmed = AtomicUsize::new(0);
        newer.succeeded(|| confirmed.store(2, Ordering::SeqCst));
        older.succeeded(|| confirmed.store(1, Ordering::SeqCst));
        assert_eq!(confirmed.into_inner(), 2);
    }
}
