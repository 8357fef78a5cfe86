//! Which hash slot a key is in, and which shard a buyer belongs to. Both are fixed for good: they say where data is.

/// Slots of a Redis Cluster.
pub(crate) const SLOTS: u16 = 16_384;

/// The slot of a hash tag: CRC16 (XMODEM) modulo 16384, by the Redis Cluster specification.
pub(crate) fn of_tag(tag: &str) -> u16 {
    let crc = tag.bytes().fold(0u16, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    });
    crc % SLOTS
}

/// A hash of a buyer: FNV-1a of 64 bits. The shard is this modulo the number of shards.
pub(crate) fn of_buyer(buyer: &str) -> u64 {
    buyer
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_specification() {
        // The check value of CRC16/XMODEM, and what `CLUSTER KEYSLOT` answers.
        assert_eq!(of_tag("123456789"), 0x31c3 % SLOTS);
        assert_eq!(of_tag("somekey"), 11_058);
        assert_eq!(of_tag("foo"), 12_182);
    }

    #[test]
    fn buyers_stay_in_their_shards() {
        // The test vectors of FNV-1a 64 by Fowler, Noll and Vo.
        assert_eq!(of_buyer(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(of_buyer("a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(of_buyer("foobar"), 0x8594_4171_f739_67e8);
    }
}
