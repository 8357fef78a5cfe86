//! Reading what scripts reply: rows of text, of which the first says what came of the call.
//!
//! Whatever is not a row of ours, perhaps written by somebody else, is `Corrupt`.

use redis::{FromRedisValue, ParsingError, Value};

use crate::error::Error;
use crate::session::end::{End, EndReason};
use crate::session::event::SessionEvent;
use crate::session::limits::SessionLimits;
use crate::session::online::Online;
use crate::session::{Check, Session};
use crate::store::packed::{because, millis, number, unpack, unreadable};
use crate::time::UnixMillis;
use crate::user_id::UserId;

/// The reply of a script as it came.
#[derive(Debug)]
pub(crate) struct Rows(Vec<Vec<String>>);

/// The reply of a script.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    /// What came of the call.
    pub(crate) word: String,
    /// When and why the session ended, why a login was refused, or when a session was found to live.
    detail: Vec<String>,
    /// What there is besides, in the order in which it happened.
    pub(crate) rows: Vec<Row>,
}

/// One row behind the first.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Row {
    /// A session that lives.
    Session(Session),
    /// A session that this very step ended; `is_chosen` if it was asked to.
    Ended { session: Session, end: End, is_chosen: bool },
    /// A user whom a page looked at.
    User { user: UserId, online: Option<Online> },
}

impl FromRedisValue for Rows {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        let Value::Array(items) = value else {
            return Err(ParsingError::from("a script replied with something else than rows"));
        };
        if matches!(items.first(), Some(Value::Array(_))) {
            return items.into_iter().map(cells).collect::<Result<_, _>>().map(Self);
        }
        // The one row of a session that lives comes alone, with the time behind it.
        let mut cells = cells(Value::Array(items))?;
        let head = ["active".to_owned()].into_iter().chain(cells.pop()).collect();
        let session = ["session".to_owned()].into_iter().chain(cells).collect();
        Ok(Self(vec![head, session]))
    }
}

fn cells(row: Value) -> Result<Vec<String>, ParsingError> {
    let Value::Array(cells) = row else {
        return Err(ParsingError::from("a script replied with something else than a row"));
    };
    cells
        .into_iter()
        .map(|cell| match cell {
            Value::Nil => Ok(String::new()),
            Value::BulkString(bytes) => {
                String::from_utf8(bytes).map_err(|_| ParsingError::from("a script replied with no text"))
            }
            _ => Err(ParsingError::from("a script replied with something else than text")),
        })
        .collect()
}

impl Rows {
    /// The reply, with sessions as they are under these limits.
    pub(crate) fn read(self, limits: &SessionLimits) -> Result<Reply, Error> {
        let mut rows = self.0.into_iter();
        let mut head = rows.next().unwrap_or_default().into_iter();
        let word = head.next().ok_or_else(unreadable)?;
        let rows = rows.map(|row| read_row(&row, limits)).collect::<Result<_, _>>()?;
        Ok(Reply { word, detail: head.collect(), rows })
    }
}

impl Reply {
    /// When a session was found to live.
    pub(crate) fn found_at(&self) -> Result<UnixMillis, Error> {
        millis(self.detail())
    }

    /// What a session is that does not do what was asked of it because it does not live, or that just lives.
    pub(crate) fn check(&self) -> Result<Check, Error> {
        match (self.word.as_str(), self.rows.as_slice()) {
            ("active", [Row::Session(session)]) => Ok(Check::Active(session.clone())),
            ("ended", _) => self.end().map(Check::Ended),
            ("unknown", _) => Ok(Check::Unknown),
            _ => Err(unreadable()),
        }
    }

    /// When and why the session ended.
    pub(crate) fn end(&self) -> Result<End, Error> {
        let [at, why] = self.detail.as_slice() else { return Err(unreadable()) };
        Ok(End { reason: EndReason::from_text(why), at: millis(at)? })
    }

    /// The first detail, or nothing.
    pub(crate) fn detail(&self) -> &str {
        self.detail.first().map_or("", String::as_str)
    }

    /// The sessions that live.
    pub(crate) fn sessions(&self) -> impl Iterator<Item = &Session> {
        self.rows.iter().filter_map(|row| match row {
            Row::Session(session) => Some(session),
            Row::Ended { .. } | Row::User { .. } => None,
        })
    }

    /// The one session that there must be.
    pub(crate) fn session(&self) -> Result<Session, Error> {
        self.sessions().next().cloned().ok_or_else(unreadable)
    }

    /// What happened, with live sessions turned into events if that is what they mean here.
    pub(crate) fn events(&self, begun: impl Fn(Session) -> Option<SessionEvent>) -> Vec<SessionEvent> {
        let event = |row: &Row| match row {
            Row::Session(session) => begun(session.clone()),
            Row::Ended { session, end, .. } => {
                Some(SessionEvent::Ended { session: session.clone(), end: end.clone() })
            }
            Row::User { .. } => None,
        };
        self.rows.iter().filter_map(event).collect()
    }
}

fn read_row(row: &[String], limits: &SessionLimits) -> Result<Row, Error> {
    let (word, cells) = row.split_first().ok_or_else(unreadable)?;
    match (word.as_str(), cells) {
        ("session", [seen, record]) => Ok(Row::Session(unpack(seen, record)?.into_session(limits))),
        ("gone" | "chosen", [seen, record, at, why]) => Ok(Row::Ended {
            session: unpack(seen, record)?.into_session(limits),
            end: End { reason: EndReason::from_text(why), at: millis(at)? },
            is_chosen: word == "chosen",
        }),
        ("user", [user, sessions, impersonated, last_seen_at]) => {
            let user = UserId::new(user).map_err(because)?;
            let (sessions, impersonated) = (number(sessions)?, number(impersonated)?);
            let last_seen_at = millis(last_seen_at)?;
            let online = Online { user: user.clone(), sessions, impersonated, last_seen_at };
            Ok(Row::User { user, online: (sessions > 0).then_some(online) })
        }
        _ => Err(unreadable()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::ErrorKind;

    const GOOD: &str = "1000\n\nalice\n0123456789abcdef\nroot\nweb\nagent\naddress\n3\naa=i7\nppay=9\nznew\n";

    fn rows(rows: &[&[&str]]) -> Value {
        let cell = |text: &&str| Value::BulkString(text.as_bytes().to_vec());
        Value::Array(rows.iter().map(|row| Value::Array(row.iter().map(cell).collect())).collect())
    }

    fn read(value: Value) -> Result<Reply, Error> {
        Rows::from_redis_value(value).map_err(because)?.read(&SessionLimits::default())
    }

    fn alone(seen: &str, record: &str) -> Value {
        let cell = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        Value::Array(vec![cell(seen), cell(record), cell("2000")])
    }

    #[test]
    fn a_session_is_read_and_a_broken_one_is_corrupt() {
        let reply = read(alone("2000", GOOD)).unwrap();
        let Check::Active(session) = reply.check().unwrap() else { panic!() };
        assert_eq!(reply.found_at().unwrap().as_secs(), 2);
        assert_eq!((session.user.as_str(), session.last_seen_at.as_secs()), ("alice", 2));
        assert_eq!((session.version, session.attributes.len(), session.proofs.iter().count()), (3, 1, 1));
        for (good, bad) in [
            ("1000\n", "1e3\n"),
            ("1000\n", "99999999999999999\n"),
            ("\n\n", "\nx1\n"),
            ("alice", ""),
            ("0123456789abcdef", "short"),
            ("\n3\n", "\n-1\n"),
            ("aa=i7", "aa"),
            ("pay=9", "pay=x"),
            (GOOD, ""),
        ] {
            let broken = read(alone("2000", &GOOD.replacen(good, bad, 1))).unwrap_err();
            assert_eq!(broken.kind(), ErrorKind::Corrupt, "{good} {bad}");
        }
        assert_eq!(read(alone("-1", GOOD)).unwrap_err().kind(), ErrorKind::Corrupt);
    }

    #[test]
    fn an_end_is_read_with_its_session() {
        let gone = ["gone", "2000", GOOD, "3000", "kicked:root"];
        let reply = read(rows(&[&["ended", "3000", "kicked:root"], &gone])).unwrap();
        let by = UserId::new("root").ok();
        let end = End { reason: EndReason::Kicked { by }, at: UnixMillis::new(3000).unwrap() };
        assert_eq!(reply.check().unwrap(), Check::Ended(end.clone()));
        let events = reply.events(|_| None);
        assert!(matches!(&events[..], [SessionEvent::Ended { end: other, .. }] if *other == end));
    }

    fn value() -> impl Strategy<Value = Value> {
        let cell = prop_oneof![
            "session|gone|chosen|user|active|ended|[0-9]{0,18}|\\PC{0,9}"
                .prop_map(|text| Value::BulkString(text.into_bytes())),
            proptest::collection::vec(any::<u8>(), 0..4).prop_map(Value::BulkString),
            Just(Value::Nil),
            any::<i64>().prop_map(Value::Int),
        ];
        cell.prop_recursive(2, 40, 15, |inner| proptest::collection::vec(inner, 0..16).prop_map(Value::Array))
    }

    proptest! {
        #[test]
        fn any_reply_is_read_without_panic(value in value()) {
            if let Err(error) = read(value).and_then(|reply| reply.check()) {
                prop_assert_eq!(error.kind(), ErrorKind::Corrupt);
            }
        }
    }
}
