//! Reads what the scripts of the gate answer. Any text is read without a panic.

use std::time::Duration;

use super::fault::{GateFault, shown};
use super::path::Spend;
use super::rate::Rated;
use super::room_answer::{Admit, Joined, Place, RoomState};
use crate::error::Error;
use crate::ids::SaleId;
use crate::time::UnixMillis;

/// What [`super::RateLimiter::take`] answers, about so many limits.
pub(super) fn rated(text: &str, sale: &SaleId, limits: usize) -> Result<Rated, Error> {
    let passed = || Some(Rated::Passed { remaining: text.strip_prefix('P')?.parse().ok()? });
    let limited = || {
        let (micros, which) = text.strip_prefix('L')?.split_once(':')?;
        let which = which.parse().ok().filter(|which| *which < limits)?;
        Some(Rated::Limited { retry_after: Duration::from_micros(micros.parse().ok()?), which })
    };
    passed().or_else(limited).ok_or_else(|| fault(text, sale))
}

/// What [`super::PathStore::spend`] answers.
pub(super) fn spent(text: &str, sale: &SaleId) -> Result<Spend, Error> {
    match text {
        "F" => Ok(Spend::Fresh),
        "S" => Ok(Spend::Spent),
        "E" => Ok(Spend::Expired),
        _ => Err(fault(text, sale)),
    }
}

/// What [`super::RoomStore::join`] answers.
pub(super) fn joined(text: &str, sale: &SaleId) -> Result<Joined, Error> {
    match text {
        "O" => Ok(Joined::Over),
        "F" => Ok(Joined::Full),
        _ => place(text).map(Joined::Waiting).ok_or_else(|| fault(text, sale)),
    }
}

/// What [`super::RoomStore::admit`] answers.
pub(super) fn admitted(text: &str, sale: &SaleId) -> Result<Admit, Error> {
    let turn = || Some(Admit::Admitted { now: UnixMillis::new(text.strip_prefix('A')?.parse().ok()?).ok()? });
    match text {
        "O" => Ok(Admit::Over),
        "N" => Ok(Admit::NoPlace),
        _ => turn().or_else(|| place(text).map(Admit::Wait)).ok_or_else(|| fault(text, sale)),
    }
}

/// What [`super::RoomStore::left_hint`] answers.
pub(super) fn state(text: &str, sale: &SaleId) -> Result<RoomState, Error> {
    match text {
        "O" => Ok(RoomState::Open),
        "C" => Ok(RoomState::Closed),
        _ => Err(fault(text, sale)),
    }
}

fn place(text: &str) -> Option<Place> {
    let (number, rest) = text.strip_prefix('W')?.split_once(':')?;
    let (ahead, millis) = rest.split_once(':')?;
    let estimated_wait = Duration::from_millis(millis.parse().ok()?);
    Some(Place { number: number.parse().ok()?, ahead: ahead.parse().ok()?, estimated_wait })
}

fn fault(text: &str, sale: &SaleId) -> Error {
    match text {
        "!corrupt" => GateFault::Foreign { sale: sale.clone(), source: None }.into(),
        "!time" => super::clock::too_late(),
        _ => GateFault::Answer { given: shown(text) }.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use proptest::prelude::*;

    fn sale() -> SaleId {
        SaleId::new("phone").unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

        #[test]
        fn no_answer_panics(text in "[!PLWAFSEONC]?[0-9:a-z]{0,24}|.*") {
            let kinds = [
                rated(&text, &sale(), 2).map(drop),
                spent(&text, &sale()).map(drop),
                joined(&text, &sale()).map(drop),
                admitted(&text, &sale()).map(drop),
                state(&text, &sale()).map(drop),
            ].map(|answer| answer.err().map(|error| error.kind()));
            // At most two scripts say the same, so somebody has to object.
            prop_assert!(kinds.iter().any(Option::is_some));
        }

        #[test]
        fn places_are_read_as_they_are_written(number: u32, ahead: u64, millis in 0..1u64 << 53) {
            let read = joined(&format!("W{number}:{ahead}:{millis}"), &sale()).unwrap();
            let estimated_wait = Duration::from_millis(millis);
            prop_assert_eq!(read, Joined::Waiting(Place { number, ahead, estimated_wait }));
        }
    }

    #[test]
    fn answers_of_other_versions_are_told_from_foreign_values() {
        let unknown = rated("L12:2", &sale(), 2).unwrap_err();
        assert_eq!(unknown.kind(), ErrorKind::PeerMisbehaved);
        assert_eq!(spent("!corrupt", &sale()).unwrap_err().kind(), ErrorKind::Corrupt);
    }
}
