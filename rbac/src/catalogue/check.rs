//! What is checked of a catalogue while the program that declares it is compiled.

use super::{CATALOGUE_PERMISSIONS_MAX, Entry, Module};
use crate::name::{PERMISSION_BYTES_MAX, PERMISSION_SEGMENTS_MAX};

/// What the names of a catalogue begin with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Prefix {
    /// With `rbac:`, which is kept for this crate.
    Own,
    /// With anything else.
    Free,
}

/// Ends the build at a name that is none, at one that stands twice, and at too many of them.
pub(super) const fn assert_names(modules: &[Module], prefix: Prefix) {
    let mut count = 0;
    let mut modules = modules;
    while let Some((module, more)) = modules.split_first() {
        let mut entries = module.entries;
        while let Some((entry, more)) = entries.split_first() {
            assert_name(entry.name.as_bytes());
            let own = starts_with(entry.name.as_bytes(), b"rbac:");
            match prefix {
                Prefix::Own => assert!(own, "the crate's own permissions begin with `rbac:`"),
                Prefix::Free => assert!(!own, "permissions that begin with `rbac:` belong to the crate rbac"),
            }
            count += 1;
            entries = more;
        }
        modules = more;
    }
    assert!(count <= CATALOGUE_PERMISSIONS_MAX, "a catalogue declares at most 4096 permissions");
}

/// The same shape as `PermissionName::new` demands.
const fn assert_name(name: &[u8]) {
    assert!(name.len() <= PERMISSION_BYTES_MAX, "a permission name has at most 128 bytes");
    let mut segments = 1;
    let mut in_segment = 0;
    let mut rest = name;
    while let Some((&byte, more)) = rest.split_first() {
        if byte == b':' {
            assert!(in_segment > 0, "a permission name has no empty segment");
            segments += 1;
            in_segment = 0;
        } else {
            let fits = byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/');
            assert!(fits, "a permission name holds letters, digits and `_` `-` `.` `/`, joined by `:`");
            in_segment += 1;
        }
        rest = more;
    }
    assert!(in_segment > 0, "a permission name is not empty and has no empty segment");
    assert!(segments <= PERMISSION_SEGMENTS_MAX, "a permission name has at most 8 segments");
}

/// The index of a declared name, and the name; none if it is not declared exactly once.
pub(super) const fn find(modules: &'static [Module], name: &str) -> Option<(u32, &'static str)> {
    let mut found = None;
    let mut index = 0;
    let mut modules = modules;
    while let Some((module, more)) = modules.split_first() {
        let mut entries: &'static [Entry] = module.entries;
        while let Some((entry, more)) = entries.split_first() {
            if entry.name.len() == name.len() && starts_with(entry.name.as_bytes(), name.as_bytes()) {
                if found.is_some() {
                    return None;
                }
                found = Some((index, entry.name));
            }
            index += 1;
            entries = more;
        }
        modules = more;
    }
    found
}

const fn starts_with(text: &[u8], start: &[u8]) -> bool {
    let (mut text, mut start) = (text, start);
    while let Some((wanted, more_wanted)) = start.split_first() {
        let Some((byte, more)) = text.split_first() else { return false };
        if *byte != *wanted {
            return false;
        }
        (text, start) = (more, more_wanted);
    }
    true
}

/// FNV-1a over all names in their order. The highest bit tells it from the number of a line of policies.
pub(super) const fn fingerprint(modules: &[Module]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325;
    let mut modules = modules;
    while let Some((module, more)) = modules.split_first() {
        let mut entries = module.entries;
        while let Some((entry, more)) = entries.split_first() {
            let mut bytes = entry.name.as_bytes();
            while let Some((&byte, more)) = bytes.split_first() {
                hash = mixed(hash, byte);
                bytes = more;
            }
            hash = mixed(hash, b'\n');
            entries = more;
        }
        modules = more;
    }
    hash | (1 << 63)
}

#[expect(clippy::as_conversions, reason = "`From` cannot be called in a constant")]
const fn mixed(hash: u64, byte: u8) -> u64 {
    (hash ^ byte as u64).wrapping_mul(0x0100_0000_01b3)
}
