//! The application: every part of the school, opened from the config and held in one place.

use std::sync::Arc;
use std::time::Duration;

use payments::alipay::Merchant;
use payments::store::OrderStore;
use rbac::Live;
use seckill::{FlashSale, SaleStore};
use sso_core::{CookieConfig, Issuer, KeySet, PasswordHasher, Sso, Verifier};
use tokio::sync::{Semaphore, watch};

use crate::http::problem::Problem;
use crate::lab::Lab;
use crate::purchase;
use crate::school::School;

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
    /// The origin of the payment gateway, for the form-action of our pages.
    pub(crate) gateway_origin: String,
    /// Where the gateway reaches this instance.
    pub(crate) notify_base: String,
    pub(crate) pay_minutes: u64,
    pub(crate) school: School,
    pub(crate) sso: Sso,
    pub(crate) cookie: CookieConfig,
    pub(crate) hasher: Arc<PasswordHasher>,
    /// Turns at the password hasher: each costs megabytes and milliseconds.
    pub(crate) hashing: Semaphore,
    pub(crate) keys: KeySet,
    pub(crate) issuer: Issuer,
    pub(crate) verifier: Verifier,
    pub(crate) live: Live,
    pub(crate) sales: Arc<dyn SaleStore>,
    pub(crate) orders: Arc<dyn OrderStore>,
    pub(crate) merchant: Merchant,
    pub(crate) lab: Lab,
    /// Turns true when the demo drains.
    pub(crate) stopping: watch::Receiver<bool>,
}

impl App {
    /// The flash sale of a course.
    pub(crate) fn sale(&self, slug: &str) -> Result<FlashSale, Problem> {
        Ok(FlashSale::attach(Arc::clone(&self.sales), purchase::sale_id(slug)?))
    }
}

/// Every second: what was not paid in time goes back, and changes of the policy by other instances come in.
pub(crate) async fn housekeeping(app: Shared) {
    let mut stopping = app.stopping.clone();
    let mut since = 0;
    loop {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
        match tidy(&app, since).await {
            Ok(until) => since = until,
            Err(problem) => {
                tracing::warn!(code = problem.code, detail = problem.detail, "housekeeping will try again")
            }
        }
    }
}

/// One round of housekeeping. Answers up to which instant expired orders are closed.
async fn tidy(app: &App, since: i64) -> Result<i64, Problem> {
    let until = crate::clock::to_column(crate::clock::now_millis());
    for course in app.school.courses().await? {
        purchase::sweep(app, &course, since).await?;
    }
    app.live.refresh().await?;
    Ok(until)
}
