//! What is granted: a permission, or a pattern of permissions, and how a pattern matches.
//!
//! Matching happens when a policy is compiled, never when it is asked.

mod satoken;
mod shiro;
mod strict;

use std::fmt;

use smol_str::SmolStr;

use crate::error::Error;
use crate::name::{NameFault, PERMISSION_BYTES_MAX, PermissionName, accept, segments_fault};

/// How the `*` of a pattern is read. Each mode is that of a peer, so that its grants can be taken over as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WildcardMode {
    /// A `*` is one whole segment, the last one is one or more; nothing is implied by a shorter name.
    #[default]
    Strict,
    /// Apache Shiro's `WildcardPermission`: lists with `,`, letters of either case, shorter names imply longer ones.
    Shiro,
    /// Sa-Token's `vagueMatch`: a `*` is any characters, also none, also `:`.
    SaToken,
}

impl WildcardMode {
    /// `strict`, `shiro` or `satoken`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Shiro => "shiro",
            Self::SaToken => "satoken",
        }
    }

    /// The mode of this name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Strict, Self::Shiro, Self::SaToken].into_iter().find(|mode| mode.as_str() == text)
    }
}

/// A permission name, or with `*` many of them, such as `course:*` or `*`.
///
/// In the mode that [`new`](Self::new) reads, [`WildcardMode::Strict`], a `*` stands for one whole segment, and the
/// last `*` for one or more. So `course:*` matches `course:edit` and `course:page:edit` but not `course`, and
/// `course:*:*` does not match `course:edit`. Plain `*` matches everything: a role that is granted it is a
/// superuser. Matching is case-sensitive, and nothing is implied by a shorter name.
///
/// # Examples
///
/// ```
/// use rbac::{PermissionName, PermissionPattern, WildcardMode};
///
/// let pattern = PermissionPattern::new("course:*")?;
/// assert!(pattern.matches(&PermissionName::new("course:edit")?));
/// assert!(!pattern.matches(&PermissionName::new("course")?));
/// assert!(PermissionPattern::new("*:edit").is_err());
///
/// let shiro = PermissionPattern::with_mode("Course,Order:view", WildcardMode::Shiro)?;
/// assert!(shiro.matches(&PermissionName::new("order:view:7")?));
/// # Ok::<(), rbac::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PermissionPattern {
    text: SmolStr,
    mode: WildcardMode,
}

impl PermissionPattern {
    /// Parses a pattern of mode [`WildcardMode::Strict`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the text has another shape, or a `*`
    /// anywhere but as one of the last segments.
    pub fn new(text: &str) -> Result<Self, Error> {
        Self::with_mode(text, WildcardMode::Strict)
    }

    /// Parses a pattern of a mode.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the text has another shape.
    pub fn with_mode(text: &str, mode: WildcardMode) -> Result<Self, Error> {
        let (fault, rule) = match mode {
            WildcardMode::Strict => (
                segments_fault(text, strict::stranger).or_else(|| strict::star_fault(text)),
                "use a permission name whose last segments may be `*`",
            ),
            WildcardMode::Shiro => (
                length_fault(text).or_else(|| shiro::fault(text)),
                "use words and `*`, joined by `,` within and by `:` between the parts",
            ),
            WildcardMode::SaToken => (
                length_fault(text).or_else(|| satoken::fault(text)),
                "use the characters of a permission name and `*`",
            ),
        };
        accept("permission pattern", text, fault, rule).map(|text| Self { text, mode })
    }

    /// Plain `*`.
    #[cfg(feature = "_sql")]
    pub(crate) fn everything() -> Self {
        Self { text: SmolStr::new_static(STAR), mode: WildcardMode::Strict }
    }

    /// The text as it was parsed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How its `*` is read.
    #[must_use]
    pub const fn mode(&self) -> WildcardMode {
        self.mode
    }

    /// True if the grant covers this permission.
    #[must_use]
    pub fn matches(&self, asked: &PermissionName) -> bool {
        match self.mode {
            WildcardMode::Strict => strict::matches(&self.text, asked.as_str()),
            WildcardMode::Shiro => shiro::implies(&self.text, asked.as_str()),
            WildcardMode::SaToken => satoken::matches(&self.text, asked.as_str()),
        }
    }

    /// The one permission that it names and nothing else, if it is so.
    #[must_use]
    pub fn exact(&self) -> Option<PermissionName> {
        // A text without `*` has the shape of a name, so the error says "it is a pattern". Shiro has no such texts:
        // what names one permission implies longer ones too.
        if self.mode == WildcardMode::Shiro { None } else { PermissionName::new(&self.text).ok() }
    }

    /// True if every permission that the other matches, registered or not, is matched by this one: who holds only
    /// what is registered today does not cover a `*` (Kubernetes' rule). In doubt it is false.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        if self == other || self.text == STAR {
            return true;
        }
        match (other.exact(), self.mode, other.mode) {
            (Some(name), ..) => self.matches(&name),
            (None, WildcardMode::Strict, WildcardMode::Strict) => strict::covers(&self.text, &other.text),
            _ => false,
        }
    }

    /// True unless no permission can be matched by both. In doubt it is true.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        match (self.exact(), other.exact()) {
            (Some(name), _) => other.matches(&name),
            (None, Some(name)) => self.matches(&name),
            (None, None) => {
                let (one, two) = (self.start(), other.start());
                one.starts_with(two) || two.starts_with(one)
            }
        }
    }

    /// What every permission that it matches starts with, colons included; empty if that is not known.
    fn start(&self) -> &str {
        if self.mode == WildcardMode::Shiro { "" } else { self.text.split(STAR).next().unwrap_or_default() }
    }

    /// No pattern, but before every pattern: where a range of rows begins.
    pub(crate) fn least() -> Self {
        Self { text: SmolStr::default(), mode: WildcardMode::Strict }
    }

    /// What every permission that it matches starts with; empty if that is not known.
    pub(crate) fn literal_start(&self) -> &str {
        match self.mode {
            WildcardMode::Strict => self.text.trim_end_matches([':', '*']),
            WildcardMode::Shiro => "",
            WildcardMode::SaToken => self.text.split('*').next().unwrap_or_default(),
        }
    }
}

impl From<PermissionName> for PermissionPattern {
    fn from(name: PermissionName) -> Self {
        Self { text: SmolStr::from(name.as_str()), mode: WildcardMode::Strict }
    }
}

impl std::str::FromStr for PermissionPattern {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::new(text)
    }
}

/// The text, and the mode in parentheses where it is not the usual one.
impl fmt::Display for PermissionPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        match self.mode {
            WildcardMode::Strict => Ok(()),
            mode => write!(f, " ({})", mode.as_str()),
        }
    }
}

const STAR: &str = "*";

fn length_fault(text: &str) -> Option<NameFault> {
    match text.len() {
        0 => Some(NameFault::Empty),
        1..=PERMISSION_BYTES_MAX => None,
        _ => Some(NameFault::TooLong { bytes_max: PERMISSION_BYTES_MAX }),
    }
}
