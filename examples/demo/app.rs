//! The application: every part of the school, opened from the config and held in one place.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use payments::store::OrderStore;
use rbac::Live;
use seckill::FlashSale;
use sso_core::social::SignIn;
use sso_core::{
    CookieConfig, Issuer, KeySet, PasswordHasher, Refresher, Revocations, Revoker, SessionSecret, Sso,
    Throttle, Verifier,
};
use tokio::sync::{Semaphore, watch};

use crate::http::guard::Policies;
use crate::http::office::desk::Rows;
use crate::http::problem::Problem;
use crate::lab::Lab;
use crate::openid::Openid;
use crate::purchase;
use crate::school::School;
use crate::till::Till;

/// The audience of our access tokens.
pub(crate) const AUDIENCE: &str = "school-api";

/// What every handler is given.
pub(crate) type Shared = Arc<App>;

/// The parts of the school.
#[derive(Debug)]
pub(crate) struct App {
    /// The address that browsers use, without a slash at its end.
    pub(crate) public_url: String,
    /// The origins whose pages may change things here.
    pub(crate) origins: Vec<String>,
    /// The content security policies of our pages.
    pub(crate) policies: Policies,
    pub(crate) pay_minutes: u64,
    pub(crate) school: School,
    pub(crate) sso: Sso,
    /// Sign-in with providers.
    pub(crate) social: SignIn,
    /// The secret of no session, to ask the session store whether it answers.
    pub(crate) probe: SessionSecret,
    pub(crate) cookie: CookieConfig,
    pub(crate) hasher: Arc<PasswordHasher>,
    /// Slows guesses at passwords down, on all instances together.
    pub(crate) throttle: Throttle,
    /// Turns at the password hasher: each costs megabytes and milliseconds.
    pub(crate) hashing: Arc<Semaphore>,
    /// Places in the queue for those turns.
    pub(crate) hashing_queue: Semaphore,
    pub(crate) keys: KeySet,
    pub(crate) issuer: Issuer,
    pub(crate) verifier: Verifier,
    pub(crate) refresher: Refresher,
    /// Calls access tokens back.
    pub(crate) revoker: Revoker,
    /// What this instance knows of tokens that were called back; the verifier asks it.
    pub(crate) revocations: Arc<Revocations>,
    /// Signing in at other sites; none on an address that no site may trust.
    pub(crate) openid: Option<Openid>,
    pub(crate) live: Live,
    /// The rows behind the policy in use, for the back office.
    pub(crate) rows: Rows,
    /// The flash sales by course; clones of one share what they know of it.
    pub(crate) sales: HashMap<String, FlashSale>,
    pub(crate) orders: Arc<dyn OrderStore>,
    /// Everything that takes and gives money.
    pub(crate) till: Till,
    pub(crate) lab: Lab,
    /// Turns true when the demo drains.
    pub(crate) stopping: watch::Receiver<bool>,
}

impl App {
    /// The flash sale of a course.
    pub(crate) fn sale(&self, slug: &str) -> Result<FlashSale, Problem> {
        self.sales.get(slug).cloned().ok_or_else(Problem::not_found)
    }

    /// Signing in at other sites.
    pub(crate) fn openid(&self) -> Result<&Openid, Problem> {
        self.openid.as_ref().ok_or_else(Problem::not_found)
    }
}

/// Open checkouts that one round of housekeeping looks at.
const CHECKOUTS_A_ROUND: u32 = 200;

/// Every second: unpaid seats go back, and checkouts end whose time is over. What follows from payments is the till's work.
pub(crate) async fn housekeeping(app: Shared) {
    let mut stopping = app.stopping.clone();
    let mut after = String::new();
    loop {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
        // One part that fails must not keep the others from their work.
        note("sales", sweep(&app).await);
        match tidy(&app, &after).await {
            Ok(last) => after = last,
            failed => note("checkouts", failed.map(drop)),
        }
    }
}

fn note(part: &str, done: Result<(), Problem>) {
    if let Err(problem) = done {
        tracing::warn!(part, code = problem.code, detail = problem.detail, "housekeeping will try again");
    }
}

async fn sweep(app: &App) -> Result<(), Problem> {
    for course in app.school.courses().await? {
        note(&course.slug, purchase::sweep(app, &course).await);
    }
    Ok(())
}

/// Looks at the open checkouts after the one that the last round ended with. Answers where the next round goes on.
async fn tidy(app: &App, after: &str) -> Result<String, Problem> {
    let mut last = String::new();
    for checkout in app.school.checkouts_open(after, CHECKOUTS_A_ROUND).await? {
        note(&checkout.out_trade_no, purchase::tidy(app, &checkout).await);
        last = checkout.out_trade_no;
    }
    Ok(last)
}
