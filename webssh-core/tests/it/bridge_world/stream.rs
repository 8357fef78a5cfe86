//! Two endless streams whose byte at any place is known: what is lost, repeated or moved does not compare.

use std::sync::LazyLock;

/// What a shell writes: numbered lines of characters of one to four bytes.
pub(crate) static OUTPUT: LazyLock<Stream> = LazyLock::new(|| {
    let text: String = (0..9000).map(|line| format!("{line} héllo € 😀 终端\r\n")).collect();
    Stream::new(text.as_bytes())
});

/// What a user types.
pub(crate) static INPUT: LazyLock<Stream> = LazyLock::new(|| {
    let byte = |i: u32| u8::try_from((i * 7 + i / 251 + i * i / 65_521) % 256).unwrap();
    let bytes: Vec<u8> = (0..65_521).map(byte).collect();
    Stream::new(&bytes)
});

pub(crate) struct Stream {
    period: u64,
    bytes: Vec<u8>,
}

impl Stream {
    fn new(period: &[u8]) -> Self {
        Self { period: len64(period.len()), bytes: period.repeat(2) }
    }

    /// The `len` bytes from place `seq` on.
    pub(crate) fn at(&self, seq: u64, len: usize) -> &[u8] {
        let from = usize::try_from(seq % self.period).unwrap();
        &self.bytes[from..from + len]
    }
}

pub(crate) fn len64(len: usize) -> u64 {
    u64::try_from(len).unwrap()
}
