//! What every backend has to do, against a real sshd and against a server that the test plays: one suite,
//! run for each of them.

mod agent;
#[cfg(feature = "russh")]
mod beyond;
pub(crate) mod ends;
mod hosts;
mod jump;
pub(crate) mod lab;
mod logins;
pub(crate) mod played;
pub(crate) mod processes;
mod programs;
pub(crate) mod screen;
mod strict;
mod traffic;

/// Makes a test of each function for each backend. The functions take the backend.
macro_rules! for_each_backend {
    ($($test:ident),+ $(,)?) => {
        #[cfg(feature = "ssh2")]
        mod by_libssh2 {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                if !testkit::skipped("sshd") {
                    super::$test(std::sync::Arc::new(webssh_core::ssh::Libssh2)).await;
                }
            })+
        }
        #[cfg(feature = "russh")]
        mod by_russh {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                if !testkit::skipped("sshd") {
                    super::$test(std::sync::Arc::new(webssh_core::ssh::Russh)).await;
                }
            })+
        }
    };
}
pub(crate) use for_each_backend;
