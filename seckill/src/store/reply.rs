//! Reads what the scripts answer. It comes from outside: a text that no script writes is an error, never a guess.

use super::pass::{Answers, Pass};
use super::shard::Shard;
use crate::config::SaleConfig;
use crate::error::{Error, Fault};
use crate::ids::{ReservationId, SaleId};
use crate::outcome::{Confirm, Opened, Outcome, Refusal, Release, Swept};
use crate::phase::Stage;
use crate::reservation::{ReservationState, Reserve};
use crate::time::UnixMillis;

/// What one pass was told.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) step: u64,
    /// Units left of the things that the pass asked for, in the order of [`Pass::skus`].
    pub(crate) left: Vec<u64>,
    pub(crate) answers: Answers,
    /// Positions of requests for which this shard has too few units.
    pub(crate) short: Vec<usize>,
}

/// An answer, and the step and the time that it belongs to.
#[derive(Debug)]
pub(crate) struct After<'a> {
    pub(crate) step: u64,
    pub(crate) now: UnixMillis,
    pub(crate) answer: &'a str,
}

/// What a look at one shard was told.
#[derive(Debug)]
pub(crate) struct Peeked {
    pub(crate) step: u64,
    pub(crate) now: UnixMillis,
    pub(crate) stage: Stage,
    pub(crate) frozen: bool,
    /// When the front of the wins is over; 0 when there is none.
    pub(crate) due: UnixMillis,
    /// By thing, then by letter.
    pub(crate) counts: Vec<Vec<i64>>,
}

/// What a payment was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConfirmTold {
    Answer(Confirm),
    Again,
    Short,
}

/// What a step in a sale's life was told by one shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SteerTold {
    Done,
    Already,
    Refused(Stage, u64),
}

/// The sale and the shard that an answer is about.
#[derive(Clone, Copy)]
pub(crate) struct About<'a> {
    pub(crate) sale: &'a SaleId,
    pub(crate) shard: &'a Shard,
}

/// The answers to a pass.
pub(crate) fn told(text: &str, about: About<'_>, terms: &SaleConfig, pass: &Pass<'_>) -> Result<Told, Error> {
    let told = read_told(sound(text, about)?, terms, pass).ok_or_else(|| strange(text))?;
    about.shard.see(told.step);
    Ok(told)
}

fn read_told(text: &str, terms: &SaleConfig, pass: &Pass<'_>) -> Option<Told> {
    let mut parts = text.split('|');
    let (head, bytes, details, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else {
        return None;
    };
    let mut head = head.split(' ');
    let (step, _now) = (number(head.next()?)?, time(head.next()?)?);
    let pay_until = time(head.next()?)?;
    let left: Vec<u64> = head.next()?.split(',').map(number).collect::<Option<_>>()?;
    if head.next().is_some() || left.len() != pass.skus().len() || bytes.len() != pass.len() {
        return None;
    }
    let mut details = details.split(',').filter(|detail| !detail.is_empty());
    let mut short = Vec::new();
    let mut answers = Vec::with_capacity(pass.len());
    for (place, (byte, request)) in bytes.bytes().zip(pass.requests()).enumerate() {
        let answer = match byte {
            b'1' => {
                let won = terms.reservation(request, pay_until, ReservationState::Held, false);
                Some(Ok(Outcome::Reserved(won)))
            }
            b'A' => None,
            b'0' => {
                short.push(place);
                Some(Ok(Outcome::Refused(Refusal::SoldOut)))
            }
            other => Some(answer(other, &mut details, terms, request)?),
        };
        answers.push(answer);
    }
    details.next().is_none().then_some(Told { step, left, answers, short })
}

/// An answer that is neither a win nor a want of units.
fn answer<'a>(
    byte: u8,
    details: &mut impl Iterator<Item = &'a str>,
    terms: &SaleConfig,
    request: &Reserve,
) -> Option<Result<Outcome, Error>> {
    let refusal = match byte {
        b'2' => {
            let mut chars = details.next()?.chars();
            let state = ReservationState::from_letter(chars.next()?)?;
            let won = terms.reservation(request, time(chars.as_str())?, state, true);
            return Some(Ok(Outcome::Reserved(won)));
        }
        b'X' => return Some(Err(Fault::RequestReused { request: request.request.clone() }.into())),
        b'N' => Refusal::NotOpen { opens_at: terms.opens_at() },
        b'C' => Refusal::Closed,
        b'P' => Refusal::Paused,
        b'T' => Refusal::TooMany { max: u32::try_from(Reserve::PER_BUYER_MAX).ok()? },
        b'L' => Refusal::LimitReached { limit: terms.buyer_limit().units(), held: number(details.next()?)? },
        _ => return None,
    };
    Some(Ok(Outcome::Refused(refusal)))
}

pub(crate) fn opened(text: &str, about: About<'_>) -> Result<Opened, Error> {
    let after = after(text, about)?;
    match after.answer {
        "created" => Ok(Opened::Created),
        "already" => Ok(Opened::Already),
        "other" => Err(Fault::OtherTerms { sale: about.sale.clone() }.into()),
        _ => Err(strange(text)),
    }
}

pub(crate) fn confirmed(text: &str, about: About<'_>, id: &ReservationId) -> Result<ConfirmTold, Error> {
    match after(text, about)?.answer {
        "confirmed" => Ok(ConfirmTold::Answer(Confirm::Confirmed)),
        "already_paid" => Ok(ConfirmTold::Answer(Confirm::AlreadyPaid)),
        "retaken" => Ok(ConfirmTold::Answer(Confirm::Retaken)),
        "gone" => Ok(ConfirmTold::Answer(Confirm::Gone)),
        "again" => Ok(ConfirmTold::Again),
        "short" => Ok(ConfirmTold::Short),
        "unknown" => Err(Fault::UnknownReservation { reservation: id.clone() }.into()),
        _ => Err(strange(text)),
    }
}

pub(crate) fn released(text: &str, about: About<'_>, id: &ReservationId) -> Result<Release, Error> {
    match after(text, about)?.answer {
        "released" => Ok(Release::Released),
        "already_returned" => Ok(Release::AlreadyReturned),
        "already_paid" => Ok(Release::AlreadyPaid),
        "unknown" => Err(Fault::UnknownReservation { reservation: id.clone() }.into()),
        _ => Err(strange(text)),
    }
}

pub(crate) fn swept(text: &str, about: About<'_>) -> Result<Swept, Error> {
    let mut words = after(text, about)?.answer.split(' ');
    let mut read = || {
        let (returned, units) = (number(words.next()?)?, number(words.next()?)?);
        let more: u8 = number(words.next()?)?;
        (more < 2 && words.next().is_none()).then_some(Swept { returned, units, more: more == 1 })
    };
    read().ok_or_else(|| strange(text))
}

/// The counters of `things` things, as many of each as there are `letters`.
pub(crate) fn peeked(text: &str, about: About<'_>, things: usize, letters: usize) -> Result<Peeked, Error> {
    let after = after(text, about)?;
    let read = || {
        let (head, rows) = after.answer.split_once('|')?;
        let (letter, due) = head.split_once(' ')?;
        // In lower case while the shard is frozen, which a look does not mind.
        let stage = stage(&letter.to_ascii_uppercase())?;
        let frozen = letter.bytes().any(|byte| byte.is_ascii_lowercase());
        let row = |row: &str| row.split(',').map(|count| count.parse().ok()).collect::<Option<Vec<i64>>>();
        let counts: Vec<Vec<i64>> = rows.split(';').map(row).collect::<Option<_>>()?;
        let whole = counts.len() == things && counts.iter().all(|row| row.len() == letters);
        whole.then_some(Peeked { step: after.step, now: after.now, stage, frozen, due: time(due)?, counts })
    };
    read().ok_or_else(|| strange(text))
}

pub(crate) fn steered(text: &str, about: About<'_>) -> Result<SteerTold, Error> {
    let words: Vec<&str> = after(text, about)?.answer.split(' ').collect();
    let told = match *words {
        ["done"] => Some(SteerTold::Done),
        ["already"] => Some(SteerTold::Already),
        ["refused", letter, held] => {
            stage(letter).zip(number(held)).map(|(stage, held)| SteerTold::Refused(stage, held))
        }
        _ => None,
    };
    told.ok_or_else(|| strange(text))
}

/// Units done, or the stage in which no change is taken.
pub(crate) fn restocked(text: &str, about: About<'_>) -> Result<Result<u64, Stage>, Error> {
    let told = match after(text, about)?.answer.split_once(' ') {
        Some(("done", units)) => number(units).map(Ok),
        Some(("refused", letter)) => stage(letter).map(Err),
        _ => None,
    };
    told.ok_or_else(|| strange(text))
}

/// The answer of a script, after the step that it belongs to. The shard has been seen at that step now.
pub(crate) fn after<'a>(text: &'a str, about: About<'_>) -> Result<After<'a>, Error> {
    let read = |text: &'a str| {
        let (head, answer) = text.split_once('|')?;
        let (step, now) = head.split_once(' ')?;
        Some(After { step: number(step)?, now: time(now)?, answer })
    };
    let after = read(sound(text, about)?).ok_or_else(|| strange(text))?;
    about.shard.see(after.step);
    Ok(after)
}

/// The stage with such a letter.
pub(crate) fn stage(text: &str) -> Option<Stage> {
    let mut letters = text.chars();
    let stage = Stage::from_letter(letters.next()?)?;
    letters.next().is_none().then_some(stage)
}

/// One number, as stored. Digits and nothing else.
pub(crate) fn number<T: TryFrom<u64>>(text: &str) -> Option<T> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    T::try_from(text.parse::<u64>().ok()?).ok()
}

/// One time, as stored.
pub(crate) fn time(text: &str) -> Option<UnixMillis> {
    UnixMillis::new(number(text)?).ok()
}

/// Passes an answer that is not a fault.
fn sound<'a>(text: &'a str, about: About<'_>) -> Result<&'a str, Error> {
    let sale = || about.sale.clone();
    match text.strip_prefix('!') {
        None => Ok(text),
        Some("missing") => Err(Fault::NotLoaded { sale: sale() }.into()),
        Some("leftover") => Err(Fault::Leftover { sale: sale() }.into()),
        Some("frozen") => Err(Fault::Frozen { sale: sale(), shard: about.shard.index }.into()),
        Some(fault) => match fault.strip_prefix("corrupt ") {
            Some(what) => Err(Fault::Corrupt { sale: sale(), what: Error::shown(what) }.into()),
            None => Err(strange(text)),
        },
    }
}

/// The error of a text that no script writes.
pub(crate) fn strange(text: &str) -> Error {
    Fault::Answer { given: Error::shown(text) }.into()
}
