//! Opening: each part of the school from the config, embedded or external, and a table that says which is which.

mod lab;
mod openid;
mod pay;
mod policy;
mod social;
mod sso;
mod stores;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rbac::Watcher;
use sso_core::{RefreshLimits, Refresher, Revocations, RevocationsConfig, Revoker, Throttle, ThrottlePolicy};
use tokio::sync::{Semaphore, watch};

use crate::app::{App, Shared};
use crate::config::Config;
use crate::http::guard::Policies;
use crate::http::office::desk::Rows;
use crate::restore::Books;
use crate::school::School;
use crate::seed;
use crate::shell_target::ShellTarget;
use crate::single_logout::{self, Ends};
use crate::start_error::StartError;

/// Passwords hashed at the same time.
const HASHING_MAX: usize = 2;
/// The longest life of an access token.
const TOKEN_LIFE_MAX: Duration = Duration::from_secs(3600);
/// People who may wait for their password to be checked.
const HASHING_QUEUE_MAX: usize = 64;

/// What opening gives.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) app: Shared,
    /// The embedded SSH server, to be shut down at the end.
    pub(crate) shell_target: Option<ShellTarget>,
    /// Ended sessions, to be noted.
    pub(crate) ends: Ends,
    /// Keeps the policy new for as long as it is held.
    pub(crate) watcher: Watcher,
    pub(crate) parts: Vec<Part>,
}

/// A line of the table at start.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) name: &'static str,
    pub(crate) external: bool,
    pub(crate) words: String,
}

/// Opens everything.
pub(crate) async fn open(
    config: &Config,
    addr: SocketAddr,
    stopping: watch::Receiver<bool>,
) -> Result<Opened, StartError> {
    std::fs::create_dir_all(&config.data_dir)
        .map_err(|cause| StartError::DataDir { path: config.data_dir.clone(), cause })?;
    let (pool, database_part) = stores::database(config).await?;
    let school = School::open(pool.clone()).await.map_err(|cause| StartError::Database { cause })?;
    let stores = stores::open(config).await?;
    let policies = rbac::SqliteStore::new(pool.clone());
    policies.migrate().await.map_err(StartError::part("permission store"))?;
    let (live, watcher) = policy::open(policies, Duration::from_secs(config.policy_poll_secs)).await?;
    let orders = Arc::new(payments::store::SqliteStore::new(pool));
    orders.migrate().await.map_err(StartError::part("order store"))?;
    let identity = sso::open(config, addr)?;
    let store = Arc::clone(&orders);
    let pay = pay::open(config, &identity.public_url, addr, store, stopping.clone()).await?;
    let bench = lab::open(config, &identity.origins).await?;
    let doors = social::open(config, &identity.public_url, stopping.clone()).await?;

    let (listener, ends) = single_logout::listen();
    let sso = sso_core::Sso::new(stores.sessions, identity.limits).events(listener);
    seed::school(&school, &identity.hasher).await?;
    seed::policy(&live).await?;
    let sales =
        seed::sales(&stores.sales, Books { school: &school, orders: &*orders }, config.pay_minutes).await?;
    let revocations =
        Arc::new(Revocations::follow(Arc::clone(&stores.revocations), RevocationsConfig::default()));
    let shelves = openid::Shelves {
        sites: stores.sites,
        refreshes: Arc::clone(&stores.refreshes),
        revocations: Arc::<Revocations>::clone(&revocations),
        school: school.clone(),
    };
    let neighbours = openid::open(config, &identity, shelves)?;
    // Sessions that a refresh finds ended are told of like any other.
    let refresher = Refresher::new(stores.refreshes, RefreshLimits::default()).sessions(sso.clone());
    let single_logout = neighbours.openid.as_ref().map(|openid| openid.single_logout.clone());
    let ends = ends(single_logout, refresher.clone());
    let may_lead_to = Policies::new(
        &[vec![pay.cashiers, doors.sources.to_owned()], neighbours.destinations].concat().join(" "),
    );
    let app = App {
        origins: identity.origins,
        policies: may_lead_to.map_err(StartError::part("content security policy"))?,
        public_url: identity.public_url,
        pay_minutes: config.pay_minutes,
        school,
        sso,
        social: doors.sign_in,
        probe: identity.probe,
        cookie: identity.cookie,
        hasher: Arc::new(identity.hasher),
        throttle: Throttle::new(stores.guesses, ThrottlePolicy::default()),
        hashing: Arc::new(Semaphore::new(HASHING_MAX)),
        hashing_queue: Semaphore::new(HASHING_QUEUE_MAX),
        keys: identity.keys,
        issuer: identity.issuer,
        verifier: identity.verifier.revocations(Arc::<Revocations>::clone(&revocations)),
        refresher,
        revoker: Revoker::new(stores.revocations, TOKEN_LIFE_MAX),
        revocations,
        openid: neighbours.openid,
        live,
        rows: Rows::default(),
        sales,
        orders,
        till: pay.till,
        lab: bench.lab,
        stopping,
    };
    let parts = vec![database_part, stores.part, pay.part, doors.part, neighbours.part, bench.part];
    Ok(Opened { app: Arc::new(app), shell_target: bench.shell_target, ends, watcher, parts })
}

/// How long opening a connection to an outside part may take.
pub(crate) const CONNECT: Duration = Duration::from_secs(3);

/// Tells a person where to go and what stands behind it.
#[expect(clippy::print_stdout, reason = "the demo's first words are for the person who started it")]
pub(crate) fn announce(parts: &[Part], public_url: &str) {
    println!("\nPinewood School is open at  {public_url}\n");
    println!("  accounts (password `{}`):", seed::PASSWORD);
    for (_, login, name, role, _) in seed::ACCOUNTS {
        println!("    {login:<12} {role:<14} {name}");
    }
    println!("\n  parts:");
    for part in parts {
        let kind = if part.external { "external" } else { "embedded" };
        println!("    {:<22} {kind:<9} {}", part.name, part.words);
    }
    println!("\nCtrl-C stops it. `cargo demo --help` lists the settings.\n");
}
