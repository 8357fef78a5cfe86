//! Cases as a list of JSON objects.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::lines::time;
use super::{Because, Case, Expected, WHAT};
use crate::error::Error;
use crate::import::unreadable;
use crate::name::{DomainName, PermissionName, UserId};

/// One object.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Object {
    user: Option<UserId>,
    may: Option<PermissionName>,
    may_not: Option<PermissionName>,
    because: Option<String>,
    who_can: Option<PermissionName>,
    users: Option<BTreeSet<UserId>>,
    what_can: Option<UserId>,
    permissions: Option<BTreeSet<PermissionName>>,
    #[serde(rename = "in")]
    domain: Option<DomainName>,
    at: Option<String>,
}

/// Reads the list.
pub(super) fn read(text: &str) -> Result<Vec<Case>, Error> {
    let objects: Vec<Object> = serde_json::from_str(text).map_err(|error| {
        let words: String = error.to_string().chars().flat_map(visible).collect();
        unreadable(WHAT, format!("line {}", error.line()), words)
    })?;
    let cases = objects.into_iter().zip(1_usize..).map(|(object, number)| {
        let place = format!("case {number}");
        case(place.clone(), object).map_err(|why| unreadable(WHAT, place, why))
    });
    cases.collect()
}

fn case(place: String, object: Object) -> Result<Case, String> {
    let because = object.because.as_deref().map(Because::parse).transpose()?;
    let given = (object.user, object.may, object.may_not, object.who_can, object.users);
    let expected = match (given, object.what_can, object.permissions) {
        ((Some(user), Some(permission), None, None, None), None, None) if because.is_none() => {
            Expected::May { user, permission }
        }
        ((Some(user), None, Some(permission), None, None), None, None) => {
            Expected::MayNot { user, permission, because }
        }
        ((None, None, None, Some(permission), Some(users)), None, None) if because.is_none() => {
            Expected::WhoCan { permission, users }
        }
        ((None, None, None, None, None), Some(user), Some(permissions)) if because.is_none() => {
            Expected::WhatCan { user, permissions }
        }
        _ => {
            let rule = "give `user` and `may`, `user` and `may_not` (with a `because` at most), `who_can` and `users`, \
                        or `what_can` and `permissions`";
            return Err(rule.to_owned());
        }
    };
    let at = object.at.as_deref().map(time).transpose()?;
    let text = text(&expected);
    Ok(Case { place, text, domain: object.domain, at, expected })
}

/// The case as a line.
fn text(expected: &Expected) -> String {
    match expected {
        Expected::May { user, permission } => format!("{user} may {permission}"),
        Expected::MayNot { user, permission, .. } => format!("{user} may not {permission}"),
        Expected::WhoCan { permission, .. } => format!("who can {permission}"),
        Expected::WhatCan { user, .. } => format!("what can {user}"),
    }
}

fn visible(char: char) -> impl Iterator<Item = char> {
    let escaped = char.is_control().then(|| char.escape_default());
    let plain = (!char.is_control()).then_some(char);
    escaped.into_iter().flatten().chain(plain)
}
