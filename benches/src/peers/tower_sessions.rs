//! The same guarded request behind tower-sessions with its store in Redis.
//!
//! As its users set it up: a session that is only read is read by one GET and not prolonged.

use std::convert::Infallible;

use ::fred::clients::Client as FredClient;
use http::{HeaderValue, Request, Response, header};
use sso_core::UserId;
use tower::util::BoxCloneService;
use tower::{Layer, ServiceExt as _, service_fn};
use tower_sessions::cookie::time::Duration;
use tower_sessions::{Expiry, Session, SessionManagerLayer};
use tower_sessions_redis_store::RedisStore;

use super::{fred, versioned};
use crate::contest::Load;
use crate::sessions::{ADDRESS, AGENT, DEVICE, users};
use crate::shift::{Task, together};
use crate::side::Local;
use crate::{Error, Timing};

/// Where a session keeps its user.
const USER: &str = "user";
/// The middleware's own name of the cookie.
const COOKIE: &str = "id";
/// How long a session may rest.
const IDLE: Expiry = Expiry::OnInactivity(Duration::minutes(30));

/// Guards requests that bring a cookie.
pub(crate) struct Guard {
    store: RedisStore<FredClient>,
    service: BoxCloneService<Request<()>, Response<String>, Infallible>,
    sessions: Vec<(HeaderValue, UserId)>,
}

impl Guard {
    /// Over one client of fred.
    pub(crate) async fn connect(url: &str) -> Result<Self, Error> {
        let store = RedisStore::new(fred::client(url).await?);
        let layer = SessionManagerLayer::new(store.clone()).with_expiry(IDLE);
        let service = layer.layer(service_fn(user));
        Ok(Self { store, service: BoxCloneService::new(service), sessions: Vec::new() })
    }

    /// A new session of this user; the cookie that brings it.
    async fn sign_in(&self, user: &UserId) -> Result<HeaderValue, Error> {
        let session = Session::new(None, std::sync::Arc::new(self.store.clone()), Some(IDLE));
        for (name, value) in
            [(USER, user.as_str()), ("device", DEVICE), ("agent", AGENT), ("address", ADDRESS)]
        {
            session.insert(name, value).await?;
        }
        session.save().await?;
        let id = session.id().map(|id| id.to_string()).unwrap_or_default();
        Ok(HeaderValue::from_str(&format!("{COOKIE}={id}")).map_err(http::Error::from)?)
    }
}

/// Answers whose request it is; with nothing when that is not known.
async fn user(request: Request<()>) -> Result<Response<String>, Infallible> {
    let user = match request.extensions().get::<Session>() {
        Some(session) => session.get::<String>(USER).await,
        None => Ok(None),
    };
    Ok(Response::new(user.ok().flatten().unwrap_or_default()))
}

impl Task for Guard {
    fn prepare(&mut self) -> Local<'_, Result<(), Error>> {
        Box::pin(async {
            self.sessions.clear();
            for user in users()? {
                self.sessions.push((self.sign_in(&user).await?, user));
            }
            Ok(())
        })
    }

    fn run(&mut self, load: Load) -> Local<'_, Result<Timing, Error>> {
        Box::pin(async move {
            let guard = async |(cookie, user): &(HeaderValue, UserId)| {
                let mut request = Request::new(());
                request.headers_mut().insert(header::COOKIE, cookie.clone());
                let Ok(response) = self.service.clone().oneshot(request).await;
                Ok(response.body() == user.as_str())
            };
            together(&self.sessions, load, guard).await
        })
    }

    fn about(&self) -> String {
        let [layer, store, client] = ["tower-sessions", "tower-sessions-redis-store", "fred"].map(versioned);
        format!("{layer} with {store} over {client}, one GET, the session not prolonged")
    }
}
