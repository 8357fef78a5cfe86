//! One side of a figure about anything but a sale: one kind of work, done so many times in a round.

use std::rc::Rc;
use std::time::Instant;

use futures_util::future::try_join_all;

use crate::contest::{Load, Turn};
use crate::side::Local;
use crate::stage::{self, Stage};
use crate::timing::thread_time;
use crate::{Error, Sample, Timing};

/// A kind of work.
pub(crate) trait Task {
    /// Makes ready what the work needs, on an empty server. It is not timed.
    fn prepare(&mut self) -> Local<'_, Result<(), Error>>;

    /// Does the work so many times. It fails when an answer is not the one that is due.
    fn run(&mut self, load: Load) -> Local<'_, Result<Timing, Error>>;

    /// What this is, with its version.
    fn about(&self) -> String;
}

/// A task with its server and its share of the work.
pub(crate) struct Shift {
    task: Box<dyn Task>,
    stage: Option<Rc<Stage>>,
    load: Load,
}

impl Shift {
    /// Work of one thread that needs no server.
    pub(crate) fn alone(task: impl Task + 'static, requests: u32) -> Self {
        Self { task: Box::new(task), stage: None, load: Load { requests, callers: 1 } }
    }

    /// Work with servers that the task has itself.
    pub(crate) fn of(task: impl Task + 'static, load: Load) -> Self {
        Self { task: Box::new(task), stage: None, load }
    }

    /// Work on a server.
    pub(crate) fn on(stage: &Rc<Stage>, task: impl Task + 'static, load: Load) -> Self {
        Self { task: Box::new(task), stage: Some(Rc::clone(stage)), load }
    }
}

impl Turn for Shift {
    async fn sample(&mut self, _name: String) -> Result<Sample, Error> {
        if let Some(stage) = &self.stage {
            stage.empty().await?;
        }
        self.task.prepare().await?;
        stage::sample(self.stage.as_deref(), self.load, self.task.run(self.load)).await
    }

    fn about(&self) -> String {
        self.task.about()
    }

    fn load(&self) -> Load {
        self.load
    }

    fn stage(&self) -> Option<&Stage> {
        self.stage.as_deref()
    }
}

/// Does something with the items by turns, on this thread and by its own processor time. `once` says whether
/// the answer is the one that is due.
pub(crate) fn alone<T>(
    items: &[T],
    load: Load,
    mut once: impl FnMut(&T) -> Result<bool, Error>,
) -> Result<Timing, Error> {
    let (mut wrong, mut done) = (0_u32, 0_u32);
    let started = thread_time();
    for item in items.iter().cycle().take(as_usize(load.requests)) {
        wrong += u32::from(!once(item)?);
        done += 1;
    }
    let elapsed = thread_time().saturating_sub(started);
    all_right(wrong, done, load)?;
    Ok(Timing::new(load.requests, elapsed, Vec::new()))
}

/// Does something with the items by turns, by so many callers at the same time, each one item after another.
/// Each call is timed. `ask` says whether the answer is the one that is due.
pub(crate) async fn together<T>(
    items: &[T],
    load: Load,
    ask: impl AsyncFn(&T) -> Result<bool, Error>,
) -> Result<Timing, Error> {
    let (step, requests) = (as_usize(load.callers.max(1)), as_usize(load.requests));
    let caller = async |first: usize| {
        let (mut spans, mut wrong) = (Vec::new(), 0_u32);
        for item in items.iter().cycle().take(requests).skip(first).step_by(step) {
            let asked = Instant::now();
            let right = ask(item).await?;
            spans.push(asked.elapsed().as_secs_f64() * 1e6);
            wrong += u32::from(!right);
        }
        Ok::<_, Error>((spans, wrong))
    };
    let started = Instant::now();
    let done = try_join_all((0..step).map(&caller)).await?;
    let elapsed = started.elapsed();
    let wrong = done.iter().map(|(_, wrong)| wrong).sum();
    let spans: Vec<f64> = done.into_iter().flat_map(|(spans, _)| spans).collect();
    all_right(wrong, u32::try_from(spans.len()).unwrap_or(u32::MAX), load)?;
    Ok(Timing::new(load.requests, elapsed, spans))
}

/// An answer that is not due, or too few of them, end the run.
pub(crate) fn all_right(wrong: u32, done: u32, load: Load) -> Result<(), Error> {
    if (wrong, done) == (0, load.requests) {
        return Ok(());
    }
    let given = format!("{} of {} as they should be", done - wrong, load.requests);
    Err(Error::Answer { given, wanted: "every answer".to_owned() })
}

fn as_usize(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn every_item_has_its_turn_and_a_wrong_answer_fails() {
        let load = Load { requests: 5, callers: 1 };
        let mut seen = Vec::new();
        let once = |item: &u32| {
            seen.push(*item);
            Ok(true)
        };
        alone(&[7, 8, 9], load, once).unwrap();
        assert_eq!(seen, [7, 8, 9, 7, 8]);
        let error = alone(&[7, 8, 9], load, |item| Ok(*item != 9)).unwrap_err();
        assert!(matches!(error, Error::Answer { given, .. } if given == "4 of 5 as they should be"));
        // Without an item nothing is done, which is no figure.
        assert!(alone(&[], load, |(): &()| Ok(true)).is_err());
    }

    #[tokio::test]
    async fn callers_share_the_items() {
        let load = Load { requests: 7, callers: 3 };
        let seen = RefCell::new(Vec::new());
        let ask = async |item: &u32| {
            seen.borrow_mut().push(*item);
            tokio::task::yield_now().await;
            Ok(true)
        };
        let timing = together(&[1, 2], load, ask).await.unwrap();
        assert!(timing.p50.is_some());
        let mut seen = seen.into_inner();
        // All three callers are under way before any has its second turn.
        assert_eq!(seen[..3], [1, 2, 1]);
        seen.sort_unstable();
        assert_eq!(seen, [1, 1, 1, 1, 2, 2, 2]);
        assert!(together(&[1, 2], load, async |item| Ok(*item == 1)).await.is_err());
    }
}
