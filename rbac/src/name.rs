//! Names: of users, of roles, of permissions, and the labels people see. Parsed once, valid ever after.
//!
//! Each is its own type, so a user who is called `admin` can never be taken for the role `admin`.

use std::fmt;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::error::{Error, Repr};

/// The longest user id, in bytes; what OpenID Connect Core 1.0 (section 2) allows for `sub`.
pub const USER_ID_BYTES_MAX: usize = 255;
/// The longest role name, in bytes.
pub const ROLE_NAME_BYTES_MAX: usize = 128;
/// The longest permission name or pattern, in bytes.
pub const PERMISSION_BYTES_MAX: usize = 128;
/// The most segments that a permission name or pattern has.
pub const PERMISSION_SEGMENTS_MAX: usize = 8;
/// The longest name of a domain, in bytes.
pub const DOMAIN_NAME_BYTES_MAX: usize = 128;
/// The longest name of a separation-of-duty set, in bytes.
pub const DUTY_NAME_BYTES_MAX: usize = 64;
/// The longest reason of a change, in bytes.
pub const REASON_BYTES_MAX: usize = 500;
/// The longest label, in bytes.
pub const LABEL_BYTES_MAX: usize = 200;

/// The most characters of a refused text that an error repeats.
const SHOWN_CHARS_MAX: usize = 64;

/// Who asks: 1 to 255 visible ASCII characters, case-sensitive, as in the `sub` claim of OpenID Connect.
///
/// # Examples
///
/// ```
/// use rbac::UserId;
///
/// let alice: UserId = "qq:7F3A".parse()?;
/// assert_eq!(alice.as_str(), "qq:7F3A");
/// assert!(UserId::new("two words").is_err());
/// # Ok::<(), rbac::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(SmolStr);

impl UserId {
    /// Parses a user id.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the text has another shape.
    pub fn new(text: &str) -> Result<Self, Error> {
        const RULE: &str = "use 1 to 255 visible ascii characters";
        let fault = plain_fault(text, USER_ID_BYTES_MAX, |c| c.is_ascii_graphic());
        accept("user id", text, fault, RULE).map(Self)
    }
}

/// A named bundle of grants (INCITS 359): 1 to 128 letters, digits and `_` `-` `.` `/` `:` `@`, case-sensitive.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleName(SmolStr);

impl RoleName {
    /// Parses a role name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the text has another shape.
    pub fn new(text: &str) -> Result<Self, Error> {
        const RULE: &str = "use 1 to 128 letters, digits and `_` `-` `.` `/` `:` `@`";
        let fault = plain_fault(text, ROLE_NAME_BYTES_MAX, in_name);
        accept("role name", text, fault, RULE).map(Self)
    }

    /// No name, but before every name: where a range of rows begins.
    pub(crate) fn least() -> Self {
        Self(SmolStr::default())
    }
}

/// A tenant, a site, a namespace: where an assignment holds. Letters as in a [`RoleName`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomainName(SmolStr);

impl DomainName {
    /// Parses a domain name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the text has another shape.
    pub fn new(text: &str) -> Result<Self, Error> {
        const RULE: &str = "use 1 to 128 letters, digits and `_` `-` `.` `/` `:` `@`";
        let fault = plain_fault(text, DOMAIN_NAME_BYTES_MAX, in_name);
        accept("domain name", text, fault, RULE).map(Self)
    }
}

/// The name of a set of roles between which duties are separated: 1 to 64 characters as in a [`RoleName`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DutyName(SmolStr);

impl DutyName {
    /// Parses the name of a set.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the text has another shape.
    pub fn new(text: &str) -> Result<Self, Error> {
        const RULE: &str = "use 1 to 64 letters, digits and `_` `-` `.` `/` `:` `@`";
        let fault = plain_fault(text, DUTY_NAME_BYTES_MAX, in_name);
        accept("separation-of-duty set", text, fault, RULE).map(Self)
    }
}

/// Why a change is made, for the audit trail: 0 to 500 bytes on one line.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reason(SmolStr);

impl Reason {
    /// Parses a reason.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) as for [`Label::new`].
    pub fn new(text: &str) -> Result<Self, Error> {
        const RULE: &str = "use one line of at most 500 bytes";
        let fault = match plain_fault(text, REASON_BYTES_MAX, in_label) {
            Some(NameFault::Empty) => None,
            fault => fault,
        };
        accept("reason", text, fault, RULE).map(Self)
    }
}

/// A department, by the number that the application's own tables have it under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DepartmentId(i64);

impl DepartmentId {
    /// The department of this number.
    #[must_use]
    pub const fn new(number: i64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for DepartmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is asked for, such as `course:edit`: 1 to 8 segments of letters, digits and `_` `-` `.` `/`,
/// joined by `:`, at most 128 bytes, case-sensitive.
///
/// A `*` is refused here. It belongs to what is granted, a [`PermissionPattern`](crate::PermissionPattern).
///
/// # Examples
///
/// ```
/// use rbac::PermissionName;
///
/// let edit = PermissionName::new("course:edit")?;
/// assert_eq!(edit.segments().collect::<Vec<_>>(), ["course", "edit"]);
/// assert!(PermissionName::new("course:*").is_err());
/// assert!(PermissionName::new("course edit").is_err());
/// # Ok::<(), rbac::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PermissionName(SmolStr);

impl PermissionName {
    /// Parses a permission name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the text has another shape.
    pub fn new(text: &str) -> Result<Self, Error> {
        const RULE: &str =
            "use 1 to 8 segments of letters, digits and `_` `-` `.` `/`, joined by `:`, at most 128 bytes";
        let fault = segments_fault(text, |segment| segment.chars().find(|&c| !in_segment(c)));
        accept("permission name", text, fault, RULE).map(Self)
    }

    /// The name of a permission that this crate declares itself; its shape is checked when the crate is built.
    pub(crate) fn declared(name: &'static str) -> Self {
        Self(SmolStr::from(name))
    }

    /// The parts between the colons, at least one.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split(':')
    }
}

/// What people see instead of a name, in any language: 0 to 200 bytes on one line.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(SmolStr);

impl Label {
    /// Parses a label.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the text is longer, or holds a control
    /// character, a line break or a mark that turns the direction of writing.
    pub fn new(text: &str) -> Result<Self, Error> {
        const RULE: &str = "use one line of at most 200 bytes";
        let fault = match plain_fault(text, LABEL_BYTES_MAX, in_label) {
            Some(NameFault::Empty) => None,
            fault => fault,
        };
        accept("label", text, fault, RULE).map(Self)
    }
}

/// Gives a text newtype the conversions that all of them have.
macro_rules! text_newtype {
    ($name:ident) => {
        impl $name {
            /// The text as it was parsed.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::Error;

            fn from_str(text: &str) -> Result<Self, crate::Error> {
                Self::new(text)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::new(&text).map_err(serde::de::Error::custom)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        // INVARIANT: equality, order and hash are those of the text, as `Borrow` demands.
        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

text_newtype!(UserId);
text_newtype!(RoleName);
text_newtype!(DomainName);
text_newtype!(DutyName);
text_newtype!(Reason);
text_newtype!(PermissionName);
text_newtype!(Label);

/// Why a text is no such name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NameFault {
    Empty,
    TooLong { bytes_max: usize },
    Character(char),
    EmptySegment,
    TooManySegments,
    LiteralAfterStar,
}

impl fmt::Display for NameFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("is empty"),
            Self::TooLong { bytes_max } => write!(f, "is longer than {bytes_max} bytes"),
            Self::Character(found) => write!(f, "holds `{}`", found.escape_debug()),
            Self::EmptySegment => f.write_str("has an empty segment"),
            Self::TooManySegments => write!(f, "has more than {PERMISSION_SEGMENTS_MAX} segments"),
            Self::LiteralAfterStar => f.write_str("has a segment of letters after a `*`"),
        }
    }
}

/// Turns a checked text into the inside of a newtype, or into the error that names its fault.
pub(crate) fn accept(
    what: &'static str,
    text: &str,
    fault: Option<NameFault>,
    rule: &'static str,
) -> Result<SmolStr, Error> {
    match fault {
        None => Ok(SmolStr::from(text)),
        Some(fault) => Err(Repr::Name { what, shown: shown(text), fault, rule }.into()),
    }
}

/// True if the copies of a name share one text; a shorter one lies in each copy.
#[cfg(feature = "_sql")]
pub(crate) const fn is_shared(text: &str) -> bool {
    text.len() > SmolStr::INLINE_CAP
}

/// The fault of a text made of segments; `stranger` finds the first character a segment must not hold.
pub(crate) fn segments_fault(text: &str, stranger: impl Fn(&str) -> Option<char>) -> Option<NameFault> {
    if let Some(fault) = length_fault(text, PERMISSION_BYTES_MAX) {
        return Some(fault);
    }
    if let Some(found) = text.split(':').find_map(stranger) {
        return Some(NameFault::Character(found));
    }
    if text.split(':').any(str::is_empty) {
        return Some(NameFault::EmptySegment);
    }
    (text.split(':').count() > PERMISSION_SEGMENTS_MAX).then_some(NameFault::TooManySegments)
}

/// The characters of the segments of permissions.
pub(crate) fn in_segment(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/')
}

/// The characters of the names of roles, domains and sets.
fn in_name(c: char) -> bool {
    in_segment(c) || matches!(c, ':' | '@')
}

/// A refused text, short and escaped, so that it can stand in a log.
pub(crate) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_CHARS_MAX).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN_CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown
}

fn plain_fault(text: &str, bytes_max: usize, allowed: impl Fn(char) -> bool) -> Option<NameFault> {
    length_fault(text, bytes_max).or_else(|| {
        // Nearly all texts are plain ASCII and good, which bytes tell faster than characters.
        let is_plain = text.bytes().all(|byte| byte.is_ascii() && allowed(char::from(byte)));
        let found = if is_plain { None } else { text.chars().find(|&c| !allowed(c)) };
        found.map(NameFault::Character)
    })
}

fn length_fault(text: &str, bytes_max: usize) -> Option<NameFault> {
    if text.is_empty() {
        return Some(NameFault::Empty);
    }
    (text.len() > bytes_max).then_some(NameFault::TooLong { bytes_max })
}

/// The characters of a label: what may stand on one line of a log.
pub(crate) fn in_label(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
