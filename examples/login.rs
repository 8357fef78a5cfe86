//! Sign in, be known, sign out: a throttled password, a session, a cookie, an access token, in one short program.
//!
//! `cargo run -p examples --bin login`; with `REDIS_URL` set the session is known to every process that has it too.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use sso_core::{
    Admission, Check, Claims, CookieConfig, CookieRead, DeviceKind, Guess, Issuer, KeySet, Lifetime, Login,
    MayGuess, MemoryStore, MemoryThrottleStore, PasswordCheck, PasswordHasher, PasswordParams, PasswordSalt,
    RedisStore, SessionLimits, SessionStore, SigningKey, Sso, Throttle, ThrottlePolicy, TokenId, UnixMillis,
    UserId, Verifier,
};

#[tokio::main]
#[expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]
async fn main() -> Result<(), Box<dyn Error>> {
    let store: Arc<dyn SessionStore> = match std::env::var("REDIS_URL") {
        Ok(url) => Arc::new(RedisStore::connect(&url).await?),
        Err(_) => Arc::new(MemoryStore::new()),
    };
    let sso = Sso::new(store, SessionLimits::default());

    // The password may be tried, and is right.
    let hasher = PasswordHasher::new(PasswordParams::default());
    let stored = hasher.hash("correct horse", PasswordSalt::random()?)?;
    let throttle = Throttle::new(Arc::new(MemoryThrottleStore::new()), ThrottlePolicy::default());
    let attempt = match throttle.admit(&Guess::new("alice", "127.0.0.1".parse()?)).await? {
        MayGuess::Now(attempt) => attempt,
        MayGuess::Wait(wait) => {
            return Err(format!("wait {} seconds with the next guess", wait.retry_after_secs()).into());
        }
    };
    let checked = hasher.verify(Some(&stored), "correct horse")?;
    println!("password: {checked:?}");
    if checked == PasswordCheck::Mismatch {
        return Ok(());
    }
    throttle.succeeded(attempt).await?;

    // A session, and the cookie that carries it.
    let alice = UserId::new("alice")?;
    let login = Login::new(DeviceKind::Web, "example", "127.0.0.1");
    let Admission::Admitted(signed_in) = sso.login(&alice, login).await? else {
        return Err("there are too many sessions already".into());
    };
    let cookie = CookieConfig::host("sid")?;
    let line = cookie.set(&signed_in.secret, sso.limits().absolute());
    println!("set-cookie: {line}");

    // The next request brings the cookie back.
    let header = line.split(';').next().unwrap_or_default();
    if let CookieRead::Secret(secret) = cookie.read(header) {
        match sso.check(&secret).await? {
            Check::Active(session) => {
                println!("known: {} since {:?}", session.user.as_str(), session.created_at)
            }
            ended => println!("not signed in: {ended:?}"),
        }
        sso.logout(&secret).await?;
        println!("after signing out: {:?}", sso.check(&secret).await?);
    }

    // A token that other services verify with the public keys alone.
    let keys = KeySet::new(SigningKey::generate_rs256()?);
    let life = Lifetime::starting(UnixMillis::now(), Duration::from_secs(900))?;
    let claims = Claims::new(alice, "example", "api", TokenId::random()?, life)?;
    let token = Issuer::new("https://sso.example", &keys)?.issue(&claims)?;
    let verified = Verifier::new("https://sso.example", "api", &keys)?.verify(&token, UnixMillis::now());
    println!("token of {} bytes: {verified:?}", token.len());
    println!("public keys: {}", keys.jwks()?.json);
    Ok(())
}
