//! What has to be true once a server was dropped.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

/// Drops `server` and checks that its process is reaped and its port can be bound again.
pub(crate) fn drop_and_check<T>(server: T, pid: u32, addr: SocketAddr) {
    assert!(runs(pid), "process {pid} ran before");
    drop(server);
    assert!(!runs(pid), "process {pid} was left behind");
    // The listener of the standard library sets SO_REUSEADDR, so only a living listener is in its way.
    testkit::until(Duration::from_secs(60), "a free port", || TcpListener::bind(addr).is_ok()).unwrap();
}

fn runs(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}
