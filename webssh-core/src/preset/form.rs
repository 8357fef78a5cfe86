//! The HTTP part of huashengdun/webssh: the form that its page posts, and the answer that it expects.

use std::fmt;

use crate::error::{Error, Inner};
use crate::{Admission, Credentials, Login, Secret, TargetPolicy};
#[cfg(feature = "pump")]
use crate::{BoxFuture, Dialogue, HostQuestion, Prompts};

/// The longest field that is read, in bytes: a private key, as in the original.
const FIELD_BYTES_MAX: usize = 16 * 1024;

/// What the page posts as `multipart/form-data`. The web framework takes the form apart; this takes its fields.
///
/// ```
/// use webssh_core::preset::{Form, Reply};
/// use webssh_core::{Admission, TargetPolicy};
///
/// let fields = [("hostname", &b"lab.example.org"[..]), ("port", b"22"), ("username", b"alice"), ("password", b"x")];
/// let form = Form::from_fields(fields)?;
/// let policy = TargetPolicy::new(["lab.example.org:22"])?;
/// assert!(matches!(form.admit(&policy)?, Admission::Allowed(_)));
/// assert_eq!(form.login()?.methods().len(), 1);
/// // What a hub's ticket is for the page: the `id` with which it opens its WebSocket.
/// assert_eq!(Reply::connect("abc").to_json(), r#"{"encoding":"utf-8","id":"abc","status":null}"#);
/// # Ok::<(), webssh_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Form {
    hostname: String,
    port: u16,
    username: String,
    password: Option<Secret>,
    private_key: Option<Secret>,
    passphrase: Option<Secret>,
    totp: Option<Secret>,
    term: String,
}

/// What the page is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    id: Option<String>,
    status: Option<String>,
}

/// Answers a server's prompts from the form, as the original does it: a password, and a verification code. Feature
/// `pump`.
#[cfg(feature = "pump")]
#[derive(Debug)]
pub struct FormDialogue<'a>(&'a Form);

impl Form {
    /// Reads the fields `hostname`, `port`, `username`, `password`, `privatekey`, `passphrase`, `totp` and `term`;
    /// others are ignored, and of several the last one counts. The port is 22 if there is none.
    ///
    /// # Errors
    /// `InvalidInput` for a field that is missing, is no UTF-8, is longer than 16 KiB, or for a port that is none.
    pub fn from_fields<'a>(fields: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<Self, Error> {
        let [mut hostname, mut port, mut username, mut term] = [const { None }; 4];
        let [mut password, mut private_key, mut passphrase, mut totp] = [const { None }; 4];
        for (name, value) in fields {
            let field = match name {
                "hostname" => &mut hostname,
                "port" => &mut port,
                "username" => &mut username,
                "password" => &mut password,
                "privatekey" => &mut private_key,
                "passphrase" => &mut passphrase,
                "totp" => &mut totp,
                "term" => &mut term,
                _ => continue,
            };
            let usable = std::str::from_utf8(value).ok().filter(|text| text.len() <= FIELD_BYTES_MAX);
            let text = usable.ok_or_else(|| invalid(name, "it must be text of at most 16 KiB"))?.trim();
            *field = (!text.is_empty()).then_some(text);
        }
        let secret = |field: Option<&str>| field.map(|text| Secret::new(text.to_owned()));
        let missing = |name| move || invalid(name, "it is missing");
        Ok(Self {
            hostname: hostname.ok_or_else(missing("hostname"))?.to_owned(),
            port: port
                .map_or(Ok(22), |port| port.parse().map_err(|_| invalid("port", "it must be a number")))?,
            username: username.ok_or_else(missing("username"))?.to_owned(),
            password: secret(password),
            // A key needs its last line end.
            private_key: private_key.map(|text| Secret::new(format!("{text}\n"))),
            passphrase: secret(passphrase),
            totp: secret(totp),
            term: term.unwrap_or("xterm").to_owned(),
        })
    }

    /// Asks a policy for the target.
    ///
    /// # Errors
    /// Those of [`TargetPolicy::admit`].
    pub fn admit(&self, policy: &TargetPolicy) -> Result<Admission, Error> {
        policy.admit(&self.hostname, self.port, &self.username)
    }

    /// How to log in: by the key, by the password, and by answers to prompts if there is a verification code, in
    /// this order.
    ///
    /// # Errors
    /// `InvalidInput` for a key or a password that cannot be used.
    pub fn login(&self) -> Result<Login, Error> {
        let mut methods = Vec::new();
        if let Some(key) = &self.private_key {
            methods.push(Credentials::key(key.clone(), self.passphrase.clone())?);
        }
        if let Some(password) = &self.password {
            methods.push(Credentials::password(password.clone())?);
        }
        if self.totp.is_some() {
            methods.push(Credentials::interactive());
        }
        Ok(Login::new(methods))
    }

    /// Answers prompts from the form. Feature `pump`.
    #[cfg(feature = "pump")]
    #[must_use]
    pub fn dialogue(&self) -> FormDialogue<'_> {
        FormDialogue(self)
    }

    /// The type of the terminal.
    #[must_use]
    pub fn term(&self) -> &str {
        &self.term
    }
}

/// Without what is secret.
impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Form")
            .field("hostname", &self.hostname)
            .field("port", &self.port)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "pump")]
impl Dialogue for FormDialogue<'_> {
    fn ask<'a>(&'a self, round: &'a Prompts) -> BoxFuture<'a, Option<Vec<Secret>>> {
        let answer = |prompt: &crate::Prompt| {
            let words = prompt.text.trim().to_ascii_lowercase();
            if words.starts_with("password") {
                self.0.password.clone()
            } else if words.starts_with("verification") {
                self.0.totp.clone()
            } else {
                None
            }
        };
        let answers = round.prompts.iter().map(answer).collect();
        Box::pin(async { answers })
    }

    /// The page has no way to ask.
    fn trust<'a>(&'a self, _: &'a HostQuestion) -> BoxFuture<'a, bool> {
        Box::pin(async { false })
    }
}

impl Reply {
    /// The page connects, with `id` in the address of its WebSocket: `ws?id=...`. Let it be a ticket, which is good
    /// once and for seconds, since addresses end up in logs.
    #[must_use]
    pub fn connect(id: &str) -> Self {
        Self { id: Some(id.to_owned()), status: None }
    }

    /// The page shows `words`.
    #[must_use]
    pub fn refuse(words: &str) -> Self {
        Self { id: None, status: Some(words.to_owned()) }
    }

    /// The body of the answer, `application/json`, with the HTTP status 200 in any case.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::json!({ "id": self.id, "status": self.status, "encoding": "utf-8" }).to_string()
    }
}

fn invalid(field: &str, rule: &'static str) -> Error {
    Inner::FormField { field: field.to_owned(), rule }.into()
}
