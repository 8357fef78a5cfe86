//! The crowd: each buyer with habits of their own, and never more of them at once than there are callers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use seckill::{
    BuyerId, Confirm, Error, FlashSale, Outcome, Quantity, Refusal, Release, RequestId, Reservation,
    ReservationId, Reserve,
};
use tokio::task::{JoinSet, coop};
use tokio::time::sleep;

use super::args::Args;
use super::latency::Latency;
use super::tally::Tally;

/// How long one buyer asks again when the answer is lost or the process is busy.
const PATIENCE: Duration = Duration::from_secs(20);
/// The pause before a lost answer is asked for again.
const RETRY: Duration = Duration::from_millis(50);
/// The pause between two sweeps while the crowd is there.
const SWEEP: Duration = Duration::from_millis(100);

/// Everybody who wants units, and what they have been told.
#[derive(Debug)]
pub(crate) struct Crowd {
    sale: FlashSale,
    quantity: Quantity,
    buyers: u64,
    callers: u64,
    habits: Habits,
    next: AtomicU64,
    pub(crate) tally: Tally,
    pub(crate) latency: Latency,
}

/// How many in a hundred do what.
#[derive(Debug, Clone, Copy)]
struct Habits {
    seed: u64,
    double_click: u64,
    greedy: u64,
    pay: u64,
    release: u64,
}

/// What a winner does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Pay,
    Release,
    LetGo,
}

/// One buyer's habits.
#[derive(Debug, Clone, Copy)]
struct Habit {
    double_click: bool,
    greedy: bool,
    fate: Fate,
}

impl Habits {
    fn of(&self, buyer: u64) -> Habit {
        let dice = scramble(self.seed.wrapping_add(scramble(buyer)));
        let (click, greed, end) = (dice % 100, dice / 100 % 100, dice / 10_000 % 100);
        let fate = match end {
            end if end < self.pay => Fate::Pay,
            end if end < self.pay + self.release => Fate::Release,
            _ => Fate::LetGo,
        };
        Habit { double_click: click < self.double_click, greedy: greed < self.greedy, fate }
    }
}

impl Crowd {
    /// The crowd of these settings, before the doors open.
    pub(crate) fn new(sale: FlashSale, args: &Args) -> Self {
        let &Args { seed, double_click, greedy, pay, release, .. } = args;
        Self {
            sale,
            quantity: args.quantity,
            buyers: args.buyers,
            callers: args.callers.min(args.buyers),
            habits: Habits { seed, double_click, greedy, pay, release },
            next: AtomicU64::new(0),
            tally: Tally::default(),
            latency: Latency::new(),
        }
    }

    /// How many there are.
    pub(crate) fn size(&self) -> u64 {
        self.buyers
    }

    /// Lets everybody in, and answers how long it took until all were through.
    pub(crate) async fn storm(self: Arc<Self>) -> Result<Duration, Box<dyn std::error::Error + Send + Sync>> {
        let started = Instant::now();
        let sweeper = tokio::spawn(Arc::clone(&self).sweep());
        let mut callers = JoinSet::new();
        for _ in 0..self.callers {
            callers.spawn(Arc::clone(&self).serve());
        }
        while let Some(ended) = callers.join_next().await {
            ended??;
        }
        sweeper.abort();
        Ok(started.elapsed())
    }

    /// Takes one buyer after another until there are no more.
    async fn serve(self: Arc<Self>) -> Result<(), Error> {
        loop {
            let buyer = self.next.fetch_add(1, Relaxed);
            if buyer >= self.buyers {
                return Ok(());
            }
            self.buy(buyer).await?;
            self.tally.buyers.one();
            // A store in memory never waits; the sweeper wants its turn all the same.
            coop::consume_budget().await;
        }
    }

    /// Returns what was not paid in time, as a service does.
    async fn sweep(self: Arc<Self>) {
        loop {
            match self.sale.sweep().await {
                Ok(swept) if swept.more => continue,
                Ok(_) => {}
                Err(error) => self.tally.error(&error),
            }
            sleep(SWEEP).await;
        }
    }

    async fn buy(&self, buyer: u64) -> Result<(), Error> {
        let habit = self.habits.of(buyer);
        let who = BuyerId::new(&format!("buyer-{buyer}"))?;
        let request =
            |name: &str| Ok::<_, Error>(Reserve::new(who.clone(), self.quantity, RequestId::new(name)?));
        let first = request("purchase-1")?;
        let won = if habit.double_click {
            let (one, two) = tokio::join!(self.ask(&first), self.ask(&first));
            if [&one, &two].into_iter().flatten().filter(|won| !won.replayed).count() > 1 {
                self.tally.won_twice.one();
            }
            one.or(two)
        } else {
            self.ask(&first).await
        };
        let Some(won) = won else { return Ok(()) };
        let more = if habit.greedy { self.ask(&request("purchase-2")?).await } else { None };
        for reservation in [Some(won), more].into_iter().flatten() {
            self.finish(&reservation, habit.fate).await;
        }
        Ok(())
    }

    /// Asks until there is a decision, or patience is over.
    async fn ask(&self, request: &Reserve) -> Option<Reservation> {
        let (mut request, started) = (request.clone(), Instant::now());
        while started.elapsed() < PATIENCE {
            let asked = Instant::now();
            let answer = self.sale.reserve(&request).await;
            let pause = match answer {
                Ok(Outcome::Refused(Refusal::Busy { retry_after })) => {
                    self.tally.busy.one();
                    retry_after
                }
                Ok(outcome) => {
                    self.latency.note(asked.elapsed());
                    return self.tally.answer(outcome);
                }
                Err(error) => {
                    self.tally.error(&error);
                    if !error.is_transient() {
                        break;
                    }
                    request = request.again();
                    RETRY
                }
            };
            sleep(pause).await;
        }
        self.tally.undecided.one();
        None
    }

    /// Pays or gives back, again while the answer is lost: both are safe to repeat.
    async fn finish(&self, won: &Reservation, fate: Fate) {
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            let done = match fate {
                Fate::Pay => self.pay(&won.id).await,
                Fate::Release => self.release(&won.id).await,
                Fate::LetGo => return self.tally.let_go.one(),
            };
            let Err(error) = done else { return };
            self.tally.error(&error);
            if !error.is_transient() {
                return;
            }
            sleep(RETRY).await;
        }
    }

    async fn pay(&self, id: &ReservationId) -> Result<(), Error> {
        let counter = match self.sale.confirm(id).await? {
            Confirm::Confirmed | Confirm::AlreadyPaid => &self.tally.paid,
            Confirm::Retaken => &self.tally.retaken,
            _ => {
                self.tally.gone.one();
                return Ok(());
            }
        };
        counter.one();
        self.tally.units_paid.add(u64::from(self.quantity.units()));
        Ok(())
    }

    async fn release(&self, id: &ReservationId) -> Result<(), Error> {
        match self.sale.release(id).await? {
            Release::AlreadyPaid => {}
            _ => self.tally.released.one(),
        }
        Ok(())
    }
}

/// SplitMix64: an even spread of any numbers.
fn scramble(seed: u64) -> u64 {
    let mut bits = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn habits_follow_the_percentages_and_the_seed() {
        let habits = Habits { seed: 7, double_click: 20, greedy: 0, pay: 60, release: 10 };
        let all: Vec<Habit> = (0..10_000).map(|buyer| habits.of(buyer)).collect();
        let count = |is: fn(&Habit) -> bool| all.iter().filter(|habit| is(habit)).count();
        assert!((1_800..2_200).contains(&count(|habit| habit.double_click)));
        assert!((5_800..6_200).contains(&count(|habit| habit.fate == Fate::Pay)));
        assert!((850..1_150).contains(&count(|habit| habit.fate == Fate::Release)));
        assert_eq!(count(|habit| habit.greedy), 0);
        let other = Habits { seed: 8, ..habits };
        assert!((0..100).any(|buyer| other.of(buyer).fate != habits.of(buyer).fate));
    }
}
