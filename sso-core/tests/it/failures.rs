//! What breaks, done to real servers: killed, frozen, cut off, failed over. Every verb says so in time, nobody is let
//! in meanwhile, and the same process goes on afterwards.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sso_core::{
    At, Changes, Check, EndReason, Error, ErrorKind, LoginPolicy, PageSize, Proof, Purpose, RedisStore,
    SessionLimits, SessionSecret, SessionStore as _, Sso, UserId, Which,
};
use testkit::{AppendFsync, Proxy, Redis, RedisSentinel};

#[cfg(feature = "deadpool")]
use crate::redis_store::pool;
use crate::redis_store::{SLOW_MACHINE, alice, connect, login, manager, over, raw, web, why};

/// The deadline of a store whose server is about to fail.
pub(crate) const SHORT: Duration = Duration::from_millis(400);

/// Looks until there is something, and returns it.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "waited in vain for: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Calls until an answer comes too soon for the store to have asked, 50 ms after the request, whether its connection is
/// alive: no other answer is on its way then.
pub(crate) async fn quiet(mut call: impl AsyncFnMut()) {
    eventually("an answer without a delay", async || {
        let asked = Instant::now();
        call().await;
        (asked.elapsed() < Duration::from_millis(40)).then_some(())
    })
    .await;
}

async fn recovered(sso: &Sso, secret: &SessionSecret) -> Check {
    eventually("a redis that is back", async || match sso.check(secret).await {
        Ok(check) => Some(check),
        Err(error) => {
            assert_passing(&error);
            None
        }
    })
    .await
}

fn assert_passing(error: &Error) {
    assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Unavailable, true), "{error:?}");
    assert!(std::error::Error::source(error).is_some(), "{error:?}");
}

/// Every verb fails as it should, and within a while.
async fn assert_closed(sso: &Sso, secret: &SessionSecret) {
    let all = async {
        assert_passing(&sso.check(secret).await.unwrap_err());
        assert_passing(&sso.login(&alice(), web()).await.unwrap_err());
        assert_passing(&sso.logout(secret).await.unwrap_err());
        assert_passing(&sso.sessions(&alice()).await.unwrap_err());
        assert_passing(&sso.revoke_all(&alice()).await.unwrap_err());
        assert_passing(&sso.logout_some(&alice(), &Which::All).await.unwrap_err());
        assert_passing(&sso.kick(&alice(), &Which::All, None).await.unwrap_err());
        assert_passing(&sso.amend(secret, Changes::new()).await.unwrap_err());
        assert_passing(&sso.renew(secret, Changes::new()).await.unwrap_err());
        let proof = Proof::new(Purpose::new("pay").unwrap(), Duration::from_secs(60)).unwrap();
        assert_passing(&sso.step_up(secret, proof).await.unwrap_err());
        let bob = UserId::new("bob").unwrap();
        assert_passing(&sso.impersonate(secret, &bob, web()).await.unwrap_err());
        assert_passing(&sso.online(None, PageSize::MAX).await.unwrap_err());
        assert_passing(&sso.online_count().await.unwrap_err());
    };
    tokio::time::timeout(SLOW_MACHINE, all).await.unwrap();
}

#[tokio::test]
async fn a_redis_that_is_killed_closes_all_doors_until_it_is_back() {
    if testkit::skipped("redis") {
        return;
    }
    let mut server = Redis::options().aof(AppendFsync::Always).start().unwrap();
    let store = RedisStore::connect(&server.url()).await.unwrap();
    let (sso, patient) = (over(store.clone()), over(store.deadline(SLOW_MACHINE)));
    let (live, ended) = (login(&patient, &alice()).await, login(&patient, &alice()).await);
    assert!(patient.logout(&ended.secret).await.unwrap());
    server.kill().unwrap();
    assert_closed(&sso, &live.secret).await;

    server.restart().unwrap();
    assert_eq!(recovered(&sso, &live.secret).await, Check::Active(live.session.clone()));
    assert_eq!(why(patient.check(&ended.secret).await.unwrap()), EndReason::SignedOut);
    assert_eq!(patient.logout_all(&alice()).await.unwrap(), 1);
}

#[tokio::test]
async fn a_redis_that_is_frozen_is_given_up_at_the_deadline_and_serves_again() {
    if testkit::skipped("redis") {
        return;
    }
    let server = Redis::start().unwrap();
    let sso = over(RedisStore::connect(&server.url()).await.unwrap().deadline(Duration::from_millis(100)));
    let patient = over(connect(&server).await);
    let live = login(&patient, &alice()).await;
    server.stop_signal().unwrap();
    assert_closed(&sso, &live.secret).await;
    let given_up = sso.check(&live.secret).await.unwrap_err();
    assert_eq!(given_up.to_string(), "redis did not answer within 100 ms: the outcome is unknown");
    server.cont_signal().unwrap();
    assert!(matches!(recovered(&sso, &live.secret).await, Check::Active(_)));
}

/// A store over a manager, a pool or a connection of the application is closed in the same way.
#[tokio::test]
async fn connections_of_the_application_fail_closed() {
    if testkit::skipped("redis") {
        return;
    }
    let mut server = Redis::start().unwrap();
    let manager = manager(&server).await;
    let mut stores = vec![RedisStore::from(raw(&server).await), RedisStore::from(manager)];
    stores.extend(pooled(&server));
    let (mut ways, mut secrets) = (Vec::new(), Vec::new());
    for store in stores {
        secrets.push(login(&over(store.clone().deadline(SLOW_MACHINE)), &alice()).await.secret);
        ways.push(over(store.deadline(SHORT)));
    }
    server.kill().unwrap();
    for (way, secret) in ways.iter().zip(&secrets) {
        assert_closed(way, secret).await;
    }
    server.restart().unwrap();
    // A bare connection stays broken; the others are made anew.
    assert_passing(&ways[0].check(&secrets[0]).await.unwrap_err());
    for (way, secret) in ways.iter().zip(&secrets).skip(1) {
        assert_eq!(recovered(way, secret).await, Check::Unknown);
    }
}

#[cfg(feature = "deadpool")]
fn pooled(server: &Redis) -> Option<RedisStore> {
    Some(RedisStore::from(pool(server)))
}

/// Without the feature there are no pools.
#[cfg(not(feature = "deadpool"))]
fn pooled(_server: &Redis) -> Option<RedisStore> {
    None
}

#[cfg(feature = "deadpool")]
#[tokio::test]
async fn a_pool_that_is_closed_is_the_callers_fault() {
    if testkit::skipped("redis") {
        return;
    }
    let server = Redis::start().unwrap();
    let pool = pool(&server);
    let sso = over(RedisStore::from(pool.clone()).deadline(SLOW_MACHINE));
    let signed_in = login(&sso, &alice()).await;
    pool.close();
    assert_eq!(sso.check(&signed_in.secret).await.unwrap_err().kind(), ErrorKind::Misuse);
}

/// The reply is lost and the caller cannot know. What may run twice is sent again; what may not is not.
#[tokio::test]
async fn only_what_may_run_twice_is_sent_again() {
    if testkit::skipped("redis") {
        return;
    }
    let server = Redis::start().unwrap();
    let proxy = Proxy::start(server.addr()).unwrap();
    let sso = over(RedisStore::connect(&proxy.url()).await.unwrap().deadline(SLOW_MACHINE));
    // The scripts get known: what is cut is the reply of a script.
    let first = login(&sso, &alice()).await;
    assert!(sso.logout(&first.secret).await.unwrap());
    let live = login(&sso, &alice()).await;
    // What is cut is the next answer, so no other may be on its way.
    let cut_next = async || {
        quiet(async || drop(sso.check(&live.secret).await.unwrap())).await;
        proxy.cut_replies(1);
    };
    for _ in 0..3 {
        assert!(matches!(sso.check(&live.secret).await.unwrap(), Check::Active(_)));
        cut_next().await;
        assert!(matches!(sso.check(&live.secret).await.unwrap(), Check::Active(_)));
        cut_next().await;
        assert_eq!(sso.sessions(&alice()).await.unwrap().len(), 1);
    }
    cut_next().await;
    assert_passing(&sso.logout(&live.secret).await.unwrap_err());
    // It ran.
    assert_eq!(why(sso.check(&live.secret).await.unwrap()), EndReason::SignedOut);
    cut_next().await;
    assert_passing(&sso.login(&alice(), web()).await.unwrap_err());
    assert_eq!(sso.sessions(&alice()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_master_that_fails_over_is_followed() {
    if testkit::skipped("redis") {
        return;
    }
    let mut servers = RedisSentinel::start().unwrap();
    let store = RedisStore::connect_sentinel(&servers.urls(), servers.service()).await.unwrap();
    let (sso, patient) = (over(store.clone().deadline(SHORT)), over(store.deadline(SLOW_MACHINE)));
    let (live, ended) = (login(&patient, &alice()).await, login(&patient, &alice()).await);
    assert!(patient.logout(&ended.secret).await.unwrap());
    assert_eq!(servers.master().cli(&["WAIT", "1", "10000"]).unwrap(), "1");
    let old = servers.master().addr();
    // Nobody can be promoted before every verb has failed.
    servers.replica().stop_signal().unwrap();
    servers.master_mut().kill().unwrap();
    assert_closed(&sso, &live.secret).await;
    servers.replica().cont_signal().unwrap();
    servers.wait_promoted(old).unwrap();
    assert_eq!(recovered(&sso, &live.secret).await, Check::Active(live.session.clone()));
    assert_eq!(why(patient.check(&ended.secret).await.unwrap()), EndReason::SignedOut);
    assert_eq!(patient.logout_all(&alice()).await.unwrap(), 1);
}

/// The old master is frozen, not gone: its connections stay open and say nothing.
#[tokio::test]
async fn a_master_that_freezes_is_left() {
    if testkit::skipped("redis") {
        return;
    }
    let servers = RedisSentinel::start().unwrap();
    // One sentinel that nobody answers at does no harm.
    let mut urls = servers.urls();
    urls.insert(0, "redis://127.0.0.1:1/".into());
    let store = RedisStore::connect_sentinel(&urls, servers.service()).await.unwrap();
    let (sso, patient) = (over(store.clone().deadline(SHORT)), over(store.deadline(SLOW_MACHINE)));
    let live = login(&patient, &alice()).await;
    assert_eq!(servers.master().cli(&["WAIT", "1", "10000"]).unwrap(), "1");
    let old = servers.master().addr();
    servers.master().stop_signal().unwrap();
    assert_passing(&sso.check(&live.secret).await.unwrap_err());
    servers.wait_promoted(old).unwrap();
    assert!(matches!(recovered(&sso, &live.secret).await, Check::Active(_)));
    servers.master().cont_signal().unwrap();
    assert!(matches!(recovered(&sso, &live.secret).await, Check::Active(_)));
}

/// The servers have a password, the sentinels have none, and a database is chosen.
#[tokio::test]
async fn sentinels_without_a_password_lead_to_servers_with_one() {
    if testkit::skipped("redis") {
        return;
    }
    let servers = RedisSentinel::start().unwrap();
    let with_password = |password: &str| -> Vec<String> {
        let to = format!("redis://:{password}@");
        servers.urls().iter().map(|url| format!("{}3", url.replace("redis://", &to))).collect()
    };
    servers.master().cli(&["CONFIG", "SET", "requirepass", "right"]).unwrap();
    let store = RedisStore::connect_sentinel(&with_password("right"), servers.service()).await.unwrap();
    login(&over(store.deadline(SLOW_MACHINE)), &alice()).await;
    let keyspace = servers.master().cli(&["-a", "right", "--no-auth-warning", "INFO", "keyspace"]).unwrap();
    assert!(keyspace.contains("db3:keys="), "{keyspace}");
    let refused = RedisStore::connect_sentinel(&with_password("wrong"), servers.service()).await.unwrap_err();
    assert_eq!((refused.kind(), refused.is_transient()), (ErrorKind::Misuse, false), "{refused:?}");
}

#[tokio::test]
async fn a_service_that_no_sentinel_knows_is_told() {
    if testkit::skipped("redis") {
        return;
    }
    let servers = RedisSentinel::start().unwrap();
    let unknown = RedisStore::connect_sentinel(&servers.urls(), "nosuch").await.unwrap_err();
    assert_passing(&unknown);
}

#[tokio::test]
async fn a_wrong_address_is_the_callers_fault() {
    let refused = RedisStore::connect("http://127.0.0.1/").await.unwrap_err();
    assert_eq!((refused.kind(), refused.is_transient()), (ErrorKind::Misuse, false), "{refused}");
}

#[tokio::test]
async fn a_wrong_or_missing_password_is_the_callers_fault_and_a_silent_port_is_not() {
    if testkit::skipped("redis") {
        return;
    }
    let mut server = Redis::start().unwrap();
    server.cli(&["CONFIG", "SET", "requirepass", "right"]).unwrap();
    let connect =
        async |password| RedisStore::connect(&format!("redis://{password}{}/", server.addr())).await;
    for password in [":wrong@", ""] {
        let refused = connect(password).await.unwrap_err();
        assert_eq!((refused.kind(), refused.is_transient()), (ErrorKind::Misuse, false), "{refused:?}");
    }
    assert!(connect(":right@").await.is_ok());

    server.kill().unwrap();
    let silent = RedisStore::connect(&server.url()).await.unwrap_err();
    assert_eq!((silent.kind(), silent.is_transient()), (ErrorKind::Unavailable, true), "{silent}");
}

/// A login flood fills the memory. Nobody new gets in, and everybody inside can be seen and ended.
#[tokio::test]
async fn a_full_redis_refuses_logins_and_nothing_that_ends_a_session() {
    if testkit::skipped("redis") {
        return;
    }
    let server = Redis::start().unwrap();
    let store = connect(&server).await;
    let sso = over(store.clone());
    // Every use is due to be written down.
    let limits =
        SessionLimits::new(Duration::from_secs(100), Duration::from_secs(1000), Duration::ZERO).unwrap();
    let eager = Sso::new(Arc::new(store.clone()), limits);
    let short = web().remember(Duration::from_secs(3600));
    let over_soon = sso.login(&alice(), short).await.unwrap().admitted().unwrap();
    let mut live = Vec::new();
    for _ in 0..4 {
        live.push(login(&sso, &alice()).await);
    }
    server.cli(&["CONFIG", "SET", "maxmemory", "100kb"]).unwrap();

    let full = [
        sso.login(&alice(), web()).await.err(),
        // Those that a policy ends for it go on too.
        sso.clone().policy(LoginPolicy::one()).login(&alice(), web()).await.err(),
        sso.renew(&live[0].secret, Changes::new()).await.err(),
        sso.amend(&live[0].secret, Changes::new()).await.err(),
    ];
    for error in full {
        let error = error.unwrap();
        assert_passing(&error);
        assert!(error.to_string().contains("maxmemory"), "{error}");
    }
    for one in &live {
        assert!(matches!(sso.check(&one.secret).await.unwrap(), Check::Active(_)));
        assert!(matches!(eager.check(&one.secret).await.unwrap(), Check::Active(_)));
    }
    // A session whose time is over is noticed.
    let later = At::Millis(over_soon.session.expires_at);
    let noticed = store.check(&over_soon.secret.key(), limits, later).await.unwrap();
    assert_eq!((why(noticed.value), noticed.events.len()), (EndReason::ExpiredAbsolute, 1));
    assert_eq!(sso.sessions(&alice()).await.unwrap().len(), 4);
    assert_eq!(sso.online(None, PageSize::MAX).await.unwrap().users.len(), 1);

    assert!(sso.logout(&live[0].secret).await.unwrap());
    let one = Which::One(live[1].session.id.clone());
    assert_eq!(sso.kick(&alice(), &one, None).await.unwrap().len(), 1);
    assert_eq!(sso.revoke_all(&alice()).await.unwrap(), 2);
    for (ended, reason) in
        live.iter().zip([EndReason::SignedOut, EndReason::Kicked { by: None }, EndReason::Revoked])
    {
        assert_eq!(why(sso.check(&ended.secret).await.unwrap()), reason);
    }
    server.cli(&["CONFIG", "SET", "maxmemory", "0"]).unwrap();
    login(&sso, &alice()).await;
}
