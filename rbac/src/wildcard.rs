//! What is granted: a permission, or a pattern of permissions, and how a pattern matches.
//!
//! Matching happens when a policy is compiled, never when it is asked.

use std::sync::Arc;

use crate::error::Error;
use crate::name::{NameFault, PermissionName, accept, in_segment, segments_fault, text_newtype};

/// A permission name whose last segments may be `*`, such as `course:*` or `*`.
///
/// A `*` stands for one whole segment; the last `*` stands for one or more. So `course:*` matches
/// `course:edit` and `course:page:edit` but not `course`, and `course:*:*` does not match `course:edit`.
/// Plain `*` matches everything: a role that is granted it is a superuser. Matching is case-sensitive, and
/// nothing is implied by a shorter name.
///
/// # Examples
///
/// ```
/// use rbac::{PermissionName, PermissionPattern};
///
/// let pattern = PermissionPattern::new("course:*")?;
/// assert!(pattern.matches(&PermissionName::new("course:edit")?));
/// assert!(!pattern.matches(&PermissionName::new("course")?));
/// assert!(PermissionPattern::new("*:edit").is_err());
/// assert!(PermissionPattern::new("cour*").is_err());
/// # Ok::<(), rbac::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PermissionPattern(Arc<str>);

text_newtype!(PermissionPattern);

impl PermissionPattern {
    /// Parses a pattern.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the text has another shape, or a `*`
    /// anywhere but as one of the last segments.
    pub fn new(text: &str) -> Result<Self, Error> {
        const RULE: &str = "use a permission name whose last segments may be `*`";
        let fault = segments_fault(text, stranger).or_else(|| star_fault(text));
        accept("permission pattern", text, fault, RULE).map(Self)
    }

    /// True if the grant covers this permission.
    #[must_use]
    pub fn matches(&self, asked: &PermissionName) -> bool {
        let mut asked = asked.segments();
        let mut open = false;
        for granted in self.0.split(':') {
            let Some(segment) = asked.next() else { return false };
            open = granted == STAR;
            if !open && granted != segment {
                return false;
            }
        }
        open || asked.next().is_none()
    }

    /// The one permission that it names, if it holds no `*`.
    #[must_use]
    pub fn exact(&self) -> Option<PermissionName> {
        // A text without `*` has the shape of a name, so the error says "it is a pattern".
        PermissionName::new(&self.0).ok()
    }

    /// What every permission that it matches starts with; empty for `*`.
    pub(crate) fn literal_start(&self) -> &str {
        self.0.trim_end_matches([':', '*'])
    }

    /// The first segment: a word or `*`.
    pub(crate) fn first_segment(&self) -> &str {
        self.0.split(':').next().unwrap_or_default()
    }
}

impl From<PermissionName> for PermissionPattern {
    fn from(name: PermissionName) -> Self {
        Self(Arc::from(name.as_str()))
    }
}

const STAR: &str = "*";

fn stranger(segment: &str) -> Option<char> {
    if segment == STAR {
        return None;
    }
    segment.chars().find(|&c| !in_segment(c))
}

fn star_fault(text: &str) -> Option<NameFault> {
    let mut after_star = text.split(':').skip_while(|&segment| segment != STAR);
    after_star.any(|segment| segment != STAR).then_some(NameFault::LiteralAfterStar)
}
