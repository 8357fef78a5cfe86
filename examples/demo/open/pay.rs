//! The till: the gateways that are set, or the sandbox on a port of its own, behind one desk.

use std::net::SocketAddr;
use std::sync::Arc;

use payments::desk::Desk;
use payments::store::OrderStore;
use payments::{CallbackUrl, Gateway, SystemEdge};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::Part;
use crate::config::Config;
use crate::gateways::{self, Real};
use crate::http::notify;
use crate::sandbox;
use crate::start_error::StartError;
use crate::till::Till;

/// Every instance behind a load balancer has a sandbox on a port of its own.
const SANDBOX_CASHIERS: &str = "http://127.0.0.1:*";

/// What opening the till gives.
pub(super) struct Opened {
    pub(super) till: Till,
    /// Where a form may lead: the gateways and their cashiers, as sources of a content security policy.
    pub(super) cashiers: String,
    pub(super) part: Part,
}

/// Opens the till over the gateways that are set, else over the sandbox.
pub(super) async fn open(
    config: &Config,
    public_url: &str,
    addr: SocketAddr,
    orders: Arc<dyn OrderStore>,
    stopping: watch::Receiver<bool>,
) -> Result<Opened, StartError> {
    let real = gateways::real(config)?;
    let (sandboxed, gateways, part) = if real.is_empty() {
        let (gateways, part) = embedded(stopping).await?;
        (true, gateways, part)
    } else {
        let gateways = real.iter().map(|real| Arc::clone(&real.gateway)).collect();
        (false, gateways, Part { name: "payment gateways", external: true, words: places(&real) })
    };
    let here = if sandboxed { format!("http://{addr}") } else { public_url.to_owned() };
    let base = config.notify_base_url.clone().unwrap_or(here);
    let mut desk = Desk::new(orders, Arc::new(SystemEdge));
    for gateway in gateways {
        let notify_url = CallbackUrl::parse(&notify::address(base.trim_end_matches('/'), gateway.channel()))
            .map_err(StartError::part("address for notifies"))?;
        desk = desk.with_gateway(gateway, notify_url).map_err(StartError::part("payment desk"))?;
    }
    let cashiers = real.iter().flat_map(|real| real.cashiers.iter().map(String::as_str));
    let cashiers =
        if sandboxed { SANDBOX_CASHIERS.to_owned() } else { cashiers.collect::<Vec<_>>().join(" ") };
    let fresh = real.into_iter().find_map(|real| real.fresh);
    let till = Till::new(desk, config.pay_minutes, config.reconcile_secs, fresh);
    Ok(Opened { till, cashiers, part })
}

fn places(real: &[Real]) -> String {
    let place = |real: &Real| format!("{} at {}", real.gateway.channel().code(), real.place);
    real.iter().map(place).collect::<Vec<_>>().join(", ")
}

/// Serves the sandbox until `stopping` says so, and gives the gateways that lead to it.
async fn embedded(stopping: watch::Receiver<bool>) -> Result<(Vec<Arc<dyn Gateway>>, Part), StartError> {
    let place = SocketAddr::from(([127, 0, 0, 1], 0));
    let taken = |cause| StartError::Listen { addr: place, cause };
    let listener = TcpListener::bind(place).await.map_err(taken)?;
    let origin = sandbox::origin(listener.local_addr().map_err(taken)?);
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .map_err(StartError::part("sandbox gateway"))?;
    let (at, http) = (origin.clone(), client.clone());
    let made = tokio::task::spawn_blocking(move || gateways::embedded(&at, http)).await;
    let made = made.map_err(StartError::part("sandbox gateway"))?;
    let (gateway, gateways) = made.map_err(StartError::part("sandbox gateway"))?;
    tokio::spawn(async move {
        if let Err(cause) = sandbox::serve(listener, gateway, client, stopping).await {
            tracing::error!(%cause, "the sandbox gateway stopped");
        }
    });
    let words = format!("Alipay, WeChat Pay and UnionPay in the sandbox at {origin}");
    Ok((gateways, Part { name: "payment gateways", external: false, words }))
}
