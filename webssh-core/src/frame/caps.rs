//! What a client can do beyond the version it speaks.

/// Optional parts of the protocol, one bit each. Unknown bits are ignored.
///
/// A frame that belongs to a capability goes only to a client that has it.
///
/// ```
/// use webssh_core::frame::Caps;
///
/// let caps = Caps::RESUME.with(Caps::DIALOGUE);
/// assert!(caps.has(Caps::RESUME) && !caps.has(Caps::WATCH));
/// assert_eq!(caps.common(Caps::from_bits(0xff00_0001)), Caps::RESUME);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Caps(u32);

impl Caps {
    /// No capability.
    pub const NONE: Self = Self(0);

    /// The client can come back to its session after a cut.
    pub const RESUME: Self = Self(1);

    /// The client knows `Resized` and `Watchers`.
    pub const WATCH: Self = Self(1 << 1);

    /// The client knows `Prompt` and `HostKey`.
    pub const DIALOGUE: Self = Self(1 << 2);

    /// All that this crate knows.
    pub const ALL: Self = Self::RESUME.with(Self::WATCH).with(Self::DIALOGUE);

    /// Takes the bits as they came over the wire.
    #[must_use]
    pub fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// The bits for the wire.
    #[must_use]
    pub fn bits(self) -> u32 {
        self.0
    }

    /// What either of both has.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What both sides have.
    #[must_use]
    pub fn common(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether all of `other` are among these.
    #[must_use]
    pub fn has(self, other: Self) -> bool {
        self.common(other) == other
    }
}
