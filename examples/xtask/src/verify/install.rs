//! The Debian packages that the tests need: which are missing, and installing them.

use std::process::Command;
use std::time::Instant;

use crate::problem::Problem;
use crate::verify::command;
use crate::workspace::succeeds;

/// A package and why it is here.
struct Package {
    name: &'static str,
    /// The server in `TESTKIT_SKIP` that is its only use.
    server: Option<&'static str>,
    /// A program that, when it runs, does as well as the package.
    program: Option<&'static str>,
}

const PACKAGES: [Package; 16] = [
    server("redis-server", "redis"),
    // Moves the wall clock of a redis-server.
    server("libfaketime", "redis"),
    server("openssh-server", "sshd"),
    server("nginx-light", "nginx"),
    server("chromium", "chromium"),
    server("chromium-driver", "chromium"),
    // Without it Chinese text in a page is boxes.
    server("fonts-wqy-microhei", "chromium"),
    server("postgresql", "postgres"),
    server("mariadb-server-core", "mariadb"),
    server("mariadb-client-core", "mariadb"),
    always("libssl-dev", None),
    always("pkg-config", None),
    always("openssl", None),
    // The demo's pages are built with these, from Debian or from elsewhere.
    always("nodejs", Some("node")),
    always("npm", Some("npm")),
    // A peer of the figures is a Python program, in an environment of its own.
    always("python3-venv", None),
];

const fn server(name: &'static str, server: &'static str) -> Package {
    Package { name, server: Some(server), program: None }
}

const fn always(name: &'static str, program: Option<&'static str>) -> Package {
    Package { name, server: None, program }
}

pub(super) fn run(install: bool, skip: &[String]) -> Result<bool, Problem> {
    let missing = missing(skip, &installed()?, |program| succeeds(program, &["--version"]));
    if missing.is_empty() {
        println!("nothing is missing");
        return Ok(true);
    }
    let by_hand = format!("apt-get install -y --no-install-recommends {}", missing.join(" "));
    if !install {
        return Err(Problem::Machine(format!("packages are missing; run as root: {by_hand}")));
    }
    let privilege = privilege(&by_hand)?;
    if !apt_get(privilege, &["update"])? {
        return Err(Problem::Machine("`apt-get update` failed; see above".to_owned()));
    }
    let mut held = true;
    for package in missing {
        let started = Instant::now();
        let success = apt_get(privilege, &["install", "-y", "--no-install-recommends", package])?;
        let result = if success { "installed" } else { "FAILED" };
        println!("{package}: {result} in {:.1} seconds", started.elapsed().as_secs_f64());
        held &= success;
    }
    Ok(held)
}

/// What dpkg says about the packages.
fn installed() -> Result<String, Problem> {
    let output = Command::new("dpkg-query")
        .args(["--show", "--showformat", "${Package} ${db:Status-Status}\n"])
        .args(PACKAGES.iter().map(|package| package.name))
        .output();
    // An unknown package is a failure to dpkg-query, but it lists the others.
    match output {
        Ok(output) => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        Err(e) => Err(Problem::Machine(format!(
            "cannot run dpkg-query ({e}); only Debian's packages are known here: name the other parts \
             after `cargo verify` to run them without this step"
        ))),
    }
}

fn missing(skip: &[String], installed: &str, runs: impl Fn(&str) -> bool) -> Vec<&'static str> {
    let is_installed = |name: &str| installed.lines().any(|line| line == format!("{name} installed"));
    let is_skipped = |package: &Package| skip.iter().any(|server| package.server == Some(server));
    PACKAGES
        .iter()
        .filter(|package| !is_skipped(package))
        .filter(|package| !is_installed(package.name) && !package.program.is_some_and(&runs))
        .map(|package| package.name)
        .collect()
}

/// Who runs apt-get.
#[derive(Clone, Copy, Debug)]
enum Privilege {
    Root,
    Sudo,
}

fn privilege(by_hand: &str) -> Result<Privilege, Problem> {
    let id = Command::new("id").arg("-u").output().map_err(|e| Problem::io("run `id -u`", &e))?;
    if id.stdout.trim_ascii() == b"0" {
        Ok(Privilege::Root)
    } else if succeeds("sudo", &["-n", "true"]) {
        Ok(Privilege::Sudo)
    } else {
        Err(Problem::Machine(format!(
            "packages are missing, and neither root nor `sudo` without a password is here; run as root: {by_hand}"
        )))
    }
}

fn apt_get(privilege: Privilege, args: &[&str]) -> Result<bool, Problem> {
    let mut apt_get = match privilege {
        Privilege::Root => Command::new("env"),
        Privilege::Sudo => Command::new("sudo"),
    };
    if let Privilege::Sudo = privilege {
        apt_get.args(["-n", "env"]);
    }
    apt_get.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]).args(args);
    Ok(command::stream(apt_get)?.success)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_but(names: &[&str]) -> String {
        let states = PACKAGES.iter().map(|package| {
            let state = if names.contains(&package.name) { "not-installed" } else { "installed" };
            format!("{} {state}\n", package.name)
        });
        states.collect()
    }

    #[test]
    fn a_package_is_missing_unless_dpkg_calls_it_installed() {
        assert!(missing(&[], &all_but(&[]), |_| false).is_empty());
        assert_eq!(missing(&[], &all_but(&["openssl"]), |_| false), ["openssl"]);
        assert_eq!(missing(&[], "", |_| false).len(), PACKAGES.len());
    }

    #[test]
    fn a_program_from_elsewhere_does_as_well() {
        let installed = all_but(&["npm", "nodejs"]);
        assert_eq!(missing(&[], &installed, |program| program == "node"), ["npm"]);
    }

    #[test]
    fn packages_of_a_skipped_server_are_not_missed() {
        let installed = all_but(&["chromium", "fonts-wqy-microhei", "redis-server"]);
        assert_eq!(missing(&["chromium".to_owned()], &installed, |_| false), ["redis-server"]);
    }
}
