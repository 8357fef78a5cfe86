//! The façade: which no comes first, and that a no costs nothing that stands behind it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use seckill::gate::{
    Cleared, Entered, Entry, Gate, Issued, Limit, MemoryStore, ProofOfWork, Purpose, RateKey, RateLimiter,
    RateLimits, Rated, Rejected, SalePath, TokenKey, Why,
};
use seckill::{ErrorKind, SaleId};

use super::stage::{at, buyer, fresh, key, ms, time};

const NOW: u64 = 10_000;

struct Door {
    sale: SaleId,
    key: Arc<TokenKey>,
    work: ProofOfWork,
    path: SalePath,
    gate: Gate,
}

fn door() -> Door {
    let (sale, key, store) = (fresh(), key(), Arc::new(MemoryStore::new()));
    let work = ProofOfWork::new(Arc::clone(&key), 6, ms(1_000)).unwrap();
    let path = SalePath::new(Arc::clone(&key), sale.clone(), time(NOW), ms(0), ms(1_000)).unwrap();
    let limits = RateLimits {
        per_buyer: Limit::new(2, 1, Duration::from_secs(60)).unwrap(),
        per_address: Limit::new(3, 1, Duration::from_secs(30)).unwrap(),
    };
    let limiter: Arc<MemoryStore> = Arc::clone(&store);
    let gate = Gate::new(sale.clone(), Arc::clone(&key))
        .hurdle(Arc::new(work.clone()))
        .limits(limiter, limits)
        .admitted_only()
        .path(path.clone(), store)
        .unwrap();
    Door { sale, key, work, path, gate }
}

/// What a buyer brings who did everything right.
struct Papers {
    answer: String,
    admission: String,
    path: String,
}

impl Door {
    fn papers(&self, who: u64) -> Papers {
        let challenge = self.work.challenge(&self.sale, &buyer(who), [1; 16], time(NOW)).unwrap();
        let Issued::Path(path) = self.path.issue(&buyer(who), [2; 16], time(NOW)) else { panic!("early") };
        let admission = self.key.issue(Purpose::Admitted, &self.sale, &buyer(who), time(NOW + 1_000));
        Papers {
            answer: challenge.solve(1 << 20).unwrap().to_string(),
            admission: admission.expose().to_owned(),
            path: path.expose().to_owned(),
        }
    }

    /// `None` for a passage.
    async fn ask(
        &self,
        who: u64,
        address: &str,
        papers: &Papers,
        now: u64,
    ) -> Option<(Why, Option<Duration>)> {
        let (who, address): (_, IpAddr) = (buyer(who), address.parse().unwrap());
        let entry =
            Entry::new(&who, address).answer(&papers.answer).admission(&papers.admission).path(&papers.path);
        match self.gate.enter(&entry, at(now)).await.unwrap() {
            Entered::Passed(passage) => {
                assert_eq!((passage.buyer(), passage.sale(), passage.at()), (&who, &self.sale, time(now)));
                None
            }
            Entered::Turned(turned) => Some((turned.why, turned.retry_after)),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_a_request_brings_is_not_printed() {
    let who = buyer(1);
    let entry = Entry::new(&who, "203.0.113.7".parse().unwrap()).answer("a-4711").admission("b-4711");
    let shown = format!("{:?}", entry.path("c-4711"));
    assert!(shown.contains("203.0.113.7") && !shown.contains("4711"), "{shown}");
}

#[tokio::test]
async fn the_first_no_ends_it_and_costs_nothing_behind_it() {
    let door = door();
    let (papers, one) = (door.papers(1), "203.0.113.1");
    let without = |answer: &str, admission: &str, path: &str| Papers {
        answer: answer.into(),
        admission: admission.into(),
        path: path.into(),
    };
    let malformed = Rejected::Malformed;
    // Asked three times without clearing the hurdle: no request is counted.
    for _ in 0..3 {
        let no = door.ask(1, one, &without("", &papers.admission, &papers.path), NOW).await;
        assert_eq!(no, Some((Why::Hurdle(Cleared::Rejected(malformed)), None)));
    }
    // Counted, but the path is not spent.
    let no = door.ask(1, one, &without(&papers.answer, "", &papers.path), NOW).await;
    assert_eq!(no, Some((Why::NotAdmitted(malformed), None)));
    assert_eq!(door.ask(1, one, &papers, NOW).await, None);
    // Two requests of this buyer were counted; the third is one too many until a share is paid.
    let no = door.ask(1, one, &papers, NOW).await;
    assert_eq!(no, Some((Why::BuyerTooFast, Some(Duration::from_secs(60)))));
    // Another buyer at the same address makes the third of the address, and a fourth is one too many.
    let others = door.papers(2);
    assert_eq!(door.ask(2, one, &others, NOW).await, None);
    let no = door.ask(2, one, &others, NOW).await;
    assert_eq!(no, Some((Why::AddressTooFast, Some(Duration::from_secs(30)))));
    // From elsewhere the same path is spent.
    assert_eq!(door.ask(2, "2001:db8::1", &others, NOW).await, Some((Why::PathSpent, None)));
    let third = door.papers(3);
    let no = door.ask(3, "2001:db8::1", &without(&third.answer, &third.admission, &others.path), NOW).await;
    assert_eq!(no, Some((Why::NoPath(Rejected::OtherBuyer), None)));
}

#[tokio::test]
async fn a_gate_asks_only_for_what_it_was_told() {
    let (sale, who) = (fresh(), buyer(1));
    let entry = Entry::new(&who, "203.0.113.1".parse().unwrap());
    let open = Gate::new(sale.clone(), key());
    assert!(matches!(open.enter(&entry, at(NOW)).await.unwrap(), Entered::Passed(_)));
    let elsewhere = SalePath::new(key(), fresh(), time(0), ms(0), ms(1)).unwrap();
    let error = open.path(elsewhere, Arc::new(MemoryStore::new())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misuse);
}

#[tokio::test]
async fn a_full_memory_store_says_so_and_empties_by_itself() {
    let (store, sale) = (MemoryStore::with_keys_max(2), fresh());
    let limit = Limit::new(1, 1, ms(100)).unwrap();
    let keys: Vec<_> = (0..3).map(|n| RateKey::buyer(&sale, &buyer(n))).collect();
    for key in &keys[..2] {
        let passed = store.take(&[(key, &limit)], 1, at(0)).await.unwrap();
        assert!(matches!(passed, Rated::Passed { .. }));
    }
    let error = store.take(&[(&keys[2], &limit)], 1, at(99)).await.unwrap_err();
    assert!(error.is_transient() && error.kind() == ErrorKind::Unavailable, "{error}");
    let passed = store.take(&[(&keys[2], &limit)], 1, at(100)).await.unwrap();
    assert!(matches!(passed, Rated::Passed { remaining: 0 }));
}
