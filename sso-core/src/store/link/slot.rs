//! Which hash slot of a cluster a script call belongs to (Redis Cluster specification, "Key distribution model").

use redis::{Arg, Cmd};

/// The slots of a cluster.
const SLOTS: u16 = 16_384;

/// What a call says about its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Keys {
    /// The slot of the first one.
    pub(super) slot: u16,
    /// Whether there is no other.
    pub(super) is_single: bool,
}

/// The keys of `EVALSHA digest count key ..` and `HMGET key ..`; none for any other command.
pub(super) fn keys(cmd: &Cmd) -> Option<Keys> {
    let mut words = cmd.args_iter();
    let mut word = || match words.next() {
        Some(Arg::Simple(word)) => Some(word),
        _ => None,
    };
    match word()? {
        b"EVALSHA" => {}
        b"HMGET" => return Some(Keys { slot: of_key(word()?), is_single: true }),
        _ => return None,
    }
    let (_digest, count, first) = (word()?, word()?, word()?);
    Some(Keys { slot: of_key(first), is_single: count == b"1" })
}

/// The slot of a key: that of its hash tag, if it has one.
pub(super) fn of_key(key: &[u8]) -> u16 {
    of_bytes(tag(key).unwrap_or(key))
}

/// What is between the first `{` and the next `}`, unless that is nothing.
fn tag(key: &[u8]) -> Option<&[u8]> {
    let open = key.iter().position(|byte| *byte == b'{')?;
    let inside = key.get(open + 1..)?;
    let close = inside.iter().position(|byte| *byte == b'}')?;
    inside.get(..close).filter(|tag| !tag.is_empty())
}

/// CRC16 in the variant XMODEM, modulo the number of slots.
fn of_bytes(bytes: &[u8]) -> u16 {
    let crc = bytes.iter().fold(0_u16, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    });
    crc % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_specification() {
        assert_eq!(of_key(b"123456789"), 12_739);
        assert_eq!(of_key(b"foo"), 12_182);
        assert_eq!(of_key(b"{foo}:s:1"), 12_182);
        assert_eq!(of_key(b"a{foo}{bar}"), 12_182);
        assert_eq!(of_key(b"{}foo"), of_bytes(b"{}foo"));
        assert_eq!(of_key(b"{foo"), of_bytes(b"{foo"));
    }

    #[test]
    fn a_script_call_names_its_keys_and_others_do_not() {
        let mut call = redis::cmd("EVALSHA");
        assert_eq!(keys(&call), None);
        call.arg("0123").arg(1).arg("foo").arg("bar");
        assert_eq!(keys(&call), Some(Keys { slot: 12_182, is_single: true }));
        let mut read = redis::cmd("HMGET");
        assert_eq!(keys(&read), None);
        assert_eq!(keys(read.arg("foo").arg("bar")), Some(Keys { slot: 12_182, is_single: true }));
        let mut load = redis::cmd("SCRIPT");
        assert_eq!(keys(load.arg("LOAD").arg("return 1").arg("foo")), None);
    }
}
