//! Reading what the scripts of refresh tokens reply, written as text, perhaps by somebody else.

use crate::error::{Error, ErrorKind};
use crate::refresh::Family;
use crate::refresh::limits::RefreshLimits;
use crate::refresh::names::{ClientId, FamilyId, Scope};
use crate::session::SessionId;
use crate::time::UnixMillis;
use crate::user_id::UserId;

/// A reply as something to match on.
pub(super) fn strs(reply: &[String]) -> Vec<&str> {
    reply.iter().map(String::as_str).collect()
}

/// The facts of a family, in the order in which `rule.lua` tells them.
pub(super) fn family(id: FamilyId, facts: &[&str], limits: &RefreshLimits) -> Result<Family, Error> {
    let [user, client, session, scope, created_at, rotated_at, rotations] = *facts else {
        return Err(unreadable());
    };
    let (created_at, rotated_at) = (millis(created_at)?, millis(rotated_at)?);
    let scope = Some(scope).filter(|scope| !scope.is_empty());
    Ok(Family {
        id,
        user: UserId::new(user).map_err(because)?,
        client: ClientId::new(client).map_err(because)?,
        session: if session.is_empty() {
            None
        } else {
            Some(SessionId::parse(session).ok_or_else(unreadable)?)
        },
        scope: scope.map(Scope::new).transpose().map_err(because)?,
        created_at,
        rotated_at,
        expires_at: expires_at(created_at, rotated_at, limits),
        rotations: rotations.parse().map_err(because)?,
    })
}

fn expires_at(created_at: UnixMillis, rotated_at: UnixMillis, limits: &RefreshLimits) -> UnixMillis {
    rotated_at.saturating_add(limits.idle()).min(created_at.saturating_add(limits.absolute()))
}

/// A time in milliseconds.
pub(super) fn millis(text: &str) -> Result<UnixMillis, Error> {
    UnixMillis::new(text.parse().map_err(because)?).map_err(because)
}

fn because(source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::with_source(ErrorKind::Corrupt, WORDS, source)
}

/// A reply of no known shape.
pub(super) fn unreadable() -> Error {
    Error::new(ErrorKind::Corrupt, WORDS)
}

const WORDS: &str = "redis holds a family of refresh tokens that cannot be read";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_family_is_read_and_a_broken_one_is_corrupt() {
        let id = FamilyId::of_handle(&[1; 16]);
        let read = |facts: &[&str]| family(id, facts, &RefreshLimits::default());
        let good = read(&["alice", "app", "", "read write", "1000", "2000", "3"]).unwrap();
        assert_eq!((good.rotations, good.session, good.rotated_at.as_secs()), (3, None, 2));
        for bad in [
            &["alice", "app", "", "", "1000", "2000"][..],
            &["", "app", "", "", "1000", "2000", "3"],
            &["alice", "", "", "", "1000", "2000", "3"],
            &["alice", "app", "", "a  b", "1000", "2000", "3"],
            &["alice", "app", "../../etc", "", "1000", "2000", "3"],
            &["alice", "app", "", "", "1e3", "2000", "3"],
            &["alice", "app", "", "", "1000", "2000", "-3"],
        ] {
            assert_eq!(read(bad).unwrap_err().kind(), ErrorKind::Corrupt, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn any_facts_are_read_without_panic(facts in proptest::collection::vec("[0-9]{0,18}|\\PC{0,9}", 0..9)) {
            let read = family(FamilyId::of_handle(&[1; 16]), &strs(&facts), &RefreshLimits::default());
            prop_assert!(read.is_ok() || read.is_err_and(|error| error.kind() == ErrorKind::Corrupt));
        }
    }
}
