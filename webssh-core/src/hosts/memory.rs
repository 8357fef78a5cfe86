//! Known hosts in memory: what a store of them has to do.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Added, HostStore};
use crate::error::{Error, Inner};
use crate::known_hosts::{HostKey, KnownHosts};
use crate::pump::BoxFuture;

/// Known hosts that are forgotten with the process; what any other [`HostStore`] has to do, too.
#[derive(Debug, Default)]
pub struct MemoryHosts(Mutex<String>);

impl MemoryHosts {
    /// Starts with the text of a known_hosts file.
    ///
    /// # Errors
    /// `InvalidInput` when it is longer than [`KnownHosts::BYTES_MAX`].
    pub fn new(text: &str) -> Result<Self, Error> {
        KnownHosts::parse(text).map(|_| Self(Mutex::new(text.to_owned())))
    }

    /// The text as it is now.
    #[must_use]
    pub fn text(&self) -> String {
        self.lock().clone()
    }

    /// A poisoned text is whole: it changes in one step.
    fn lock(&self) -> MutexGuard<'_, String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HostStore for MemoryHosts {
    fn load<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, Result<KnownHosts, Error>> {
        Box::pin(async move { Ok(KnownHosts::parse(&self.lock())?.about(host, port)) })
    }

    fn add<'a>(&'a self, host: &'a str, port: u16, key: &'a HostKey) -> BoxFuture<'a, Result<Added, Error>> {
        Box::pin(async move {
            let mut text = self.lock();
            let Some(line) = addition(&text, host, port, key)? else {
                return Ok(Added::Occupied);
            };
            text.push_str(&line);
            Ok(Added::Stored)
        })
    }
}

/// What is to be appended to a file so that the key is on record; `None` when a line is about the host.
pub(super) fn addition(text: &str, host: &str, port: u16, key: &HostKey) -> Result<Option<String>, Error> {
    let line = KnownHosts::line_for(host, port, key)?;
    if KnownHosts::parse(text)?.matching(host, port).next().is_some() {
        return Ok(None);
    }
    // A file that was edited by hand may lack its last line end.
    let between = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    let addition = format!("{between}{line}\n");
    let bytes = text.len() + addition.len();
    if bytes > KnownHosts::BYTES_MAX {
        return Err(Inner::KnownHostsTooLarge { bytes, bytes_max: KnownHosts::BYTES_MAX }.into());
    }
    Ok(Some(addition))
}
