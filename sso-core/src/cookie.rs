//! The session cookie as text: reading a `Cookie` header, writing a `Set-Cookie` header (RFC 6265).

use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::secret::SessionSecret;

/// The name and the attributes of the session cookie.
///
/// ```
/// use std::time::Duration;
/// use sso_core::{CookieConfig, CookieRead, SessionSecret, UserId};
///
/// # fn main() -> Result<(), sso_core::Error> {
/// let cookie = CookieConfig::host("sid")?;
/// let secret = SessionSecret::new(&UserId::new("alice")?, [7; 32]);
/// let set = cookie.set(&secret, Duration::from_secs(3600));
/// assert!(set.starts_with("__Host-sid="));
/// assert!(set.ends_with("; Path=/; Max-Age=3600; Secure; HttpOnly; SameSite=Lax"));
///
/// let header = format!("theme=dark; __Host-sid={}", *secret.expose());
/// assert_eq!(cookie.read(&header), CookieRead::Secret(secret.clone()));
/// assert_eq!(cookie.read("theme=dark"), CookieRead::Absent);
///
/// // Until the browser is closed.
/// assert!(cookie.set(&secret, None).ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieConfig {
    name: String,
    attributes: &'static str,
}

/// What a `Cookie` header says of the session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum CookieRead {
    /// There is no session cookie: an anonymous visitor.
    Absent,
    /// There is one that this crate did not write, or several: clear it, and treat the visitor as anonymous.
    Malformed,
    /// There is one secret. Whether it opens a session, only the store knows.
    Secret(SessionSecret),
}

impl CookieConfig {
    /// The longest name, in bytes, without its `__Host-`.
    pub const NAME_BYTES_MAX: usize = 64;
    /// The longest `Cookie` header that is read, in bytes.
    pub const HEADER_BYTES_MAX: usize = 16 * 1024;

    /// The cookie `__Host-<name>`: sent over https only, to this host only, and never shown to scripts
    /// (RFC 6265bis, section 4.1.3.2). `SameSite=Lax`.
    ///
    /// # Errors
    /// `InvalidInput` unless the name is 1 to 64 characters of a token (RFC 9110, section 5.6.2).
    pub fn host(name: &str) -> Result<Self, Error> {
        let name = format!("__Host-{}", plain_name(name)?);
        Ok(Self { name, attributes: "; Secure; HttpOnly; SameSite=Lax" })
    }

    /// A cookie for plain http on the loopback of a developer's machine. Anybody on the way can read it.
    ///
    /// # Errors
    /// As [`CookieConfig::host`].
    pub fn danger_insecure(name: &str) -> Result<Self, Error> {
        Ok(Self { name: plain_name(name)?.to_owned(), attributes: "; HttpOnly; SameSite=Lax" })
    }

    /// The whole name of the cookie.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Reads the value of a `Cookie` header. Several headers are joined with `; ` first (RFC 9113, section 8.2.3).
    ///
    /// Other cookies may be of any shape. Two of this name are `Malformed`: nobody can tell which one is true.
    pub fn read(&self, header: &str) -> CookieRead {
        if header.len() > Self::HEADER_BYTES_MAX {
            return CookieRead::Malformed;
        }
        let mut ours = header.split(';').filter_map(|pair| self.value_of(pair));
        match (ours.next(), ours.next()) {
            (None, _) => CookieRead::Absent,
            (Some(text), None) => {
                SessionSecret::parse(text).map_or(CookieRead::Malformed, CookieRead::Secret)
            }
            (Some(_), Some(_)) => CookieRead::Malformed,
        }
    }

    fn value_of<'a>(&self, pair: &'a str) -> Option<&'a str> {
        let blank = [' ', '\t'];
        let (name, value) = pair.trim_matches(blank).split_once('=')?;
        (name.trim_end_matches(blank) == self.name).then(|| value.trim_start_matches(blank))
    }

    /// The value of a `Set-Cookie` header that hands out a secret. It is as secret.
    ///
    /// The browser keeps it for so many whole seconds, or with `None` until it is closed:
    /// [`Session::cookie_max_age`](crate::Session::cookie_max_age) says which, for users who may ask to be remembered.
    #[must_use]
    pub fn set(&self, secret: &SessionSecret, max_age: impl Into<Option<Duration>>) -> String {
        self.write(&secret.expose(), max_age.into().map(|max_age| max_age.as_secs()))
    }

    /// The value of a `Set-Cookie` header that takes the cookie away.
    #[must_use]
    pub fn clear(&self) -> String {
        self.write("", Some(0))
    }

    fn write(&self, value: &str, max_age_secs: Option<u64>) -> String {
        let max_age = max_age_secs.map(|secs| format!("; Max-Age={secs}")).unwrap_or_default();
        format!("{}={value}; Path=/{max_age}{}", self.name, self.attributes)
    }
}

/// A name that browsers give no meaning of its own.
fn plain_name(name: &str) -> Result<&str, Error> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let fits = (1..=CookieConfig::NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(token);
    if !fits || name.starts_with("__") {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            format!("`{}` is no cookie name: give 1 to 64 letters or digits", name.escape_debug()),
        ));
    }
    Ok(name)
}
