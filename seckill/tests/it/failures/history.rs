//! What every caller asked and was told, and what therefore has to be true of the sale that is left.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};

use seckill::{
    Audit, BuyerId, Error, FlashSale, KeptOrder, Outcome, Quantity, Refusal, RequestId, Reservation,
    ReservationId, ReservationState, Reserve, SaleConfig, UnixMillis,
};

use tokio::task::JoinSet;

use super::Wait;
use super::records::{Name, Records, name};

/// Requests that one caller asks about, one after the other, where many are asked about.
const PART: usize = 40;

/// What one call was told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Told {
    /// Nothing, or an error that leaves the outcome open.
    Unknown,
    Won {
        pay_until: u64,
    },
    Refused(Refusal),
}

/// Every call of every caller of one sale.
#[derive(Debug)]
pub(crate) struct History {
    pub(crate) terms: SaleConfig,
    calls: Mutex<Vec<(Reserve, Told)>>,
}

/// The request of a buyer for one unit; the names of both are plain.
pub(crate) fn ask(buyer: &str, request: &str) -> Reserve {
    Reserve::new(BuyerId::new(buyer).unwrap(), Quantity::ONE, RequestId::new(request).unwrap())
}

impl History {
    pub(crate) fn new(terms: &SaleConfig) -> Self {
        Self { terms: terms.clone(), calls: Mutex::default() }
    }

    /// Notes a call before it is made.
    pub(crate) fn invoke(&self, request: &Reserve) -> usize {
        let mut calls = self.lock();
        calls.push((request.clone(), Told::Unknown));
        calls.len() - 1
    }

    /// Notes its answer.
    pub(crate) fn tell(&self, call: usize, told: Told) {
        self.lock()[call].1 = told;
    }

    /// Makes a call, and notes it and its answer.
    pub(crate) async fn reserve(&self, sale: &FlashSale, request: &Reserve) -> Result<Outcome, Error> {
        let call = self.invoke(request);
        let answer = sale.reserve(request).await;
        match &answer {
            Ok(Outcome::Reserved(won)) => self.tell(call, self.won(won)),
            // Nothing was decided, so the call counts as not made.
            Ok(Outcome::Refused(no)) => self.tell(call, Told::Refused(no.clone())),
            Ok(other) => panic!("this suite does not know {other:?}"),
            Err(_) => {}
        }
        answer
    }

    /// How many calls have won so far.
    pub(crate) fn wins(&self) -> usize {
        self.lock().iter().filter(|(_, told)| matches!(told, Told::Won { .. })).count()
    }

    /// How many calls were made so far.
    pub(crate) fn calls(&self) -> usize {
        self.lock().len()
    }

    /// Every win that a caller was told of, with its deadline.
    pub(crate) fn acked(&self) -> BTreeMap<Name, u64> {
        let mut acked = BTreeMap::new();
        for (request, told) in self.lock().iter() {
            let Told::Won { pay_until } = told else { continue };
            let before = acked.insert(name(&self.id(request)), *pay_until);
            assert!(before.is_none_or(|before| before == *pay_until), "two answers to {request:?}");
        }
        acked
    }

    /// The requests that were made and never told of a win or a refusal.
    pub(crate) fn open(&self) -> Vec<Reserve> {
        let mut open: HashMap<Name, Option<Reserve>> = HashMap::new();
        for (request, told) in self.lock().iter() {
            let slot = open.entry(name(&self.id(request))).or_insert_with(|| Some(request.clone()));
            if *told != Told::Unknown {
                *slot = None;
            }
        }
        open.into_values().flatten().collect()
    }

    /// The ledger that a shop would have kept: an order for each win that was told.
    pub(crate) fn ledger(&self) -> Vec<KeptOrder> {
        let order = |((buyer, request), pay_until): (Name, u64)| {
            let (buyer, request) = (BuyerId::new(&buyer).unwrap(), RequestId::new(&request).unwrap());
            let id = ReservationId::new(self.terms.id(), &buyer, &request);
            let pay_until = UnixMillis::new(pay_until).unwrap();
            KeptOrder::new(id, Quantity::ONE.into(), pay_until, ReservationState::Held)
        };
        self.acked().into_iter().map(order).collect()
    }

    /// Asks about each open request again, as its caller would, until it is told.
    pub(crate) async fn resolve(self: &Arc<Self>, sale: &FlashSale) {
        let mut callers = JoinSet::new();
        for part in self.open().chunks(PART).map(<[Reserve]>::to_vec) {
            let (history, sale) = (Arc::clone(self), sale.clone());
            callers.spawn(async move {
                for request in part {
                    history.resolve_one(&sale, &request.again()).await;
                }
            });
        }
        callers.join_all().await;
    }

    async fn resolve_one(&self, sale: &FlashSale, request: &Reserve) {
        let wait = Wait::new("the outcome of a request");
        loop {
            match self.reserve(sale, request).await {
                Ok(Outcome::Refused(Refusal::Busy { .. })) => {}
                Ok(_) => return,
                Err(error) => assert!(error.is_transient(), "{error}"),
            }
            wait.more().await;
        }
    }

    /// Asks about every win that was told once more: it is told again, and the same.
    pub(crate) async fn replay(&self, sale: &FlashSale) {
        let mut callers = JoinSet::new();
        let acked: Vec<(Name, u64)> = self.acked().into_iter().collect();
        for part in acked.chunks(PART).map(<[_]>::to_vec) {
            let sale = sale.clone();
            callers.spawn(async move {
                for ((buyer, request), pay_until) in part {
                    let answer = sale.reserve(&ask(&buyer, &request)).await.unwrap();
                    let Outcome::Reserved(won) = answer else {
                        panic!("{buyer} has won {request}: {answer:?}")
                    };
                    assert_eq!(
                        (won.replayed, won.pay_until.millis()),
                        (true, pay_until),
                        "{buyer} {request}"
                    );
                }
            });
        }
        callers.join_all().await;
    }

    /// Holds the records against what was asked and told, and against the terms. Returns how many wins that a caller
    /// was told of have no record.
    pub(crate) fn check(&self, records: &Records) -> usize {
        let (mut bought, mut asked) = (HashMap::<&str, u64>::new(), BTreeSet::new());
        for ((buyer, _), record) in &records.all {
            *bought.entry(buyer).or_default() += if record.counts() { record.units } else { 0 };
        }
        let limit = u64::from(self.terms.buyer_limit().units());
        assert!(bought.values().all(|units| *units <= limit), "over the limit: {bought:?}");
        let sold = records.units("HP");
        assert!(sold <= self.terms.stock(), "{sold} of {} units are sold or held", self.terms.stock());

        let won: BTreeSet<&Name> = records.wins.iter().collect();
        assert_eq!(won.len(), records.wins.len(), "a request has won twice");
        assert!(won.into_iter().eq(records.all.keys()), "wins and records differ");

        for (request, told) in self.lock().iter() {
            let name = name(&self.id(request));
            if let (Told::Won { pay_until }, Some(record)) = (told, records.all.get(&name)) {
                assert_eq!(record.pay_until, *pay_until, "{name:?}");
            }
            asked.insert(name);
        }
        assert!(records.all.keys().all(|name| asked.contains(name)), "a record that nobody asked for");
        self.acked().keys().filter(|name| !records.all.contains_key(*name)).count()
    }

    /// The same for a sale of which nothing ever came back: who was refused for good has nothing, and the auditor
    /// sees what the records say.
    pub(crate) fn check_all(&self, records: &Records, audit: &Audit) -> usize {
        let lost = self.check(records);
        for (request, told) in self.lock().iter() {
            let name = name(&self.id(request));
            let refused = matches!(told, Told::Refused(no) if !matches!(no, Refusal::Busy { .. }));
            assert!(!refused || !records.all.contains_key(&name), "{name:?} was told no and has won");
        }
        agrees(audit, records);
        lost
    }

    fn won(&self, won: &Reservation) -> Told {
        assert_eq!(won.id.sale(), self.terms.id());
        Told::Won { pay_until: won.pay_until.millis() }
    }

    fn id(&self, request: &Reserve) -> ReservationId {
        ReservationId::new(self.terms.id(), &request.buyer, &request.request)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Reserve, Told)>> {
        self.calls.lock().unwrap()
    }
}

/// The auditor balances, and sees what the records say.
pub(crate) fn agrees(audit: &Audit, records: &Records) {
    assert!(audit.conserved(), "{audit:?}");
    assert_eq!((audit.held(), audit.paid()), (records.units("H"), records.units("P")));
}
