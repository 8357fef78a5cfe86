//! Reading what the scripts of this folder reply, perhaps from keys that somebody else wrote.

use crate::claims::TokenId;
use crate::error::{Error, ErrorKind};
use crate::refresh::names::ClientId;
use crate::session::SessionId;
use crate::sites::{PendingNotice, Redeemed};
use crate::user_id::UserId;

/// What `take.lua` replies: when the session is due next, and whom to tell.
pub(crate) fn taken<'a>(
    session: &SessionId,
    reply: &'a [String],
) -> Result<(&'a str, Vec<PendingNotice>), Error> {
    let (next, user, sites) = match reply {
        [next] => return Ok((next, Vec::new())),
        [next, user, sites @ ..] => (next, UserId::new(user.clone()).map_err(because)?, sites),
        [] => return Err(unreadable()),
    };
    let (pairs, rest) = sites.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(unreadable());
    }
    let notice = |[client, attempt]: &[String; 2]| {
        Ok(PendingNotice {
            session: session.clone(),
            user: user.clone(),
            client: ClientId::new(client.clone()).map_err(because)?,
            attempt: attempt.parse().map_err(because)?,
        })
    };
    let mut notices: Vec<_> = pairs.iter().map(notice).collect::<Result<_, Error>>()?;
    notices.sort_by(|one, other| one.client.cmp(&other.client));
    Ok((next, notices))
}

/// What `redeem.lua` replies.
pub(crate) fn redeemed(reply: &[String]) -> Result<Redeemed, Error> {
    let words: Vec<&str> = reply.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["granted", user, body] => {
            Ok(Redeemed::Granted { user: UserId::new(*user).map_err(because)?, body: (*body).to_owned() })
        }
        ["reused", user, gave] => {
            let gave = Some(*gave).filter(|gave| !gave.is_empty()).map(TokenId::from_kept);
            Ok(Redeemed::Reused { user: UserId::new(*user).map_err(because)?, gave })
        }
        ["client"] => Ok(Redeemed::OtherClient),
        ["binding"] => Ok(Redeemed::OtherBinding),
        ["ended"] => Ok(Redeemed::SessionEnded),
        ["unknown"] => Ok(Redeemed::Unknown),
        _ => Err(unreadable()),
    }
}

fn because(source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::with_source(ErrorKind::Corrupt, "redis holds a grant or a notice that cannot be read", source)
}

/// A reply of no known shape.
pub(crate) fn unreadable() -> Error {
    Error::new(ErrorKind::Corrupt, "redis holds a grant or a notice that cannot be read")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sites::grant::session_id;

    proptest! {
        #[test]
        fn any_reply_is_read_without_panic(
            word in "granted|reused|client|[a-z]{0,6}",
            fields in proptest::collection::vec("[0-9]{0,18}|\\PC{0,9}", 0..6),
        ) {
            let reply: Vec<String> = std::iter::once(word).chain(fields).collect();
            let corrupt = |error: &Error| error.kind() == ErrorKind::Corrupt;
            prop_assert!(redeemed(&reply).as_ref().map_or_else(corrupt, |_| true));
            let session = session_id("0123456789abcdef").unwrap();
            prop_assert!(taken(&session, &reply).as_ref().map_or_else(corrupt, |_| true));
        }
    }
}
