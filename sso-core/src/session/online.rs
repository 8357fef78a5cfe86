//! Who is signed in, page by page, in an order that stays the same from page to page.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::session::Session;
use crate::time::UnixMillis;
use crate::user_id::UserId;

/// A user who is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Online {
    /// Who.
    pub user: UserId,
    /// How many live sessions there are in this user's name.
    pub sessions: usize,
    /// How many of them somebody else has, as an impersonator.
    pub impersonated: usize,
    /// When the last one of them was used, at most `touch_every` too early.
    pub last_seen_at: UnixMillis,
}

/// Some of the users who are signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OnlinePage {
    /// The users, in the order of [`Cursor`]. They may be fewer than asked for, even none.
    pub users: Vec<Online>,
    /// Where the next page begins; `None` if this was the last one.
    pub next: Option<Cursor>,
}

impl OnlinePage {
    /// A page from its parts, for stores.
    #[must_use]
    pub fn new(users: Vec<Online>, next: Option<Cursor>) -> Self {
        Self { users, next }
    }
}

/// The place behind a user in the list of those who are signed in.
///
/// The list is in the order of the users' tags (as bytes), then of their ids (as bytes), so that nobody moves while
/// pages are turned: who is signed in all the time is on exactly one page.
///
/// Its text is base64url, and names the user: it is for administrators.
///
/// ```
/// use sso_core::{Cursor, UserId};
///
/// # fn main() -> Result<(), sso_core::Error> {
/// let cursor = Cursor::after(UserId::new("alice")?);
/// assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
/// assert_eq!(Cursor::parse("no cursor"), None);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cursor(UserId);

impl Cursor {
    /// The longest text, in bytes.
    pub const TEXT_BYTES_MAX: usize = (UserId::BYTES_MAX * 4).div_ceil(3);

    /// The place behind a user, whether or not they are signed in.
    #[must_use]
    pub fn after(user: UserId) -> Self {
        Self(user)
    }

    /// Reads the text of a cursor; `None` if it is not exactly such a text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > Self::TEXT_BYTES_MAX {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        UserId::new(String::from_utf8(bytes).ok()?).ok().map(Self)
    }

    /// The user whom it is behind.
    #[must_use]
    pub fn user(&self) -> &UserId {
        &self.0
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0.as_str()))
    }
}

/// How many users to look at for one page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageSize(u8);

impl PageSize {
    /// The largest page.
    pub const MAX: Self = Self(200);

    /// A page of so many users: at least one, at most [`PageSize::MAX`].
    #[must_use]
    pub fn saturating_new(users: usize) -> Self {
        u8::try_from(users).map_or(Self::MAX, |users| Self(users.clamp(1, Self::MAX.0)))
    }

    /// How many.
    #[must_use]
    pub fn users(self) -> usize {
        self.0.into()
    }
}

impl Online {
    /// The entry of a user with these live sessions; `None` if there are none.
    #[must_use]
    pub fn of(user: &UserId, live: &[Session]) -> Option<Self> {
        Some(Self {
            user: user.clone(),
            sessions: live.len(),
            impersonated: live.iter().filter(|session| session.actor.is_some()).count(),
            last_seen_at: live.iter().map(|session| session.last_seen_at).max()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_is_read_as_it_was_written(user in "(\\PC|\n){1,170}") {
            let cursor = Cursor::after(UserId::new(user).unwrap());
            let text = cursor.to_string();
            prop_assert!(text.len() <= Cursor::TEXT_BYTES_MAX);
            prop_assert_eq!(Cursor::parse(&text), Some(cursor));
        }

        /// There is one text for one cursor.
        #[test]
        fn any_text_is_read_without_panic(text in "[A-Za-z0-9_-]{0,20}|\\PC{0,20}|[A-Za-z]{680,690}") {
            if let Some(cursor) = Cursor::parse(&text) {
                prop_assert_eq!(cursor.to_string(), text);
            }
        }
    }

    #[test]
    fn the_longest_user_has_a_cursor() {
        let cursor = Cursor::after(UserId::new("x".repeat(UserId::BYTES_MAX)).unwrap());
        assert_eq!(cursor.to_string().len(), Cursor::TEXT_BYTES_MAX);
        assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
    }

    #[test]
    fn a_page_has_a_size() {
        for (asked, given) in [(0, 1), (1, 1), (200, 200), (201, 200), (256, 200), (usize::MAX, 200)] {
            assert_eq!(PageSize::saturating_new(asked).users(), given);
        }
    }
}
