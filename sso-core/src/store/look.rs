//! What one look at a session's fields and at the server's clock says, by the rule itself and without a write.
//!
//! It answers only what is plain. All else is for the script: what is due to be written down, what has just expired,
//! what cannot be read.

use redis::{FromRedisValue, ParsingError, Value};

use crate::session::Check;
use crate::session::end::{End, EndReason};
use crate::session::limits::SessionLimits;
use crate::session::rule::{Decision, Kept, decide};
use crate::store::At;
use crate::store::packed::{millis, number, unpack};
use crate::time::UnixMillis;

/// The fields that are asked for, as `redis/rule.lua` names them: last seen, record, reason and time of the end.
pub(crate) const FIELDS: [&str; 4] = ["l", "r", "e", "t"];

/// The fields of a session, and the server's time after they were read, if it was asked for.
#[derive(Debug)]
pub(crate) struct Look {
    fields: [Option<String>; 4],
    now: Option<UnixMillis>,
}

impl FromRedisValue for Look {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        let Value::Array(replies) = value else { return Err(unexpected()) };
        let mut replies = replies.into_iter();
        let fields: Vec<Option<String>> = match replies.next() {
            Some(Value::Array(fields)) => fields.into_iter().map(text).collect::<Result<_, _>>()?,
            _ => return Err(unexpected()),
        };
        let now = replies.next().map(time).transpose()?;
        Ok(Self { fields: fields.try_into().map_err(|_| unexpected())?, now })
    }
}

impl Look {
    /// The answer, if it is plain and nothing is to be written.
    ///
    /// The time was read after the fields: what is live at the later moment was live at the earlier one.
    pub(crate) fn check(&self, limits: &SessionLimits, at: At) -> Option<Check> {
        let now = match at {
            At::Server => self.now?,
            At::Millis(now) => now,
        };
        let kept = match &self.fields {
            [None, None, None, None] => return Some(Check::Unknown),
            [_, _, Some(why), Some(at)] => {
                Kept::Ended(End { reason: EndReason::from_text(why), at: millis(at).ok()? })
            }
            [Some(seen), Some(record), None, _] => Kept::Live(Box::new(unpack(seen, record).ok()?)),
            _ => return None,
        };
        match (decide(&kept, limits, now), kept) {
            (Decision::Fresh, Kept::Live(record)) => Some(Check::Active(record.into_session(limits))),
            (Decision::Ended(end), Kept::Ended(_)) => Some(Check::Ended(end)),
            _ => None,
        }
    }
}

fn text(field: Value) -> Result<Option<String>, ParsingError> {
    match field {
        Value::Nil => Ok(None),
        Value::BulkString(bytes) => String::from_utf8(bytes).map(Some).map_err(|_| unexpected()),
        _ => Err(unexpected()),
    }
}

/// Seconds and microseconds, as `TIME` tells them.
fn time(reply: Value) -> Result<UnixMillis, ParsingError> {
    let Value::Array(parts) = reply else { return Err(unexpected()) };
    let parts: Vec<Option<String>> = parts.into_iter().map(text).collect::<Result<_, _>>()?;
    let [Some(secs), Some(micros)] = parts.as_slice() else { return Err(unexpected()) };
    let part = |text: &str| number::<u64>(text).map_err(|_| unexpected());
    let millis = part(secs)?.saturating_mul(1000).saturating_add(part(micros)? / 1000);
    UnixMillis::new(millis).map_err(|_| unexpected())
}

fn unexpected() -> ParsingError {
    ParsingError::from("a session was read as something else than text")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RECORD: &str = "1000000\n\nalice\n0123456789abcdef\n\nweb\nagent\naddress\n3\n";

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    fn replies(fields: [Option<&str>; 4], now_millis: u64) -> Value {
        let fields = fields.into_iter().map(|field| field.map_or(Value::Nil, bulk)).collect();
        let time = [now_millis / 1000, now_millis % 1000 * 1000 + 999];
        Value::Array(vec![
            Value::Array(fields),
            Value::Array(time.iter().map(|part| bulk(&part.to_string())).collect()),
        ])
    }

    fn check(fields: [Option<&str>; 4], now_millis: u64) -> Option<Check> {
        let look = Look::from_redis_value(replies(fields, now_millis)).unwrap();
        look.check(&SessionLimits::default(), At::Server)
    }

    #[test]
    fn what_is_plain_is_answered_and_all_else_is_left_to_the_script() {
        let live = [Some("2000000"), Some(RECORD), None, None];
        let Some(Check::Active(session)) = check(live, 2_059_999) else { panic!() };
        assert_eq!((session.user.as_str(), session.last_seen_at.as_secs()), ("alice", 2000));
        assert_eq!(check([None; 4], 2_000_000), Some(Check::Unknown));
        let gone = [None, None, Some("signed_out"), Some("2000000")];
        let end = End { reason: EndReason::SignedOut, at: UnixMillis::new(2_000_000).unwrap() };
        assert_eq!(check(gone, 2_599_999), Some(Check::Ended(end)));
        for (left, now_millis) in [
            // Due to be written down, expired, forgotten.
            (live, 2_060_000),
            (live, 9_000_000),
            (gone, 2_600_000),
            // Not ours.
            ([Some("x"), Some(RECORD), None, None], 2_000_000),
            ([Some("2000000"), Some("x"), None, None], 2_000_000),
            ([Some("2000000"), None, None, None], 2_000_000),
            ([None, Some(RECORD), None, None], 2_000_000),
            ([None, None, None, Some("2000000")], 2_000_000),
            ([Some("2000000"), Some(RECORD), Some("revoked"), None], 2_000_000),
            ([None, None, Some("revoked"), Some("x")], 2_000_000),
        ] {
            assert_eq!(check(left, now_millis), None, "{left:?} {now_millis}");
        }
    }

    #[test]
    fn no_time_is_no_answer() {
        let fields = Value::Array(vec![bulk("2000000"), bulk(RECORD), Value::Nil, Value::Nil]);
        let look = Look::from_redis_value(Value::Array(vec![fields])).unwrap();
        assert_eq!(look.check(&SessionLimits::default(), At::Server), None);
        let at = At::Millis(UnixMillis::new(2_000_000).unwrap());
        assert!(matches!(look.check(&SessionLimits::default(), at), Some(Check::Active(_))));
    }

    fn value() -> impl Strategy<Value = Value> {
        let cell = prop_oneof![
            "[0-9]{0,18}|\\PC{0,9}".prop_map(|text| bulk(&text)),
            Just(bulk(RECORD)),
            proptest::collection::vec(any::<u8>(), 0..4).prop_map(Value::BulkString),
            Just(Value::Nil),
            any::<i64>().prop_map(Value::Int),
        ];
        cell.prop_recursive(2, 20, 5, |inner| proptest::collection::vec(inner, 0..5).prop_map(Value::Array))
    }

    proptest! {
        #[test]
        fn any_reply_is_read_without_panic(value in value(), now in any::<u64>()) {
            if let Ok(look) = Look::from_redis_value(value) {
                let at = At::Millis(UnixMillis::saturating_new(now));
                for at in [At::Server, at] {
                    let seen = look.check(&SessionLimits::default(), at);
                    prop_assert!(seen.is_none() || look.fields.iter().all(Option::is_none) == (seen == Some(Check::Unknown)));
                }
            }
        }
    }
}
