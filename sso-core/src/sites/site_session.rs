//! A session as other sites know it, and as a grant carries it to them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};
use crate::session::login::Lifespan;
use crate::session::{Session, SessionId};
use crate::time::{UnixMillis, whole_millis};
use crate::user_id::UserId;

/// What the gate tells a site of a session: who, in which session, since when, and how strongly proved.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SiteSession {
    /// Who is signed in.
    pub user: UserId,
    /// Who acts as the user, if it is somebody else (`act`, RFC 8693, section 4.1).
    pub actor: Option<UserId>,
    /// The session's public name (`sid`).
    pub session: SessionId,
    /// When the user proved who they are (`auth_time`).
    pub auth_time: UnixMillis,
    /// How they did (`acr`), after a step-up for instance.
    pub acr: Option<String>,
    /// How long the session can last from its beginning, if it has a lifespan of its own.
    pub life_max: Option<Duration>,
}

impl SiteSession {
    /// A session in which the user has just been asked for more than a password.
    #[must_use]
    pub fn stepped_up(mut self, acr: impl Into<String>, at: UnixMillis) -> Self {
        self.acr = Some(acr.into());
        self.auth_time = at;
        self
    }

    /// How long the sites of this session are remembered, if sessions without a lifespan of their own last
    /// `absolute`.
    pub(crate) fn kept(&self, absolute: Duration) -> Duration {
        self.life_max.map_or(absolute, |life| life.max(absolute))
    }

    /// The session as a grant carries it, without its user and its name: those are the store's.
    pub(crate) fn carried(&self) -> Carried {
        Carried {
            auth_time: self.auth_time.as_millis(),
            actor: self.actor.as_ref().map(|actor| actor.as_str().to_owned()),
            acr: self.acr.clone(),
            life_max: self.life_max.map(whole_millis),
        }
    }
}

impl From<&Session> for SiteSession {
    fn from(session: &Session) -> Self {
        Self {
            user: session.user.clone(),
            actor: session.actor.clone(),
            session: session.id.clone(),
            auth_time: session.created_at,
            acr: None,
            life_max: match session.lifespan {
                Lifespan::Limits => None,
                Lifespan::Remembered(life) | Lifespan::AtMost(life) => Some(life),
            },
        }
    }
}

/// A session inside a grant.
#[derive(Serialize, Deserialize)]
pub(crate) struct Carried {
    auth_time: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    life_max: Option<u64>,
}

impl Carried {
    pub(crate) fn session(self, user: UserId, session: &SessionId) -> Result<SiteSession, Error> {
        let actor = self.actor.map(UserId::new).transpose();
        let actor = actor.map_err(|source| {
            Error::with_source(ErrorKind::Corrupt, "the store holds a grant that cannot be read", source)
        })?;
        Ok(SiteSession {
            user,
            actor,
            session: session.clone(),
            auth_time: UnixMillis::saturating_new(self.auth_time),
            acr: self.acr,
            life_max: self.life_max.map(Duration::from_millis),
        })
    }
}
