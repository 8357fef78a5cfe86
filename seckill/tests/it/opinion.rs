//! The rule and the second opinion side by side, over random histories.

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use seckill::{Error, Outcome, Reserve, Sale, SaleConfig, Swept, UnixMillis};

use crate::contract::{check_each, clock};
use crate::history::{Command, History, any_crowded_history, any_full_history, any_history, reservation};
use crate::model::{Model, Said};

/// What the rule itself says.
fn rule(sale: &mut Sale, terms: &SaleConfig, command: &Command, now: u64) -> Vec<Said> {
    let now = UnixMillis::new(now).unwrap();
    match command {
        Command::Reserve(ask) => vec![decided(sale.reserve_one(&ask.reserve(terms), now))],
        Command::Batch(asks) => {
            let requests: Vec<Reserve> = asks.iter().map(|ask| ask.reserve(terms)).collect();
            sale.reserve(&requests, now).into_iter().map(decided).collect()
        }
        Command::Confirm(who, id) => {
            vec![said(sale.confirm(&reservation(terms, *who, *id), now), Said::Paid)]
        }
        Command::Release(who, id) => vec![said(sale.release(&reservation(terms, *who, *id)), Said::Released)],
        Command::Sweep(max) => {
            let Swept { returned, units, more, .. } = sale.sweep(*max, now);
            vec![Said::Swept { returned, units, more }]
        }
        Command::Steer(step) => vec![Said::Steered(sale.steer(*step, now))],
        Command::Restock(change) => vec![said(sale.restock(&change.restock(terms), now), Said::Restocked)],
        _ => Vec::new(),
    }
}

fn books(sale: &Sale, now: u64) -> Vec<Said> {
    let (state, audit) = (sale.state(UnixMillis::new(now).unwrap()), sale.audit());
    let counts = state
        .skus
        .iter()
        .map(|(_, count)| Said::Counts([count.added, count.withdrawn, count.left, count.held, count.paid]));
    counts.chain([Said::Stands(state.phase, state.sequence), Said::Gone(audit.gone())]).collect()
}

fn decided(answer: Result<Outcome, Error>) -> Said {
    said(answer, |outcome| match outcome {
        Outcome::Reserved(won) => {
            Said::Won { pay_until: won.pay_until.millis(), state: won.state, replayed: won.replayed }
        }
        Outcome::Refused(refusal) => Said::Refused(refusal),
        other => panic!("the model does not know {other:?}"),
    })
}

fn said<T>(answer: Result<T, Error>, value: impl FnOnce(T) -> Said) -> Said {
    answer.map_or_else(|error| Said::Failed(error.kind()), value)
}

fn agree(history: &History) -> Result<(), TestCaseError> {
    let terms = history.terms();
    let drafted = matches!(history.commands.first(), Some(Command::Draft { .. }));
    let mut sale = if drafted { Sale::draft(terms.clone()) } else { Sale::open(terms.clone()) };
    let (mut model, mut now) = (Model::new(history, drafted), history.start);
    for command in &history.commands {
        now = clock(now, command);
        let given = rule(&mut sale, &terms, command, now);
        prop_assert_eq!(given, model.answer(command, now), "at {} {:?}", now, command);
        prop_assert_eq!(books(&sale, now), model.books(now), "after {:?} at {}", command, now);
        prop_assert!(sale.audit().conserved());
    }
    Ok(())
}

#[test]
fn rule_and_second_opinion_agree() {
    for skus in [1, 3] {
        check_each(256, any_history(skus), |history| agree(&history));
        check_each(12, any_crowded_history(skus), |history| agree(&history));
    }
    check_each(24, any_full_history(), |history| agree(&history));
}
