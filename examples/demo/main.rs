//! The demo: an online school that wires all five crates. `cargo demo` builds and starts it.

mod app;
mod clock;
mod config;
mod gateways;
mod http;
mod keys;
mod lab;
mod open;
mod openid;
mod perm;
mod provider;
mod purchase;
mod restore;
mod sales;
mod sandbox;
mod school;
mod seed;
mod shell_target;
mod single_logout;
mod sites;
mod social;
mod start_error;
mod till;
mod vendor;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{oneshot, watch};
use tracing_subscriber::EnvFilter;

use config::{Config, LogFormat};
use start_error::StartError;

/// The longest that open requests may take to end after Ctrl-C, in seconds.
const DRAIN_SECS_MAX: u64 = 10;
/// The longest that noting the last ended sessions may take.
const NOTE_MAX: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let config = Config::parse();
    start_log(config.log_format);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(cause) => return failed(&StartError::Runtime { cause }),
    };
    match runtime.block_on(run(config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn start_log(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,russh=warn"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
}

#[expect(clippy::print_stderr, reason = "the last words of a program that could not start are for a person")]
fn failed(error: &StartError) -> ExitCode {
    eprintln!("error: {error}");
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        eprintln!("  because: {next}");
        cause = next.source();
    }
    ExitCode::FAILURE
}

async fn run(config: Config) -> Result<(), StartError> {
    let (stop, stopping) = watch::channel(false);
    let listener = TcpListener::bind(config.listen)
        .await
        .map_err(|cause| StartError::Listen { addr: config.listen, cause })?;
    let addr = listener.local_addr().map_err(|cause| StartError::Listen { addr: config.listen, cause })?;
    let mut signals = Signals::listen()?;
    let opened = open::open(&config, addr, stopping.clone()).await?;
    let app = opened.app;
    let _watcher = opened.watcher;
    http::chrome::name_instance(format!("{addr} pid {}", std::process::id()));
    open::announce(&opened.parts, &app.public_url);

    let mut tidying = tokio::spawn(app::housekeeping(app.clone()));
    let mut telling = tokio::spawn(single_logout::tell_sites(app.clone()));
    let mut working = tokio::spawn(till::work(app.clone()));
    let mut reconciling = tokio::spawn(till::reconcile(app.clone()));
    let mut watching = tokio::spawn(http::lab::recheck(app.clone()));
    let (served, all_served) = oneshot::channel::<()>();
    let noting = tokio::spawn(opened.ends.note(async {
        // An error means that the sender is gone, which is the end of serving as well.
        let _gone = all_served.await;
    }));
    let mut drained = stopping.clone();
    let serving = http::router(app).into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, serving).with_graceful_shutdown(async move {
        // An error means that the sender is gone, which is a stop as well.
        let _gone = drained.wait_for(|stop| *stop).await;
    });
    let mut server = tokio::spawn(server.into_future());
    let early = tokio::select! {
        () = signals.wait() => false,
        _ = &mut server => true,
        _ = &mut tidying => true,
        _ = &mut telling => true,
        _ = &mut working => true,
        _ = &mut reconciling => true,
        _ = &mut watching => true,
    };
    tracing::info!(early, "stopping: open requests may end, new ones are refused");
    stop.send_replace(true);
    // Every terminal is told and its recording finished before the shells go.
    if !early && tokio::time::timeout(NOTE_MAX, watching).await.is_err() {
        tracing::warn!("some terminals did not end in time");
    }
    if let Some(shell_target) = opened.shell_target
        && let Err(cause) = shell_target.shutdown().await
    {
        tracing::error!(%cause, "the embedded SSH server did not stop cleanly");
    }
    if early {
        return Err(StartError::Ended);
    }
    let drained = tokio::time::timeout(Duration::from_secs(DRAIN_SECS_MAX), server).await;
    match drained {
        Ok(Ok(Ok(()))) => tracing::info!("stopped"),
        Ok(Ok(Err(cause))) => return Err(StartError::Runtime { cause }),
        Ok(Err(_)) => return Err(StartError::Ended),
        Err(_) => tracing::warn!(secs = DRAIN_SECS_MAX, "some requests did not end in time and were cut off"),
    }
    // With the server gone nobody ends sessions any more; what ended last is still to be noted.
    drop(served);
    if tokio::time::timeout(NOTE_MAX, noting).await.is_err() {
        tracing::warn!("the end of some sessions may not have been noted");
    }
    Ok(())
}

/// Ctrl-C and a polite kill, listened for from the start, so that neither is lost while the demo opens.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> Result<Self, StartError> {
        let listen = |kind| signal(kind).map_err(|cause| StartError::Runtime { cause });
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
