//! Fuzzing of everything that reads bytes from outside.
//!
//! `cargo test -p webssh-core --test fuzz` runs every target for a fixed number of inputs from a fixed seed.
//! `FUZZ_SECS=60` runs each for a minute from a fresh seed, which it prints; `FUZZ_SEED=N` takes that one again.
//! Arguments choose targets by parts of their names. `cargo verify fuzz` runs all of them for a minute each.
//!
//! A new parser gets a line in [`targets::all`].

#[cfg(test)]
mod targets;

use testkit::fuzz as engine;

fn main() -> std::process::ExitCode {
    engine::main(&targets::all())
}
