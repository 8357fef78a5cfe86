//! The sandbox gateway as a program: prints where it is and what its merchants configure, as JSON, and serves.
//!
//! `cargo run -p examples --bin sandbox_gateway -- --port 0 --speed 60`, then open the `origin` in a browser.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Parser;
use payments::UnixMillis;
use payments::sandbox::{Mischief, Sandbox, Speed, Switch};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;

use self::merchants::Mode;

#[path = "sandbox_gateway/merchants.rs"]
mod merchants;
#[path = "demo/sandbox.rs"]
mod sandbox;

/// A local gateway for Alipay, WeChat Pay and UnionPay. No money moves; keys are fresh at every start.
#[derive(Debug, Parser)]
struct Args {
    /// The port; 0 takes a free one.
    #[arg(long, default_value_t = 8070)]
    port: u16,
    /// The address to listen on.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,
    /// Scheme, host and port that merchants and browsers use, if not the listening address.
    #[arg(long)]
    origin: Option<String>,
    /// How many times faster than the real gateway it waits between attempts to deliver a notify.
    #[arg(long, default_value_t = 1)]
    speed: u32,
    /// Alipay and WeChat Pay with certificates in place of bare public keys.
    #[arg(long)]
    certificates: bool,
    /// What it does wrong, for all trades: duplicate, reordered, wrong_amount, forged, probe, lost, reply_lost,
    /// reply_garbled, busy, slow. May be given several times.
    #[arg(long, value_parser = mischief)]
    mischief: Vec<Mischief>,
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "other programs read the configuration from here")]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let args = Args::parse();
    let listener = TcpListener::bind((args.listen, args.port)).await?;
    let origin = args.origin.unwrap_or(sandbox::origin(listener.local_addr()?));
    let mode = if args.certificates { Mode::Certificates } else { Mode::Keys };
    let now = now()?;
    let (alipay, alipay_merchant) = merchants::alipay(&origin, mode, now)?;
    let (wechat, wechat_merchant) = merchants::wechat(&origin, mode, now)?;
    let (unionpay, unionpay_merchant) = merchants::unionpay(&origin, now)?;
    let gateway = Sandbox::new(&origin)?
        .with_alipay(alipay)
        .with_wechat(wechat)
        .with_unionpay(unionpay)
        .sped_up(Speed::times(args.speed));
    for mischief in args.mischief {
        gateway.misbehave(None, mischief, Switch::On);
    }
    let configuration = json!({
        "origin": origin,
        "alipay": alipay_merchant,
        "wechat": wechat_merchant,
        "unionpay": unionpay_merchant,
    });
    println!("{configuration}");

    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build()?;
    let (stop, stopping) = watch::channel(false);
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stop.send_replace(true);
        }
        // A system without signals is stopped by ending the process.
        stop.closed().await;
    });
    sandbox::serve(listener, gateway, client, stopping).await?;
    Ok(())
}

fn mischief(code: &str) -> Result<Mischief, String> {
    Mischief::find(code).ok_or_else(|| format!("`{code}` is none of the kinds that --help lists"))
}

fn now() -> Result<UnixMillis, Box<dyn Error>> {
    Ok(UnixMillis::from_millis(u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?))
}
