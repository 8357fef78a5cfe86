//! Tests that measure the memory of their process run in a process of their own.

use std::process::Command;
use std::sync::Arc;
use std::{env, fs};

use webssh_core::ssh::Backend;

use crate::contract::lab::AnyBackend;

/// Says to a process that it is the one to measure.
const APART: &str = "WEBSSH_TEST_APART";

/// Runs `body` in a process of its own: the test of this name, started again.
pub(crate) fn apart(name: &str, body: impl FnOnce()) {
    if env::var_os(APART).is_some() {
        return body();
    }
    let (_crate, name) = name.split_once("::").unwrap();
    let mut command = Command::new(env::current_exe().unwrap());
    let output = command.args(["--exact", name, "--nocapture"]).env(APART, "1").output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && out.contains("1 passed"), "{out}\n{err}");
    println!("{out}");
}

pub(crate) fn backend(backend: impl Backend + 'static) -> AnyBackend {
    Arc::new(backend)
}

/// The resident memory of this process, in KiB.
pub(crate) fn resident_kib() -> u64 {
    status("VmRSS:")
}

/// The most resident memory since [`forget_peak`], in KiB.
pub(crate) fn peak_kib() -> u64 {
    status("VmHWM:")
}

pub(crate) fn forget_peak() {
    fs::write("/proc/self/clear_refs", "5").unwrap();
}

fn status(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Makes a test of each function for each backend, each in a process of its own. The functions take the
/// backend and the name of its column.
macro_rules! for_each_backend_apart {
    ($($test:ident),+ $(,)?) => {
        #[cfg(feature = "ssh2")]
        mod by_libssh2 {
            use crate::hostile::apart::{apart, backend};
            $(#[test]
            fn $test() {
                let name = concat!(module_path!(), "::", stringify!($test));
                apart(name, || super::$test(&backend(webssh_core::ssh::GuardedLibssh2)));
            })+
        }
        #[cfg(feature = "russh")]
        mod by_russh {
            use crate::hostile::apart::{apart, backend};
            $(#[test]
            fn $test() {
                let name = concat!(module_path!(), "::", stringify!($test));
                apart(name, || super::$test(&backend(webssh_core::ssh::Russh)));
            })+
        }
    };
}
pub(crate) use for_each_backend_apart;
