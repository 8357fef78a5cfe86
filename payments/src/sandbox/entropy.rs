//! Random bytes of the sandbox: drawn from what the caller gave, by SHA-256. No generator is asked here.

use aws_lc_rs::digest::{SHA256, digest};
use std::fmt;

/// A state that every request stirs. Two draws never share bytes.
pub(super) struct Entropy {
    state: [u8; 32],
    drawn: u64,
}

impl Entropy {
    pub(super) fn new() -> Self {
        Self { state: [0; 32], drawn: 0 }
    }

    /// Mixes the caller's fresh bytes in.
    pub(super) fn stir(&mut self, random: &[u8; 32]) {
        self.state = self.hash(b"stir", random);
    }

    /// Fresh bytes.
    pub(super) fn draw(&mut self) -> [u8; 32] {
        self.drawn = self.drawn.wrapping_add(1);
        self.hash(b"draw", &self.drawn.to_be_bytes())
    }

    /// Fresh lower-case hexadecimal digits, at most 64.
    pub(super) fn hex(&mut self, digits: usize) -> String {
        let text: String = self.draw().iter().map(|byte| format!("{byte:02x}")).collect();
        text.chars().take(digits).collect()
    }

    /// Fresh decimal digits, at most 32.
    pub(super) fn digits(&mut self, count: usize) -> String {
        self.draw().iter().take(count).map(|byte| char::from(b'0' + byte % 10)).collect()
    }

    fn hash(&self, purpose: &[u8], input: &[u8]) -> [u8; 32] {
        let hashed = digest(&SHA256, &[purpose, self.state.as_slice(), input].concat());
        let mut bytes = [0; 32];
        for (slot, byte) in bytes.iter_mut().zip(hashed.as_ref()) {
            *slot = *byte;
        }
        bytes
    }
}

/// Tokens come from here, so it is not shown.
impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy(redacted)")
    }
}
