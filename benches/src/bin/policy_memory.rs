//! How much memory a policy takes: prints one line of JSON. A process of its own, so that nothing else is counted.

use std::alloc::System;
use std::process::ExitCode;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

/// Counts what is allocated and freed.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    match benches::policy_memory(std::env::args().skip(1), live) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("policy_memory: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Bytes that are allocated. A block that grows or shrinks counts among the allocated and the freed ones too.
fn live() -> u64 {
    let stats = ALLOCATOR.stats();
    let live = stats.bytes_allocated.saturating_sub(stats.bytes_deallocated);
    u64::try_from(live).unwrap_or(u64::MAX)
}
