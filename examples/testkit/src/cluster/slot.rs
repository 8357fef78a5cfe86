//! Which slot a key has, and which server has a slot.

use super::RedisCluster;
use crate::Error;
use crate::redis::SERVER;

pub(super) const SLOTS: u16 = 16384;

impl RedisCluster {
    /// The slot of `key`: CRC-16 of what stands between its first braces, or else of all of it, modulo 16384
    /// (Redis cluster specification, "Hash tags").
    ///
    /// ```
    /// use testkit::RedisCluster;
    ///
    /// assert_eq!(RedisCluster::key_slot("123456789"), 12739);
    /// assert_eq!(RedisCluster::key_slot("{sale}:1"), RedisCluster::key_slot("sale"));
    /// ```
    pub fn key_slot(key: impl AsRef<[u8]>) -> u16 {
        crc16(hashed_part(key.as_ref())) % SLOTS
    }

    /// The index of the server that has `slot`, for [`RedisCluster::server`]. The first server that neither was
    /// killed nor is frozen is asked, so after a failover this may lag behind by the time that gossip takes.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when there is no such slot, `PeerMisbehaved` when nobody has it, `Misuse` when no server
    /// runs.
    pub fn slot_owner(&self, slot: u16) -> Result<usize, Error> {
        valid(slot)?;
        for server in &self.servers {
            if server.is_awake()? {
                let view = server.cli(&["CLUSTER", "NODES"])?;
                let owner = owner(&view, slot).and_then(|owner| self.ids.iter().position(|id| id == owner));
                return owner.ok_or_else(|| Error::unexpected(SERVER.name, &view));
            }
        }
        Err(Error::not_running(SERVER.name))
    }
}

pub(super) fn valid(slot: u16) -> Result<(), Error> {
    if slot < SLOTS { Ok(()) } else { Err(Error::invalid(format!("`{slot}` is no slot; they end at 16383"))) }
}

/// The id of the node that has `slot`, by the lines of `CLUSTER NODES`: eight fields, then slots.
fn owner(view: &str, slot: u16) -> Option<&str> {
    let has = |line: &&str| line.split(' ').skip(8).any(|slots| contains(slots, slot));
    view.lines().find(has)?.split(' ').next()
}

/// Whether `5` or `0-5460` contains `slot`. A slot that is on the move, `[5->-id]`, is in the other list too.
fn contains(slots: &str, slot: u16) -> bool {
    let (first, last) = slots.split_once('-').unwrap_or((slots, slots));
    match (first.parse::<u16>(), last.parse::<u16>()) {
        (Ok(first), Ok(last)) => (first..=last).contains(&slot),
        _ => false,
    }
}

fn hashed_part(key: &[u8]) -> &[u8] {
    let position = |bytes: &[u8], wanted| bytes.iter().position(|byte| *byte == wanted);
    let tag = position(key, b'{').and_then(|open| key.get(open + 1..)).and_then(|rest| {
        let close = position(rest, b'}')?;
        rest.get(..close)
    });
    tag.filter(|tag| !tag.is_empty()).unwrap_or(key)
}

/// CRC-16/XMODEM: polynomial 0x1021, nothing reflected, nothing added.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_specification() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        assert_eq!(crc16(b""), 0);
    }

    #[test]
    fn only_the_first_pair_of_braces_counts_and_not_when_it_is_empty() {
        let cases: [(&str, &str); 7] = [
            ("{user1000}.following", "user1000"),
            ("foo{}{bar}", "foo{}{bar}"),
            ("foo{{bar}}zap", "{bar"),
            ("foo{bar}{zap}", "bar"),
            ("foo{bar", "foo{bar"),
            ("}foo{bar}", "bar"),
            ("", ""),
        ];
        for (key, part) in cases {
            assert_eq!(hashed_part(key.as_bytes()), part.as_bytes(), "{key}");
        }
    }

    #[test]
    fn the_owner_is_the_line_with_the_slot_and_not_one_that_imports_it() {
        let view = "aa 127.0.0.1:1@2 master - 0 0 1 connected 0-5459 5461 [5460->-bb]\n\
                    bb 127.0.0.1:3@4 myself,master - 0 0 2 connected 5460 [7-<-aa]\n\
                    cc 127.0.0.1:5@6 slave aa 0 0 1 connected";
        assert_eq!(
            (owner(view, 7), owner(view, 5460), owner(view, 5461)),
            (Some("aa"), Some("bb"), Some("aa"))
        );
        assert_eq!(owner(view, 9000), None);
    }
}
