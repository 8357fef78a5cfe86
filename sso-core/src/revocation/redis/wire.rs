//! Revocations as the words of a log: a subject, `t` or `u` and the fingerprint, and an entry, `<epoch> <until>`.

use crate::revocation::rule::{Epoch, Revocation, Subject, TokenTag};
use crate::time::UnixMillis;
use crate::user_id::UserTag;

/// The subject of a revocation.
pub(super) fn subject(revocation: &Revocation) -> String {
    match revocation.subject {
        Subject::Token(tag) => format!("t{tag}"),
        Subject::User(tag) => format!("u{tag}"),
    }
}

/// Reads a subject and its entry; `None` if they are not such.
pub(super) fn read(subject: &str, entry: &str) -> Option<Revocation> {
    let (kind, tag) = subject.split_at_checked(1)?;
    let subject = match kind {
        "t" => Subject::Token(TokenTag::parse(tag)?),
        "u" => Subject::User(UserTag::parse(tag)?),
        _ => return None,
    };
    let (epoch, until) = entry.split_once(' ')?;
    let until = UnixMillis::new(until.parse().ok()?).ok()?;
    Some(Revocation { subject, epoch: Epoch(epoch.parse().ok()?), until })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::user_id::UserId;

    proptest! {
        #[test]
        fn an_entry_is_read_as_it_was_written(random in "[A-Za-z0-9_-]{21}A", epoch: u32, until in 0..1_u64 << 52) {
            let of_user = Subject::User(UserId::new(random.clone()).unwrap().tag());
            for of in [Subject::Token(TokenTag::parse(&random).unwrap()), of_user] {
                let until = UnixMillis::new(until).unwrap();
                let one = Revocation { subject: of, epoch: Epoch(epoch.into()), until };
                let entry = format!("{epoch} {}", until.as_millis());
                prop_assert_eq!(read(&subject(&one), &entry), Some(one));
            }
        }

        #[test]
        fn any_entry_is_read_without_panic(text in "[tu]?\\PC{0,40}|[tu][0-9a-f]{32}", entry in "[0-9 ]{0,30}|\\PC{0,9}") {
            if let Some(one) = read(&text, &entry) {
                prop_assert_eq!(subject(&one), text);
            }
        }
    }
}
