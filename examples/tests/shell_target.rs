//! Drives the demo's SSH target with OpenSSH's client: what it serves, what it refuses, what it leaves.

#[path = "../demo/shell_target.rs"]
mod shell_target;

#[cfg(test)]
#[path = "shell_target/files.rs"]
mod files;
#[cfg(test)]
#[path = "shell_target/left.rs"]
mod left;
#[cfg(test)]
#[path = "shell_target/place.rs"]
mod place;
#[cfg(test)]
#[path = "shell_target/refused.rs"]
mod refused;
#[cfg(test)]
#[path = "shell_target/served.rs"]
mod served;
