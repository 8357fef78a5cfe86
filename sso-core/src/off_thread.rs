//! Slow work on a thread of its own, awaited without a runtime: making keys and reading files take their time.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::error::{Error, ErrorKind};

/// Starts the work at once. Dropping the future leaves the work to its end.
pub(crate) fn off_thread<T, F>(work: F) -> OffThread<T>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, Error> + Send + 'static,
{
    let slot = Arc::new(Mutex::new(Slot { result: None, waker: None }));
    let promise = Promise { slot: slot.clone() };
    let spawned = std::thread::Builder::new().name("sso-core".to_owned()).spawn(move || {
        let result = work();
        promise.keep(result);
    });
    if let Err(source) = spawned {
        let error = Error::with_source(ErrorKind::Unavailable, "no thread can be started", source);
        fill(&slot, Err(error));
    }
    OffThread { slot }
}

/// The result of the work, once it is there.
pub(crate) struct OffThread<T> {
    slot: Arc<Mutex<Slot<T>>>,
}

struct Slot<T> {
    result: Option<Result<T, Error>>,
    waker: Option<Waker>,
}

struct Promise<T> {
    slot: Arc<Mutex<Slot<T>>>,
}

impl<T> Promise<T> {
    fn keep(&self, result: Result<T, Error>) {
        fill(&self.slot, result);
    }
}

impl<T> Drop for Promise<T> {
    /// Work that panicked, or a thread that did not start, leaves nobody waiting. A result that is there stays.
    fn drop(&mut self) {
        let lost = Error::new(ErrorKind::Unavailable, "work on a thread of its own came to no end");
        fill(&self.slot, Err(lost));
    }
}

fn fill<T>(slot: &Mutex<Slot<T>>, result: Result<T, Error>) {
    let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
    slot.result.get_or_insert(result);
    if let Some(waker) = slot.waker.take() {
        waker.wake();
    }
}

impl<T> Future for OffThread<T> {
    type Output = Result<T, Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        match slot.result.take() {
            Some(result) => Poll::Ready(result),
            None => {
                slot.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_is_awaited_and_a_panic_is_an_error() {
        assert_eq!(off_thread(|| Ok(7)).await.unwrap(), 7);
        let refused = off_thread::<(), _>(|| Err(Error::new(ErrorKind::Misuse, "no"))).await;
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Misuse);
        let lost = off_thread::<(), _>(|| panic!("this panic belongs to the test")).await;
        assert_eq!(lost.unwrap_err().kind(), ErrorKind::Unavailable);
    }
}
