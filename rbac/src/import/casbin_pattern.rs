//! The object and the action of a rule of casbin as a pattern of permissions.

use super::casbin_model::Compare;
use crate::error::Error;
use crate::name::PermissionName;
use crate::wildcard::{PermissionPattern, WildcardMode};

/// Why a rule is no pattern.
pub(super) enum Unsaid {
    /// Nobody can ask for what it is about.
    NoName(String),
    /// It is about more than a pattern can say.
    Pattern(&'static str),
}

/// What an object or an action of a rule stands for.
pub(super) enum Value<'a> {
    Literal(&'a str),
    /// Everything that begins so.
    Prefix(&'a str),
}

/// What a text stands for when it is compared so.
pub(super) fn value(text: &str, compare: Compare) -> Result<Value<'_>, Unsaid> {
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '/');
    match compare {
        Compare::EqualOrStar if text == "*" => Ok(Value::Prefix("")),
        Compare::Prefix if text.contains('*') => {
            Ok(Value::Prefix(text.split('*').next().unwrap_or_default()))
        }
        Compare::Pattern if !text.chars().all(letters) => {
            Err(Unsaid::Pattern("it is a pattern that roles cannot say; write out what it stands for"))
        }
        _ => Ok(Value::Literal(text)),
    }
}

/// The pattern of one value or of an object and an action.
pub(super) fn pattern(values: &[Value<'_>]) -> Result<PermissionPattern, Unsaid> {
    let no_name = |error: Error| Unsaid::NoName(error.to_string());
    // What is no name by itself is no part of one, so nobody can ask for it.
    for value in values {
        if let Value::Literal(text) = value {
            PermissionName::new(text).map_err(no_name)?;
        }
    }
    let text = values.iter().map(|value| match value {
        Value::Literal(text) => (*text).to_owned(),
        Value::Prefix(text) => format!("{text}*"),
    });
    let text = text.collect::<Vec<_>>().join(":");
    match values {
        [Value::Literal(_)] | [Value::Literal(_), Value::Literal(_)] => {
            PermissionName::new(&text).map(PermissionPattern::from).map_err(no_name)
        }
        [Value::Prefix("")] | [Value::Prefix(""), Value::Prefix("")] => {
            PermissionPattern::new("*").map_err(no_name)
        }
        [Value::Literal(_), Value::Prefix("")] => PermissionPattern::new(&text).map_err(no_name),
        _ => PermissionPattern::with_mode(&text, WildcardMode::SaToken)
            .map_err(|_| Unsaid::Pattern("the pattern holds what no permission can hold, or is too long")),
    }
}
