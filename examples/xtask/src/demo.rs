//! `cargo demo`: looks that everything is there, then builds and runs the demo.

use std::env;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::ExitCode;

use crate::problem::Problem;
use crate::workspace::{self, succeeds};

/// Becomes the demo: xtask is replaced by cargo and cargo by the demo, so a Ctrl-C reaches the demo alone,
/// and its exit code is the exit code of `cargo demo`. Only a failure to start returns.
pub(crate) fn run(args: &[OsString]) -> Result<ExitCode, Problem> {
    let found = Found {
        npm: succeeds("node", &["--version"]) && succeeds("npm", &["--version"]),
        openssl: has_openssl(),
        compiler_of_openssl: succeeds("perl", &["--version"]) && succeeds("make", &["--version"]),
    };
    let mut command = workspace::cargo();
    command.args(["run", "--package", "examples", "--bin", "demo"]);
    if plan(&found)? == OpenSsl::FromSource {
        eprintln!(
            "no OpenSSL headers here: OpenSSL is built from source, once; this takes about two minutes more"
        );
        // The variable would forbid what is asked for.
        command.args(["--features", "vendored-openssl"]).env_remove("OPENSSL_NO_VENDOR");
    }
    command.arg("--").args(args);
    Err(Problem::io("start cargo", &command.exec()))
}

/// What the machine has.
#[derive(Clone, Copy, Debug)]
struct Found {
    npm: bool,
    openssl: bool,
    compiler_of_openssl: bool,
}

/// Which OpenSSL the SSH library is linked with.
#[derive(Debug, PartialEq, Eq)]
enum OpenSsl {
    OfTheSystem,
    FromSource,
}

fn plan(found: &Found) -> Result<OpenSsl, Problem> {
    if !found.npm {
        return Err(Problem::Machine(
            "the demo's pages need Node.js and npm to be built; install Node.js 18 or newer with npm: \
             `apt-get install -y --no-install-recommends nodejs npm`"
                .to_owned(),
        ));
    }
    match (found.openssl, found.compiler_of_openssl) {
        (true, _) => Ok(OpenSsl::OfTheSystem),
        (false, true) => Ok(OpenSsl::FromSource),
        (false, false) => Err(Problem::Machine(
            "the SSH library needs OpenSSL; install its headers: \
             `apt-get install -y --no-install-recommends libssl-dev pkg-config`, \
             or perl and make, to build it from source"
                .to_owned(),
        )),
    }
}

/// Whether the build will find the system's OpenSSL. Headers alone are not enough: without pkg-config or
/// these variables the build does not look at them.
fn has_openssl() -> bool {
    let set = |name| env::var_os(name).is_some();
    set("OPENSSL_DIR")
        || (set("OPENSSL_LIB_DIR") && set("OPENSSL_INCLUDE_DIR"))
        || succeeds("pkg-config", &["--exists", "openssl"])
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Found = Found { npm: true, openssl: true, compiler_of_openssl: true };

    #[test]
    fn headers_are_preferred_and_the_source_is_the_second_choice() {
        assert_eq!(plan(&ALL).unwrap(), OpenSsl::OfTheSystem);
        assert_eq!(plan(&Found { compiler_of_openssl: false, ..ALL }).unwrap(), OpenSsl::OfTheSystem);
        assert_eq!(plan(&Found { openssl: false, ..ALL }).unwrap(), OpenSsl::FromSource);
    }

    #[test]
    fn what_is_missing_is_named_with_the_command_that_installs_it() {
        let no_openssl = Found { openssl: false, compiler_of_openssl: false, ..ALL };
        for (found, package) in [(no_openssl, "libssl-dev"), (Found { npm: false, ..ALL }, "nodejs npm")] {
            let Err(Problem::Machine(words)) = plan(&found) else { panic!("accepted {found:?}") };
            assert!(words.contains("apt-get install") && words.contains(package), "{words}");
        }
    }
}
