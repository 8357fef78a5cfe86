//! Turning inputs into others that are nearly as good: bytes, words, numbers and the fields between delimiters.

use std::ops::Range;

use super::Target;
use super::random::Random;

const DELIMITERS: &[u8] = b".;,$=&:\n\"{}[]- ";
const BYTES: &[u8] = b"\0\t\n\r \"$%&'()*+,-./09:;<=>?@AZ[\\]_az{|}~\x7f\x80\xc3\xff";
const NUMBERS: [&str; 16] = [
    "0",
    "1",
    "-1",
    "-0",
    "00",
    "1e30",
    "1E-3",
    "0.5",
    "4294967296",
    "9007199254740993",
    "9223372036854775808",
    "18446744073709551616",
    "1700000000",
    "253402300800",
    "true",
    "null",
];
/// How many changes one input goes through at most.
const CHANGES_MAX: usize = 6;

/// A new input from those that are kept.
pub(super) fn mutated(corpus: &[Vec<u8>], target: &Target, random: &mut Random) -> Vec<u8> {
    let pick = |random: &mut Random| corpus.get(random.below(corpus.len())).cloned().unwrap_or_default();
    let mut input = pick(random);
    for _ in 0..=random.below(CHANGES_MAX) {
        match random.below(12) {
            0 => flip(&mut input, random),
            1 => set(&mut input, random),
            2 => insert(&mut input, &[BYTES[random.below(BYTES.len())]], random),
            3 => drop(input.drain(range(input.len(), random))),
            4 => repeat(&mut input, target.bytes_max, random),
            5 => splice(&mut input, &pick(random), random),
            6 | 7 => word(&mut input, target.words, random),
            8 => number(&mut input, random),
            9 => field(&mut input, random),
            10 => truncate(&mut input, random),
            _ => case(&mut input, random),
        }
    }
    input.truncate(target.bytes_max);
    input
}

/// Part of an input of this length, short ones more often.
fn range(length: usize, random: &mut Random) -> Range<usize> {
    let from = random.below(length + 1);
    let most = if random.below(4) == 0 { length } else { 8 };
    from..(from + random.below(most + 1)).min(length)
}

fn flip(input: &mut [u8], random: &mut Random) {
    let place = random.below(input.len());
    if let Some(byte) = input.get_mut(place) {
        *byte ^= 1 << random.below(8);
    }
}

fn set(input: &mut [u8], random: &mut Random) {
    let place = random.below(input.len());
    if let Some(byte) = input.get_mut(place) {
        *byte = if random.below(2) == 0 { random.byte() } else { BYTES[random.below(BYTES.len())] };
    }
}

fn insert(input: &mut Vec<u8>, bytes: &[u8], random: &mut Random) {
    let place = random.below(input.len() + 1);
    input.splice(place..place, bytes.iter().copied());
}

/// Once more, or until the input is as long as it may be.
fn repeat(input: &mut Vec<u8>, bytes_max: usize, random: &mut Random) {
    let part = range(input.len(), random);
    let bytes = input[part.clone()].to_vec();
    let most = bytes_max.saturating_sub(input.len()) / bytes.len().max(1);
    let times = if random.below(16) == 0 { most } else { random.below(4).min(most) };
    input.splice(part.end..part.end, bytes.repeat(times));
}

fn splice(input: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let (to, from) = (range(input.len(), random), range(other.len(), random));
    input.splice(to, other[from].iter().copied());
}

/// Puts a word in, or in the place of a field.
fn word(input: &mut Vec<u8>, words: &[&str], random: &mut Random) {
    let Some(word) = random.one_of(words) else { return };
    if random.below(2) == 0 {
        insert(input, word.as_bytes(), random);
    } else {
        let fields = fields(input);
        let field = fields[random.below(fields.len())].clone();
        input.splice(field, word.bytes());
    }
}

/// Replaces a run of digits.
fn number(input: &mut Vec<u8>, random: &mut Random) {
    let is_digit = |place: &usize| input.get(*place).is_some_and(u8::is_ascii_digit);
    let starts: Vec<usize> = (0..input.len())
        .filter(|place| is_digit(place) && (*place == 0 || !is_digit(&(place - 1))))
        .collect();
    let Some(start) = starts.get(random.below(starts.len())).copied() else { return };
    let end = (start..input.len()).find(|place| !is_digit(place)).unwrap_or(input.len());
    input.splice(start..end, random.one_of(&NUMBERS).unwrap_or("7").bytes());
}

/// Drops a field between delimiters, says it twice, or puts another one in its place.
fn field(input: &mut Vec<u8>, random: &mut Random) {
    let fields = fields(input);
    let mut any = || fields[random.below(fields.len())].clone();
    let (one, other) = (any(), any());
    let (bytes, with_delimiter) = (input[other].to_vec(), one.start.saturating_sub(1)..one.end);
    match random.below(3) {
        0 => drop(input.drain(with_delimiter)),
        1 => {
            let again = input[with_delimiter].to_vec();
            input.splice(one.end..one.end, again);
        }
        _ => drop(input.splice(one, bytes)),
    }
}

fn fields(input: &[u8]) -> Vec<Range<usize>> {
    let mut fields = Vec::new();
    let mut from = 0;
    for (place, byte) in input.iter().enumerate() {
        if DELIMITERS.contains(byte) {
            fields.push(from..place);
            from = place + 1;
        }
    }
    fields.push(from..input.len());
    fields
}

fn truncate(input: &mut Vec<u8>, random: &mut Random) {
    input.truncate(random.below(input.len() + 1));
}

fn case(input: &mut [u8], random: &mut Random) {
    let part = range(input.len(), random);
    input[part].iter_mut().filter(|byte| byte.is_ascii_alphabetic()).for_each(|byte| *byte ^= 0x20);
}
