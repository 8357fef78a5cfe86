//! Reading what scripts reply: sessions and times that were written as text, perhaps by somebody else.

use crate::error::{Error, ErrorKind};
use crate::session::limits::SessionLimits;
use crate::session::login::DeviceKind;
use crate::session::rule::Record;
use crate::session::{Session, SessionId};
use crate::time::UnixMillis;
use crate::user_id::UserId;

/// A reply as something to match on.
pub(crate) fn strs(reply: &[String]) -> Vec<&str> {
    reply.iter().map(String::as_str).collect()
}

/// The fields of a live session, in the order in which `rule.lua` names them.
pub(crate) fn session(id: SessionId, fields: &[&str], limits: &SessionLimits) -> Result<Session, Error> {
    let [user, created_at, last_seen_at, device, agent, address] = *fields else {
        return Err(unreadable());
    };
    let record = Record {
        user: UserId::new(user).map_err(because)?,
        created_at: millis(created_at)?,
        last_seen_at: millis(last_seen_at)?,
        device: DeviceKind::from_code(device),
        agent: agent.to_owned(),
        address: address.to_owned(),
    };
    Ok(record.session(id, limits))
}

/// A time in milliseconds.
pub(crate) fn millis(text: &str) -> Result<UnixMillis, Error> {
    let millis = text.parse().map_err(because)?;
    UnixMillis::new(millis).map_err(because)
}

fn because(source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::with_source(ErrorKind::Corrupt, "redis holds a session that cannot be read", source)
}

/// A reply of no known shape.
pub(crate) fn unreadable() -> Error {
    Error::new(ErrorKind::Corrupt, "redis holds a session that cannot be read")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_session_is_read_and_a_broken_one_is_corrupt() {
        let id = || SessionId::from_digest_text("0123456789abcdef");
        let read = |fields: &[&str]| session(id(), fields, &SessionLimits::default());
        let good = read(&["alice", "1000", "2000", "web", "agent", "address"]).unwrap();
        assert_eq!((good.user.as_str(), good.last_seen_at.as_secs()), ("alice", 2));
        for bad in [
            &["alice", "1000", "2000", "web", "agent"][..],
            &["", "1000", "2000", "web", "agent", "address"],
            &["alice", "1e3", "2000", "web", "agent", "address"],
            &["alice", "1000", "-1", "web", "agent", "address"],
            &["alice", "1000", "99999999999999999", "web", "agent", "address"],
        ] {
            assert_eq!(read(bad).unwrap_err().kind(), ErrorKind::Corrupt, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn any_fields_are_read_without_panic(fields in proptest::collection::vec("[0-9]{0,18}|\\PC{0,9}", 0..8)) {
            let id = SessionId::from_digest_text("0123456789abcdef");
            let read = session(id, &strs(&fields), &SessionLimits::default());
            prop_assert!(read.is_ok() || read.is_err_and(|error| error.kind() == ErrorKind::Corrupt));
        }
    }
}
