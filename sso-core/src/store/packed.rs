//! A session's record as one text of lines, as the scripts keep it: `redis/rule.lua` says which lines there are.
//!
//! Lines that a newer version has added are passed over.

use crate::error::{Error, ErrorKind};
use crate::session::SessionId;
use crate::session::attributes::Attributes;
use crate::session::login::{DeviceKind, Lifespan, NewSession};
use crate::session::proof::Proofs;
use crate::session::rule::Record;
use crate::time::UnixMillis;
use crate::user_id::UserId;

/// The record of a new session, from behind the time of its creation.
pub(crate) fn pack(new: &NewSession) -> String {
    let (login, key) = (new.login(), new.key());
    let (user, actor) = (escape(new.user().as_str()), escape(new.actor().map_or("", UserId::as_str)));
    let (agent, address) = (escape(&login.agent), escape(&login.address));
    let (lifespan, id, device) = (new.lifespan().encode(), key.id(), login.device.code());
    format!("\n{lifespan}\n{user}\n{id}\n{actor}\n{device}\n{agent}\n{address}\n0\n")
}

/// Reads a record, and when it was last seen.
pub(crate) fn unpack(seen: &str, record: &str) -> Result<Record, Error> {
    let mut lines = record.split_terminator('\n');
    let mut line = || lines.next().ok_or_else(unreadable);
    let (created, lifespan, user, id, actor) = (line()?, line()?, line()?, line()?, line()?);
    let (device, agent, address, version) = (line()?, line()?, line()?, line()?);
    let actor = (!actor.is_empty()).then(|| UserId::new(unescape(actor))).transpose();
    let (mut attributes, mut proofs) = (String::new(), String::new());
    for line in lines {
        let (text, line) = match line.split_at_checked(1) {
            Some(("a", line)) => (&mut attributes, line),
            Some(("p", line)) => (&mut proofs, line),
            _ => continue,
        };
        text.push_str(line);
        text.push('\n');
    }
    Ok(Record {
        id: SessionId::parse(id).ok_or_else(unreadable)?,
        user: UserId::new(unescape(user)).map_err(because)?,
        actor: actor.map_err(because)?,
        created_at: millis(created)?,
        last_seen_at: millis(seen)?,
        lifespan: Lifespan::decode(lifespan)?,
        device: DeviceKind::from_code(device),
        agent: unescape(agent),
        address: unescape(address),
        attributes: Attributes::decode(&attributes)?,
        version: number(version)?,
        proofs: Proofs::decode(&proofs)?,
    })
}

/// A time in milliseconds.
pub(crate) fn millis(text: &str) -> Result<UnixMillis, Error> {
    UnixMillis::new(number(text)?).map_err(because)
}

pub(crate) fn number<T: std::str::FromStr>(text: &str) -> Result<T, Error>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    text.parse().map_err(because)
}

pub(crate) fn because(source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::with_source(ErrorKind::Corrupt, UNREADABLE, source)
}

/// Something of no known shape.
pub(crate) fn unreadable() -> Error {
    Error::new(ErrorKind::Corrupt, UNREADABLE)
}

const UNREADABLE: &str = "redis holds a session that cannot be read";

fn escape(text: &str) -> String {
    text.replace('%', "%25").replace('\n', "%0A")
}

fn unescape(line: &str) -> String {
    if line.contains('%') { line.replace("%0A", "\n").replace("%25", "%") } else { line.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::session::login::Login;

    fn text(max: usize) -> impl Strategy<Value = String> {
        proptest::collection::vec("\\PC|\n|%|%0A|%25", 1..max).prop_map(|parts| parts.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_record_is_read_as_it_was_written(
            user in text(20), actor in proptest::option::of(text(20)), agent in text(20), address in text(9)
        ) {
            let (user, login) = (UserId::new(user).unwrap(), Login::new(DeviceKind::Mobile, agent, address));
            let (new, _) = match actor {
                Some(actor) => {
                    let life = Duration::from_secs(60);
                    NewSession::impersonate(UserId::new(actor).unwrap(), user, login, life, [7; 32])
                }
                None => NewSession::open(user, login, [7; 32]),
            };
            let record = unpack("2000", &format!("2000{}", pack(&new))).unwrap();
            prop_assert_eq!(record, Record::new(&new, UnixMillis::new(2000).unwrap()));
        }

        #[test]
        fn any_text_is_read_without_panic(
            seen in "[0-9]{0,18}|\\PC{0,9}",
            lines in proptest::collection::vec("[0-9]{0,18}|[a-zA-Z0-9]{16}|[apz][a-c]=(b1|[0-9]{1,4})|\\PC{0,9}", 0..14),
        ) {
            if let Err(error) = unpack(&seen, &lines.join("\n")) {
                prop_assert_eq!(error.kind(), ErrorKind::Corrupt);
            }
        }
    }
}
