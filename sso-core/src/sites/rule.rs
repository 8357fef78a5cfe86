//! The rule of grants and of single logout, without a clock and without a store.
//!
//! A session's record names the sites that took part. Once it says that the session has ended, no grant of it is
//! redeemed any more, so no site can join behind the back of the logout.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::claims::TokenId;
use crate::refresh::names::ClientId;
use crate::sites::grant::{GrantBinding, NewGrant};
use crate::sites::{PresentedGrant, Redeemed, Standing};
use crate::time::UnixMillis;
use crate::user_id::UserId;

/// The most grants of one session that wait to be redeemed.
pub const GRANTS_PER_SESSION_MAX: usize = 32;
/// How long a redeemed grant is remembered, so that a second redeem is known for what it is.
pub(crate) const USED_KEPT: Duration = Duration::from_secs(600);
/// How long the end of a session is remembered: longer than any notice is retried.
pub(crate) const END_KEPT: Duration = Duration::from_secs(24 * 3600);

/// A grant in a store.
#[derive(Clone, Debug)]
pub(crate) struct GrantRecord {
    client: ClientId,
    binding: GrantBinding,
    user: UserId,
    body: String,
    expires_at: UnixMillis,
    session_kept: Duration,
    /// Set by the one redeem that succeeded: what it gave.
    used: Option<Option<TokenId>>,
}

impl GrantRecord {
    pub(crate) fn new(new: &NewGrant, now: UnixMillis) -> Self {
        Self {
            client: new.client.clone(),
            binding: new.binding,
            user: new.user.clone(),
            body: new.body.clone(),
            expires_at: now.saturating_add(new.life),
            session_kept: new.session_kept,
            used: None,
        }
    }

    pub(crate) fn is_over(&self, now: UnixMillis) -> bool {
        now >= self.expires_at
    }

    pub(crate) fn waits(&self) -> bool {
        self.used.is_none()
    }
}

/// What a store keeps of one session.
#[derive(Clone, Debug)]
pub(crate) struct SessionRecord {
    kept_until: UnixMillis,
    user: Option<UserId>,
    ended: bool,
    pub(crate) sites: BTreeMap<ClientId, Notice>,
    revoked: BTreeSet<String>,
}

/// How far the telling of one site has come. It matters only after the end of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) attempts: u32,
    pub(crate) due: UnixMillis,
}

impl SessionRecord {
    pub(crate) fn new(now: UnixMillis) -> Self {
        Self { kept_until: now, user: None, ended: false, sites: BTreeMap::new(), revoked: BTreeSet::new() }
    }

    pub(crate) fn is_over(&self, now: UnixMillis) -> bool {
        now >= self.kept_until
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    pub(crate) fn user(&self) -> Option<&UserId> {
        self.user.as_ref()
    }

    fn keep(&mut self, now: UnixMillis, more: Duration) {
        self.kept_until = self.kept_until.max(now.saturating_add(more));
    }

    /// Ends the session, once. All its sites are due.
    pub(crate) fn end(&mut self, now: UnixMillis) {
        self.keep(now, END_KEPT);
        if !self.ended {
            self.ended = true;
            for notice in self.sites.values_mut() {
                *notice = Notice { attempts: 0, due: now };
            }
        }
    }

    pub(crate) fn standing(&self, token: &TokenId) -> Standing {
        // Something may outlive its session, but nothing its revocation.
        if self.revoked.contains(token.as_str()) {
            Standing::Revoked
        } else if self.ended {
            Standing::SessionEnded
        } else {
            Standing::Good
        }
    }
}

/// What becomes of a grant after a redeem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GrantFate {
    Stays,
    Goes,
}

/// Redeems a grant that is not over, and notes in its session's record what follows.
pub(crate) fn redeem(
    grant: &mut GrantRecord,
    session: &mut SessionRecord,
    presented: &PresentedGrant<'_>,
    now: UnixMillis,
) -> (Redeemed, GrantFate) {
    if grant.client != *presented.client {
        return (Redeemed::OtherClient, GrantFate::Stays);
    }
    if let Some(gave) = &grant.used {
        if let Some(token) = gave {
            session.revoked.insert(token.as_str().to_owned());
            session.keep(now, grant.session_kept);
        }
        return (Redeemed::Reused { user: grant.user.clone(), gave: gave.clone() }, GrantFate::Stays);
    }
    if session.ended {
        return (Redeemed::SessionEnded, GrantFate::Goes);
    }
    // A wrong guess at the verifier is the last one.
    if grant.binding != presented.binding {
        return (Redeemed::OtherBinding, GrantFate::Goes);
    }
    grant.used = Some(presented.gives.cloned());
    grant.expires_at = now.saturating_add(USED_KEPT);
    session.user = Some(grant.user.clone());
    session.sites.entry(grant.client.clone()).or_insert(Notice { attempts: 0, due: now });
    session.keep(now, grant.session_kept);
    (Redeemed::Granted { user: grant.user.clone(), body: grant.body.clone() }, GrantFate::Stays)
}
