//! Tickets under random histories, against the rule in its plainest form.

use std::time::Duration;

use proptest::prelude::*;
use webssh_core::ticket::{Grant, Issue, Purpose, Redemption, TICKET_SECS_MAX, Tickets, USER_TICKETS_MAX};

const TICKETS_MAX: usize = 40;

/// A list of everything ever issued, and what became of it.
struct Model {
    issued: Vec<(String, Grant<usize>, Duration, bool)>,
}

impl Model {
    fn open(&self, now: Duration) -> Vec<usize> {
        let open = |(at, (_, _, expires, gone)): (usize, &(String, Grant<usize>, Duration, bool))| {
            (!gone && now < *expires).then_some(at)
        };
        self.issued.iter().enumerate().filter_map(open).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn tickets_keep_their_rule(
        steps in prop::collection::vec((0..4_u8, 0..3_usize, 0..80_usize, 0..12_u64), 1..200),
    ) {
        let mut tickets = Tickets::new(TICKETS_MAX);
        let mut model = Model { issued: Vec::new() };
        let mut now = Duration::ZERO;
        for (step, who, which, secs) in steps {
            if step == 0 {
                now += Duration::from_secs(secs);
                continue;
            }
            if step == 1 && !model.issued.is_empty() {
                let at = which % model.issued.len();
                let (text, grant, expires, gone) = &mut model.issued[at];
                let expected = if *gone {
                    Redemption::Unknown
                } else if now < *expires {
                    Redemption::Granted(grant.clone())
                } else {
                    Redemption::Expired
                };
                let answer = tickets.redeem(now, text);
                *gone = true;
                // What has expired may have been forgotten already.
                let forgotten = expected == Redemption::Expired && answer == Redemption::Unknown;
                prop_assert!(forgotten || answer == expected, "{:?} {:?}", answer, expected);
                continue;
            }
            let user = ["alice", "bob", "carol"][who].to_owned();
            let serial = model.issued.len();
            let grant = Grant { user: user.clone(), purpose: Purpose::Open(serial) };
            let mut random = [0; 32];
            random[..8].copy_from_slice(&serial.to_be_bytes());
            let open = model.open(now);
            let of_user: Vec<usize> =
                open.iter().copied().filter(|at| model.issued[*at].1.user == user).collect();
            let crowded = of_user.len() >= USER_TICKETS_MAX;
            match tickets.issue(now, random, grant.clone()) {
                Issue::Ticket(ticket) => {
                    prop_assert!(crowded || open.len() < TICKETS_MAX);
                    if crowded {
                        model.issued[of_user[0]].3 = true;
                    }
                    let expires = now + Duration::from_secs(TICKET_SECS_MAX);
                    model.issued.push((ticket.as_str().to_owned(), grant, expires, false));
                }
                Issue::Full { wait } => {
                    prop_assert!(!crowded && open.len() == TICKETS_MAX);
                    prop_assert_eq!(now + wait, model.issued[open[0]].2);
                }
            }
            prop_assert!(tickets.len() <= TICKETS_MAX);
            prop_assert_eq!(tickets.len(), model.open(now).len());
        }
    }

    /// Whatever a client shows, nothing is granted that was not given out.
    #[test]
    fn guesses_are_unknown(guess in "\\PC{0,80}") {
        let mut tickets = Tickets::new(4);
        let grant = Grant { user: "alice".to_owned(), purpose: Purpose::Open(1) };
        let _issued = tickets.issue(Duration::ZERO, [1; 32], grant);
        prop_assert_eq!(tickets.redeem(Duration::ZERO, &guess), Redemption::Unknown);
        prop_assert_eq!(tickets.len(), 1);
    }
}
