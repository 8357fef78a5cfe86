//! Sign in over HTTP with hyper alone: sso-core takes and gives text, so that no framework is needed.
//!
//! `cargo run -p examples --bin login_hyper -- 127.0.0.1:8080`, then
//! `curl -i -d 'name=alice&password=correct+horse' http://127.0.0.1:8080/login`.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{COOKIE, RETRY_AFTER, SET_COOKIE};
use http::{HeaderMap, HeaderName, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use sso_core::{
    Admission, Check, CookieConfig, CookieRead, DeviceKey, DeviceKind, DeviceProof, Guess, Login, MayGuess,
    MemoryStore, MemoryThrottleStore, PasswordCheck, PasswordHash, PasswordHasher, PasswordParams,
    PasswordSalt, SessionLimits, SessionSecret, Sso, Throttle, ThrottlePolicy, UnixMillis, UserId,
};
use tokio::net::TcpListener;

type Error = Box<dyn std::error::Error + Send + Sync>;
type Reply = Result<Response<Full<Bytes>>, Error>;

const FORM_BYTES_MAX: usize = 4096;
const DEVICE_KNOWN: Duration = Duration::from_secs(180 * 24 * 3600);

/// All that the handlers share.
struct Gate {
    sso: Sso,
    throttle: Throttle,
    hasher: PasswordHasher,
    cookie: CookieConfig,
    devices: DeviceKey,
    users: HashMap<String, PasswordHash>,
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]
async fn main() -> Result<(), Error> {
    let hasher = PasswordHasher::new(PasswordParams::default());
    let alice = hasher.hash("correct horse", PasswordSalt::random()?)?;
    let mut device_key = [0; 32];
    getrandom::fill(&mut device_key)?;
    let gate = Arc::new(Gate {
        sso: Sso::new(Arc::new(MemoryStore::new()), SessionLimits::default()),
        throttle: Throttle::new(Arc::new(MemoryThrottleStore::new()), ThrottlePolicy::default()),
        hasher,
        cookie: CookieConfig::host("sid")?,
        devices: DeviceKey::new(device_key),
        users: HashMap::from([("alice".to_owned(), alice)]),
    });
    let listen = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let listener = TcpListener::bind(listen).await?;
    println!("http://{}/", listener.local_addr()?);
    loop {
        let (stream, peer) = listener.accept().await?;
        let gate = Arc::clone(&gate);
        let service = service_fn(move |request| answer(Arc::clone(&gate), request, peer));
        tokio::spawn(async move {
            if let Err(error) = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

async fn answer(
    gate: Arc<Gate>,
    request: Request<Incoming>,
    peer: SocketAddr,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let replied = match (request.method(), request.uri().path()) {
        (&Method::GET, "/") => gate.greet(request.headers()).await,
        (&Method::POST, "/login") => gate.login(request, peer.ip()).await,
        (&Method::POST, "/logout") => gate.logout(request.headers()).await,
        _ => reply(StatusCode::NOT_FOUND, "no such page\n", &[]),
    };
    Ok(replied.unwrap_or_else(|error| {
        eprintln!("{peer}: {error}");
        let mut sorry = Response::new(Full::from("try again later\n"));
        *sorry.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        sorry
    }))
}

impl Gate {
    async fn greet(&self, headers: &HeaderMap) -> Reply {
        let Some(secret) = self.secret(headers) else {
            return reply(StatusCode::UNAUTHORIZED, "nobody\n", &[]);
        };
        match self.sso.check(&secret).await? {
            Check::Active(session) => reply(StatusCode::OK, &format!("{}\n", session.user.as_str()), &[]),
            Check::Ended(end) => reply(StatusCode::UNAUTHORIZED, &format!("{}\n", end.reason.code()), &[]),
            Check::Unknown => reply(StatusCode::UNAUTHORIZED, "nobody\n", &[]),
        }
    }

    async fn login(self: Arc<Self>, request: Request<Incoming>, address: IpAddr) -> Reply {
        let (head, body) = request.into_parts();
        let body = Limited::new(body, FORM_BYTES_MAX).collect().await?.to_bytes();
        let form: HashMap<_, _> = form_urlencoded::parse(&body).into_owned().collect();
        let field = |name| form.get(name).cloned().unwrap_or_default();
        let (name, password) = (field("name"), field("password"));

        let mut guess = Guess::new(&name, address);
        if let Some(proof) = DeviceProof::from_cookies(&cookies(&head.headers)) {
            guess = guess.with_device(&self.devices, &proof, UnixMillis::now());
        }
        let attempt = match self.throttle.admit(&guess).await? {
            MayGuess::Now(attempt) => attempt,
            MayGuess::Wait(wait) => {
                let after = (RETRY_AFTER, wait.retry_after_secs().to_string());
                return reply(StatusCode::TOO_MANY_REQUESTS, "too many guesses\n", &[after]);
            }
        };
        // Hashing is slow on purpose: off the threads that serve everybody.
        let (gate, user) = (Arc::clone(&self), name.clone());
        let verify = move || gate.hasher.verify(gate.users.get(&user), &password);
        if tokio::task::spawn_blocking(verify).await?? == PasswordCheck::Mismatch {
            return reply(StatusCode::UNAUTHORIZED, "wrong name or password\n", &[]);
        }
        self.throttle.succeeded(attempt).await?;

        let login = Login::new(DeviceKind::Web, "hyper", address.to_string());
        let Admission::Admitted(signed_in) = self.sso.login(&UserId::new(&name)?, login).await? else {
            return reply(StatusCode::CONFLICT, "too many sessions\n", &[]);
        };
        let now = UnixMillis::now();
        let session = self.cookie.set(&signed_in.secret, self.sso.limits().absolute());
        let device = self.devices.issue(&name, now.saturating_add(DEVICE_KNOWN))?.set_cookie(now);
        reply(StatusCode::OK, "welcome\n", &[(SET_COOKIE, session), (SET_COOKIE, device)])
    }

    async fn logout(&self, headers: &HeaderMap) -> Reply {
        if let Some(secret) = self.secret(headers) {
            self.sso.logout(&secret).await?;
        }
        reply(StatusCode::OK, "goodbye\n", &[(SET_COOKIE, self.cookie.clear())])
    }

    fn secret(&self, headers: &HeaderMap) -> Option<SessionSecret> {
        match self.cookie.read(&cookies(headers)) {
            CookieRead::Secret(secret) => Some(secret),
            CookieRead::Absent | CookieRead::Malformed => None,
        }
    }
}

/// The cookies of all `Cookie` headers.
fn cookies(headers: &HeaderMap) -> String {
    let values = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    values.collect::<Vec<_>>().join("; ")
}

fn reply(status: StatusCode, words: &str, headers: &[(HeaderName, String)]) -> Reply {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    Ok(response.body(Full::from(words.to_owned()))?)
}
