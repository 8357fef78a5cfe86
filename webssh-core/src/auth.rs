//! What a user shows to an SSH server: wiped from memory on drop, and never printed.

#[cfg(feature = "pump")]
mod machine;

use std::fmt;
use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::error::{Error, Inner};

/// The longest password or passphrase, in bytes.
const SECRET_BYTES_MAX: usize = 4096;

/// The longest private key file, in bytes.
const KEY_BYTES_MAX: usize = 64 * 1024;

/// Text that redacts itself.
///
/// ```
/// let secret = webssh_core::Secret::new("hunter2".to_owned());
/// assert_eq!(format!("{secret:?}"), "Secret(…)");
/// ```
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

/// How to log in: one or more ways, tried in this order until the server is satisfied. A server may want
/// several of them, one after the other (RFC 4252, section 5.1). The user is that of the
/// [`Target`](crate::Target).
///
/// ```
/// use webssh_core::{Credentials, Login, Secret};
///
/// let password = Credentials::password(Secret::new("hunter2".to_owned()))?;
/// let login = Login::new([password, Credentials::interactive()]);
/// assert_eq!(login.methods().len(), 2);
/// # Ok::<(), webssh_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Login(Vec<Credentials>);

/// One way to log in. Copies inside the SSH library are out of reach and are not wiped.
#[derive(Debug, Clone)]
pub struct Credentials(Kind);

#[cfg_attr(
    not(any(feature = "ssh2", feature = "russh")),
    expect(dead_code, reason = "only a backend looks inside")
)]
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Password(Secret),
    Key { private: Secret, passphrase: Option<Secret> },
    Interactive,
    Agent { socket: PathBuf },
}

impl Secret {
    /// Takes the text over; the caller keeps no copy.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    #[cfg_attr(
        not(any(feature = "ssh2", feature = "russh")),
        expect(dead_code, reason = "only a backend reveals a secret")
    )]
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    fn fits(&self, bytes_max: usize) -> bool {
        self.0.len() <= bytes_max && !self.0.contains('\0')
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Login {
    /// The most ways that are tried: servers end a connection after a few.
    pub const METHODS_MAX: usize = 16;

    /// Ways to log in, in order. Those beyond [`METHODS_MAX`](Self::METHODS_MAX) are left out; without any,
    /// every server refuses.
    #[must_use]
    pub fn new(methods: impl IntoIterator<Item = Credentials>) -> Self {
        Self(methods.into_iter().take(Self::METHODS_MAX).collect())
    }

    /// The ways, in order.
    #[must_use]
    pub fn methods(&self) -> &[Credentials] {
        &self.0
    }
}

impl From<Credentials> for Login {
    fn from(only: Credentials) -> Self {
        Self(vec![only])
    }
}

impl Credentials {
    /// A password (RFC 4252, section 8).
    ///
    /// # Errors
    /// `InvalidInput` when it has more than 4096 bytes or a zero byte.
    pub fn password(password: Secret) -> Result<Self, Error> {
        check("password", &password, SECRET_BYTES_MAX, "it must have at most 4096 bytes and no zero byte")?;
        Ok(Self(Kind::Password(password)))
    }

    /// A private key in PEM or OpenSSH form, with its passphrase if it has one (RFC 4252, section 7).
    ///
    /// # Errors
    /// `InvalidInput` when it is no PEM text of at most 64 KiB. Whether the key can be decrypted is
    /// seen when it is used.
    pub fn key(private: Secret, passphrase: Option<Secret>) -> Result<Self, Error> {
        let rule = "it must be pem text of at most 64 KiB";
        check("private key", &private, KEY_BYTES_MAX, rule)?;
        if !private.0.contains("-----BEGIN ") {
            return Err(Inner::Credential { part: "private key", rule }.into());
        }
        if let Some(passphrase) = &passphrase {
            check(
                "passphrase",
                passphrase,
                SECRET_BYTES_MAX,
                "it must have at most 4096 bytes and no zero byte",
            )?;
        }
        Ok(Self(Kind::Key { private, passphrase }))
    }

    /// What the server asks, answered by the person in front of the browser (RFC 4256).
    #[must_use]
    pub fn interactive() -> Self {
        Self(Kind::Interactive)
    }

    /// The keys of an SSH agent of this service, reached by its socket. They are the service's keys, not
    /// the browser user's: whoever is let in uses them.
    #[must_use]
    pub fn agent(socket: impl Into<PathBuf>) -> Self {
        Self(Kind::Agent { socket: socket.into() })
    }

    /// The name of the method on the wire: `password`, `publickey` or `keyboard-interactive`.
    #[must_use]
    pub fn method(&self) -> &'static str {
        match self.0 {
            Kind::Password(_) => "password",
            Kind::Key { .. } | Kind::Agent { .. } => "publickey",
            Kind::Interactive => "keyboard-interactive",
        }
    }

    #[cfg_attr(
        not(any(feature = "ssh2", feature = "russh")),
        expect(dead_code, reason = "only a backend looks inside")
    )]
    pub(crate) fn kind(&self) -> &Kind {
        &self.0
    }
}

fn check(part: &'static str, secret: &Secret, bytes_max: usize, rule: &'static str) -> Result<(), Error> {
    if secret.fits(bytes_max) { Ok(()) } else { Err(Inner::Credential { part, rule }.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_print_nothing() {
        let key = Secret::new("-----BEGIN OPENSSH PRIVATE KEY-----\nabc".to_owned());
        let credentials = Credentials::key(key, Some(Secret::new("opensesame".to_owned()))).unwrap();
        let shown = format!("{:?}", Login::from(credentials));
        assert!(!shown.contains("abc") && !shown.contains("opensesame"), "{shown}");
    }

    #[test]
    fn unusable_secrets_are_refused_without_being_shown() {
        let error = Credentials::key(Secret::new("not a key".to_owned()), None).unwrap_err();
        assert!(!error.to_string().contains("not a key"));
        assert!(Credentials::password(Secret::new("a\0b".to_owned())).is_err());
        assert!(Credentials::password(Secret::new("x".repeat(4097))).is_err());
    }

    #[test]
    fn a_login_has_an_end() {
        let login = Login::new(std::iter::repeat_with(Credentials::interactive));
        assert_eq!(login.methods().len(), Login::METHODS_MAX);
    }
}
