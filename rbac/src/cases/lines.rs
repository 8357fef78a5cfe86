//! Cases as lines of words.

use std::str::FromStr;

use super::{Because, Case, Expected, WHAT};
use crate::error::Error;
use crate::import::unreadable;
use crate::moment;
use crate::name::shown;
use crate::time::UnixMillis;

/// Reads all lines.
pub(super) fn read(text: &str) -> Result<Vec<Case>, Error> {
    let mut cases = Vec::new();
    let mut always = None;
    for (line, number) in text.lines().zip(1_usize..) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let place = format!("line {number}");
        let read = match line.split_once(char::is_whitespace) {
            Some(("at", moment)) if !moment.trim().contains(char::is_whitespace) => {
                time(moment.trim()).map(|at| always = Some(at))
            }
            _ => case(place.clone(), line, always).map(|case| cases.push(case)),
        };
        read.map_err(|why| unreadable(WHAT, place, format!("`{}`: {why}", shown(line))))?;
    }
    Ok(cases)
}

fn case(place: String, line: &str, always: Option<UnixMillis>) -> Result<Case, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (expected, rest) = match words.as_slice() {
        ["who", "can", rest @ ..] => {
            let (permission, rest, list) = listed(rest, "nobody")?;
            (Expected::WhoCan { permission: parsed(permission)?, users: all(&list)? }, rest)
        }
        ["what", "can", rest @ ..] => {
            let (user, rest, list) = listed(rest, "nothing")?;
            (Expected::WhatCan { user: parsed(user)?, permissions: all(&list)? }, rest)
        }
        [user, "may", "not", permission, rest @ ..] => {
            let (user, permission) = (parsed(user)?, parsed(permission)?);
            (Expected::MayNot { user, permission, because: None }, rest.to_vec())
        }
        [user, "may", permission, rest @ ..] => {
            (Expected::May { user: parsed(user)?, permission: parsed(permission)? }, rest.to_vec())
        }
        _ => {
            let rule = "write `USER may PERMISSION`, `USER may not PERMISSION`, `who can PERMISSION: USERS`, \
                        `what can USER: PERMISSIONS` or `at TIME`";
            return Err(rule.to_owned());
        }
    };
    let mut case = Case { place, text: line.to_owned(), domain: None, at: always, expected };
    let mut told = Vec::new();
    let mut rest = rest.iter();
    while let Some(&word) = rest.next() {
        let value = rest.next().ok_or_else(|| format!("nothing follows `{}`", shown(word)))?;
        if told.contains(&word) {
            return Err(format!("`{word}` stands twice"));
        }
        told.push(word);
        match (word, &mut case.expected) {
            ("in", _) => case.domain = Some(parsed(value)?),
            ("at", _) => case.at = Some(time(value)?),
            ("because", Expected::MayNot { because, .. }) => *because = Some(Because::parse(value)?),
            ("because", _) => return Err("only a `may not` has a reason".to_owned()),
            _ => return Err(format!("`{}` is none of `in`, `at`, `because`", shown(word))),
        }
    }
    Ok(case)
}

/// What is asked about, the words up to the colon, and the list behind it.
fn listed<'a>(words: &[&'a str], none: &str) -> Result<(&'a str, Vec<&'a str>, Vec<&'a str>), String> {
    let colon = words.iter().position(|word| word.ends_with(':'));
    let Some((head, list)) = colon.and_then(|at| words.split_at_checked(at + 1)) else {
        return Err("a `:` and a list are missing".to_owned());
    };
    let mut head: Vec<&str> = head.iter().map(|word| word.strip_suffix(':').unwrap_or(word)).collect();
    if head.first().is_none_or(|first| first.is_empty()) {
        return Err("nothing stands before the `:`".to_owned());
    }
    // A colon with a space before it is a word of its own.
    head.retain(|word| !word.is_empty());
    let about = head.remove(0);
    let list: Vec<&str> = list.iter().map(|word| word.strip_suffix(',').unwrap_or(word)).collect();
    match list.as_slice() {
        [] => Err(format!("the list is empty; write `{none}` if that is meant")),
        [only] if *only == none => Ok((about, head, Vec::new())),
        _ => Ok((about, head, list)),
    }
}

fn parsed<T: FromStr<Err = Error>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: Error| error.to_string())
}

fn all<T: FromStr<Err = Error>, C: FromIterator<T>>(texts: &[&str]) -> Result<C, String> {
    texts.iter().map(|text| parsed(text)).collect()
}

pub(super) fn time(text: &str) -> Result<UnixMillis, String> {
    moment::parse(text).ok_or_else(|| format!("`{}` is no time; write `2026-01-01T00:00:00Z`", shown(text)))
}
