//! Making an input that fails smaller, so that a person can read it.

use super::Target;
use super::case::attempt;

/// The most inputs that are tried.
const TRIES_MAX: usize = 2000;

/// A part of the input that still fails, without any piece that can be left out.
pub(super) fn shrunk(target: &Target, mut input: Vec<u8>) -> Vec<u8> {
    let (mut piece, mut tries) = (input.len() / 2, 0);
    while piece > 0 && tries < TRIES_MAX {
        let mut from = 0;
        while from < input.len() && tries < TRIES_MAX {
            let mut less = input.clone();
            less.drain(from..(from + piece).min(input.len()));
            tries += 1;
            match attempt(target, &less) {
                Err(_) => input = less,
                Ok(_) => from += piece,
            }
        }
        piece /= 2;
    }
    input
}
