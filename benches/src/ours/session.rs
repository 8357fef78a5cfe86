//! Our side of the figures about sessions: an `Sso` over Redis, through its public calls.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Request, header};
use redis::aio::MultiplexedConnection;
use sso_core::{
    Admission, Check, CookieConfig, CookieRead, LoginPolicy, RedisStore, SessionLimits, SessionSecret,
    SignedIn, Sso, UserId,
};

use crate::contest::Load;
use crate::sessions::{full, login, users};
use crate::shift::{Task, together};
use crate::side::Local;
use crate::{Error, Timing};

/// How long a call may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// Asks whose session it is.
pub(crate) struct Checks {
    sso: Sso,
    sessions: Vec<(SessionSecret, UserId)>,
}

/// Guards requests that bring a cookie.
pub(crate) struct Guard {
    sso: Sso,
    cookie: CookieConfig,
    sessions: Vec<(HeaderValue, UserId)>,
}

/// Signs users in who are signed in as often as they may be.
pub(crate) struct Logins {
    sso: Sso,
    users: Vec<UserId>,
}

impl Checks {
    /// Over this connection.
    pub(crate) fn over(connection: MultiplexedConnection) -> Self {
        Self { sso: sso(RedisStore::from(connection)), sessions: Vec::new() }
    }
}

impl Guard {
    /// Over a connection of its own.
    pub(crate) async fn connect(url: &str) -> Result<Self, Error> {
        let store = RedisStore::connect(url).await?;
        Ok(Self { sso: sso(store), cookie: CookieConfig::host("sid")?, sessions: Vec::new() })
    }

    /// Whose request it is.
    async fn user(&self, request: &Request<()>) -> Result<Option<UserId>, Error> {
        let Some(Ok(cookies)) = request.headers().get(header::COOKIE).map(HeaderValue::to_str) else {
            return Ok(None);
        };
        let CookieRead::Secret(secret) = self.cookie.read(cookies) else { return Ok(None) };
        match self.sso.check(&secret).await? {
            Check::Active(session) => Ok(Some(session.user)),
            _ => Ok(None),
        }
    }
}

impl Logins {
    /// How many sessions a user may have.
    pub(crate) const AT_MOST: u8 = 5;

    /// Over this connection.
    pub(crate) fn over(connection: MultiplexedConnection) -> Result<Self, Error> {
        let policy = LoginPolicy::at_most(Self::AT_MOST)?;
        Ok(Self { sso: sso(RedisStore::from(connection)).policy(policy), users: users()? })
    }

    /// Whether each user has as many sessions as they may have.
    async fn all_full(&self) -> Result<bool, Error> {
        for user in &self.users {
            if u8::try_from(self.sso.sessions(user).await?.len()) != Ok(Self::AT_MOST) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn sso(store: RedisStore) -> Sso {
    // A busy machine makes a run slow, but it does not end it.
    Sso::new(Arc::new(store.deadline(DEADLINE)), SessionLimits::default())
}

async fn sign_in(sso: &Sso, user: &UserId) -> Result<SignedIn, Error> {
    match sso.login(user, login()).await? {
        Admission::Admitted(signed_in) => Ok(signed_in),
        Admission::Refused(refusal) => {
            Err(Error::Answer { given: format!("{refusal:?}"), wanted: "a session".to_owned() })
        }
    }
}

impl Task for Checks {
    fn prepare(&mut self) -> Local<'_, Result<(), Error>> {
        Box::pin(async {
            self.sessions.clear();
            for user in users()? {
                self.sessions.push((sign_in(&self.sso, &user).await?.secret, user));
            }
            Ok(())
        })
    }

    fn run(&mut self, load: Load) -> Local<'_, Result<Timing, Error>> {
        Box::pin(async move {
            let check = async |(secret, user): &(SessionSecret, UserId)| {
                Ok(matches!(self.sso.check(secret).await?, Check::Active(session) if session.user == *user))
            };
            together(&self.sessions, load, check).await
        })
    }

    fn about(&self) -> String {
        "Sso::check of sessions in use: both limits by the server's clock, use written down once a minute, one \
         multiplexed connection"
            .to_owned()
    }
}

impl Task for Guard {
    fn prepare(&mut self) -> Local<'_, Result<(), Error>> {
        Box::pin(async {
            self.sessions.clear();
            for user in users()? {
                let secret = sign_in(&self.sso, &user).await?.secret;
                let set_cookie = self.cookie.set(&secret, self.sso.limits().absolute());
                let pair = set_cookie.split(';').next().unwrap_or_default();
                let value = HeaderValue::from_str(pair).map_err(http::Error::from)?;
                self.sessions.push((value, user));
            }
            Ok(())
        })
    }

    fn run(&mut self, load: Load) -> Local<'_, Result<Timing, Error>> {
        Box::pin(async move {
            let guard = async |(cookie, user): &(HeaderValue, UserId)| {
                let mut request = Request::new(());
                request.headers_mut().insert(header::COOKIE, cookie.clone());
                Ok(self.user(&request).await?.as_ref() == Some(user))
            };
            together(&self.sessions, load, guard).await
        })
    }

    fn about(&self) -> String {
        "CookieConfig::read and Sso::check, then the user: both limits, use written down once a minute"
            .to_owned()
    }
}

impl Task for Logins {
    fn prepare(&mut self) -> Local<'_, Result<(), Error>> {
        Box::pin(async {
            let sign_in = async |user: &UserId| Ok(sign_in(&self.sso, user).await?.session.user == *user);
            together(&self.users, full(Self::AT_MOST), sign_in).await?;
            Ok(())
        })
    }

    fn run(&mut self, load: Load) -> Local<'_, Result<Timing, Error>> {
        Box::pin(async move {
            let sign_in = async |user: &UserId| Ok(sign_in(&self.sso, user).await?.session.user == *user);
            let timing = together(&self.users, load, sign_in).await?;
            match self.all_full().await? {
                true => Ok(timing),
                false => Err(Error::Answer {
                    given: "other numbers of sessions".to_owned(),
                    wanted: format!("{} of each user", Self::AT_MOST),
                }),
            }
        })
    }

    fn about(&self) -> String {
        "Sso::login under LoginPolicy::at_most(5), the oldest out at each login".to_owned()
    }
}
