//! Holds terminals for the figures about idle ones. A process of its own, so that nothing else is counted.

use std::process::ExitCode;

fn main() -> ExitCode {
    match benches::terminals(std::env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("terminals: {error}");
            ExitCode::FAILURE
        }
    }
}
