//! Refreshing the platform certificates: one download at a time, not too often, never because of a notify alone.

use super::certificates::Certificates;
use super::keys::{Begin, WechatKeys};
use super::merchant::Merchant;
use crate::error::Error;
use crate::{Client, UnixMillis};

/// What a refresh did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refresh {
    /// So many certificates were downloaded; they replace the former ones.
    Updated {
        /// How many.
        certificates: usize,
    },
    /// The certificates are fresh and nobody asked for others.
    NotDue,
    /// The last attempt was less than ten minutes ago, or less than 30 seconds while no certificate is valid.
    TooSoon {
        /// When the next one may be made.
        again_at: UnixMillis,
    },
    /// Another task is at it.
    Running,
    /// These keys are public keys with an id: there is nothing to download.
    NotUsed,
}

impl Merchant {
    /// Downloads the platform certificates now, unless it was tried within ten minutes; within 30 seconds while none is
    /// valid. Call it at the start.
    ///
    /// # Errors
    /// As [`Call::read`](crate::Call::read) of [`Certificates`]; the former certificates stay.
    pub async fn refresh_certificates(&self, client: &Client) -> Result<Refresh, Error> {
        self.refresh(client, false).await
    }

    /// Downloads them if that is due: none is valid, the last download is six hours old, or a message named a
    /// certificate that we do not have. Such a message may be forged, so it only makes a download due; two downloads
    /// are ten minutes apart whatever arrives, or 30 seconds while none is valid. Call it from a task every minute.
    ///
    /// # Errors
    /// As [`Merchant::refresh_certificates`].
    pub async fn refresh_certificates_if_due(&self, client: &Client) -> Result<Refresh, Error> {
        self.refresh(client, true).await
    }

    async fn refresh(&self, client: &Client, only_if_due: bool) -> Result<Refresh, Error> {
        let now = client.now();
        match self.keys.begin(now, only_if_due) {
            Begin::Begun => {}
            Begin::Running => return Ok(Refresh::Running),
            Begin::TooSoon(again_at) => return Ok(Refresh::TooSoon { again_at }),
            Begin::NotDue => return Ok(Refresh::NotDue),
            Begin::NotUsed => return Ok(Refresh::NotUsed),
        }
        let _turn = Turn(&self.keys);
        let certificates = client.call(self, &Certificates).await?.known()?;
        self.keys.replace_certificates(&certificates);
        self.keys.succeed(now);
        Ok(Refresh::Updated { certificates: certificates.len() })
    }
}

/// The turn ends also if the task is dropped while it waits.
struct Turn<'a>(&'a WechatKeys);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.finish();
    }
}
