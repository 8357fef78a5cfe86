//! Reads what the scripts answer and what the sale's keys hold. Both come from outside: a text that no
//! script writes is an error, never a guess.

use std::ops::ControlFlow;

use crate::error::{Error, Fault};
use crate::ids::{BuyerId, ReservationId, SaleId};
use crate::outcome::{Confirm, Opened, Outcome, Refusal, Release, Swept};
use crate::quantity::Quantity;
use crate::reservation::{Reservation, ReservationState, Reserve};
use crate::time::UnixMillis;

/// What is stored for a reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) state: ReservationState,
    pub(crate) quantity: Quantity,
    pub(crate) pay_until: UnixMillis,
    pub(crate) buyer: BuyerId,
}

/// What one call decided of a batch.
#[derive(Debug)]
pub(crate) struct Answers {
    /// One for each request, in order.
    pub(crate) decided: Vec<Result<Outcome, Error>>,
    /// Set when requests are left: the call returned as many overdue reservations as one may, and more
    /// are overdue. The rest has to be asked again, at this time.
    pub(crate) again: Option<UnixMillis>,
}

/// The answers to a batch.
pub(crate) fn outcomes(text: &str, sale: &SaleId, requests: &[Reserve]) -> Result<Answers, Error> {
    let mut answers: Vec<&str> = sound(text, sale)?.split(',').collect();
    if answers.len() > requests.len() {
        return Err(strange(text));
    }
    let again = answers.pop_if(|last| last.starts_with('A'));
    let each = answers.iter().zip(requests).map(|(answer, request)| outcome(answer, sale, request));
    let decided: Vec<_> = each.collect::<Option<_>>().ok_or_else(|| strange(text))?;
    let again = again.map(|answer| asked_at(answer).ok_or_else(|| strange(text))).transpose()?;
    if again.is_none() && decided.len() < requests.len() {
        return Err(strange(text));
    }
    Ok(Answers { decided, again })
}

/// The time in an answer that says to ask again.
fn asked_at(answer: &str) -> Option<UnixMillis> {
    answer.strip_prefix('A').and_then(time)
}

fn outcome(answer: &str, sale: &SaleId, request: &Reserve) -> Option<Result<Outcome, Error>> {
    let mut chars = answer.chars();
    let head = chars.next()?;
    let rest = chars.as_str();
    let refused = |refusal| Some(Ok(Outcome::Refused(refusal)));
    match (head, rest) {
        ('W', deadline) => {
            let won = reservation(sale, request, ReservationState::Held, time(deadline)?, false);
            Some(Ok(Outcome::Reserved(won)))
        }
        ('K', rest) => {
            let mut chars = rest.chars();
            let state = state(chars.next()?)?;
            let won = reservation(sale, request, state, time(chars.as_str())?, true);
            Some(Ok(Outcome::Reserved(won)))
        }
        ('X', "") => Some(Err(Fault::RequestReused { request: request.request.clone() }.into())),
        ('N', opens) => refused(Refusal::NotOpen { opens_at: time(opens)? }),
        ('C', "") => refused(Refusal::Closed),
        ('S', "") => refused(Refusal::SoldOut),
        ('L', rest) => {
            let (limit, held) = rest.split_once(':')?;
            refused(Refusal::LimitReached { limit: number(limit)?, held: number(held)? })
        }
        _ => None,
    }
}

pub(crate) fn opened(text: &str, sale: &SaleId) -> Result<Opened, Error> {
    match sound(text, sale)? {
        "created" => Ok(Opened::Created),
        "already" => Ok(Opened::Already),
        "other" => Err(Fault::OtherTerms { sale: sale.clone() }.into()),
        _ => Err(strange(text)),
    }
}

/// The answer to a payment, or the time at which to ask again, as for [`Answers::again`].
pub(crate) fn confirmed(text: &str, id: &ReservationId) -> Result<ControlFlow<Confirm, UnixMillis>, Error> {
    let answer = sound(text, id.sale())?;
    Ok(match answer {
        "confirmed" => ControlFlow::Break(Confirm::Confirmed),
        "already_paid" => ControlFlow::Break(Confirm::AlreadyPaid),
        "retaken" => ControlFlow::Break(Confirm::Retaken),
        "gone" => ControlFlow::Break(Confirm::Gone),
        "unknown" => return Err(Fault::UnknownReservation { reservation: id.clone() }.into()),
        _ => ControlFlow::Continue(asked_at(answer).ok_or_else(|| strange(text))?),
    })
}

pub(crate) fn released(text: &str, id: &ReservationId) -> Result<Release, Error> {
    match sound(text, id.sale())? {
        "released" => Ok(Release::Released),
        "already_returned" => Ok(Release::AlreadyReturned),
        "already_paid" => Ok(Release::AlreadyPaid),
        "unknown" => Err(Fault::UnknownReservation { reservation: id.clone() }.into()),
        _ => Err(strange(text)),
    }
}

pub(crate) fn swept(text: &str, sale: &SaleId) -> Result<Swept, Error> {
    let mut parts = sound(text, sale)?.split(',');
    let mut next = || parts.next().and_then(number::<u64>);
    let read = (next(), next(), next(), next());
    let (Some(returned), Some(units), Some(more @ (0 | 1)), None) = read else {
        return Err(strange(text));
    };
    let returned = u32::try_from(returned).map_err(|_| strange(text))?;
    Ok(Swept { returned, units, more: more == 1 })
}

/// One number of the sale, as stored. Digits and nothing else.
pub(crate) fn number<T: TryFrom<u64>>(text: &str) -> Option<T> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    T::try_from(text.parse::<u64>().ok()?).ok()
}

/// One reservation, as stored.
pub(crate) fn stored(text: &str) -> Option<Stored> {
    let mut parts = text.splitn(4, ':');
    let mut letters = parts.next()?.chars();
    let (Some(letter), None) = (letters.next(), letters.next()) else {
        return None;
    };
    Some(Stored {
        state: state(letter)?,
        quantity: Quantity::new(number(parts.next()?)?).ok()?,
        pay_until: time(parts.next()?)?,
        buyer: BuyerId::new(parts.next()?).ok()?,
    })
}

/// Passes an answer on, unless it is a fault of the sale.
fn sound<'a>(text: &'a str, sale: &SaleId) -> Result<&'a str, Error> {
    let Some(fault) = text.strip_prefix('!') else {
        return Ok(text);
    };
    let sale = sale.clone();
    Err(match (fault, fault.strip_prefix("corrupt ")) {
        ("missing", _) => Fault::NotLoaded { sale }.into(),
        ("leftover", _) => Fault::Leftover { sale }.into(),
        (_, Some(what)) => Fault::Corrupt { sale, what: Error::shown(what) }.into(),
        _ => strange(text),
    })
}

fn strange(text: &str) -> Error {
    Fault::Answer { given: Error::shown(text) }.into()
}

fn state(letter: char) -> Option<ReservationState> {
    match letter {
        'H' => Some(ReservationState::Held),
        'P' => Some(ReservationState::Paid),
        'R' => Some(ReservationState::Returned),
        'G' => Some(ReservationState::Gone),
        _ => None,
    }
}

fn time(text: &str) -> Option<UnixMillis> {
    UnixMillis::new(number(text)?).ok()
}

fn reservation(
    sale: &SaleId,
    request: &Reserve,
    state: ReservationState,
    pay_until: UnixMillis,
    replayed: bool,
) -> Reservation {
    Reservation {
        id: ReservationId::new(sale, &request.request),
        buyer: request.buyer.clone(),
        quantity: request.quantity,
        pay_until,
        state,
        replayed,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sale() -> SaleId {
        SaleId::new("phone").unwrap()
    }

    fn request() -> Reserve {
        let request = crate::RequestId::new("r-00000001").unwrap();
        Reserve::new(BuyerId::new("ann").unwrap(), Quantity::ONE, request)
    }

    fn letter(state: ReservationState) -> char {
        match state {
            ReservationState::Held => 'H',
            ReservationState::Paid => 'P',
            ReservationState::Returned => 'R',
            ReservationState::Gone => 'G',
        }
    }

    /// What the script would say for an outcome.
    fn said(outcome: &Outcome) -> String {
        match outcome {
            Outcome::Reserved(won) if won.replayed => {
                format!("K{}{}", letter(won.state), won.pay_until.millis())
            }
            Outcome::Reserved(won) => format!("W{}", won.pay_until.millis()),
            Outcome::Refused(Refusal::NotOpen { opens_at }) => format!("N{}", opens_at.millis()),
            Outcome::Refused(Refusal::Closed) => "C".to_owned(),
            Outcome::Refused(Refusal::SoldOut) => "S".to_owned(),
            Outcome::Refused(Refusal::LimitReached { limit, held }) => format!("L{limit}:{held}"),
        }
    }

    fn any_time() -> impl Strategy<Value = UnixMillis> {
        (0..=UnixMillis::MAX.millis()).prop_map(|millis| UnixMillis::new(millis).unwrap())
    }

    fn any_state() -> impl Strategy<Value = ReservationState> {
        proptest::sample::select(vec![
            ReservationState::Held,
            ReservationState::Paid,
            ReservationState::Returned,
            ReservationState::Gone,
        ])
    }

    fn any_outcome() -> impl Strategy<Value = Outcome> {
        prop_oneof![
            any_time().prop_map(|at| {
                Outcome::Reserved(reservation(&sale(), &request(), ReservationState::Held, at, false))
            }),
            (any_state(), any_time()).prop_map(|(state, at)| {
                Outcome::Reserved(reservation(&sale(), &request(), state, at, true))
            }),
            any_time().prop_map(|opens_at| Outcome::Refused(Refusal::NotOpen { opens_at })),
            Just(Outcome::Refused(Refusal::Closed)),
            Just(Outcome::Refused(Refusal::SoldOut)),
            any::<(u32, u32)>()
                .prop_map(|(limit, held)| Outcome::Refused(Refusal::LimitReached { limit, held })),
        ]
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,40}") {
            let id = ReservationId::new(&sale(), &request().request);
            let _ = outcomes(&text, &sale(), &[request()]);
            let _ = (opened(&text, &sale()), confirmed(&text, &id), released(&text, &id));
            let _ = (swept(&text, &sale()), stored(&text));
        }

        #[test]
        fn answers_survive_the_wire(sent in proptest::collection::vec(any_outcome(), 1..5),
                                    again in proptest::option::of(any_time())) {
            let mut texts: Vec<_> = sent.iter().map(said).collect();
            texts.extend(again.map(|at| format!("A{}", at.millis())));
            let requests = vec![request(); texts.len()];
            let read = outcomes(&texts.join(","), &sale(), &requests).unwrap();
            prop_assert_eq!(read.again, again);
            let decided: Vec<Outcome> = read.decided.into_iter().map(Result::unwrap).collect();
            prop_assert_eq!(decided, sent);
        }

        #[test]
        fn records_survive_the_store(state in any_state(), units in 1u32..=10_000, at in any_time(),
                                     name in ".{1,30}") {
            let quantity = Quantity::new(units).unwrap();
            let buyer = BuyerId::new(&name).unwrap();
            let text = format!("{}:{units}:{}:{name}", letter(state), at.millis());
            prop_assert_eq!(stored(&text), Some(Stored { state, quantity, pay_until: at, buyer }));
        }
    }

    #[test]
    fn answers_that_do_not_match_their_requests_are_refused() {
        for text in ["S", "S,S,S", "S,S,A5", "A5,S", "S,A", "S,Ax", "A5,A5"] {
            let error = outcomes(text, &sale(), &[request(), request()]).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::PeerMisbehaved, "{text}");
        }
        let id = ReservationId::new(&sale(), &request().request);
        assert_eq!(confirmed("A5", &id).unwrap(), ControlFlow::Continue(UnixMillis::new(5).unwrap()));
        assert_eq!(confirmed("A", &id).unwrap_err().kind(), crate::ErrorKind::PeerMisbehaved);
    }
}
