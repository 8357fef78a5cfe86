//! Guarded changes: what fits, and what the rules let whom do.

mod duties;
mod escalation;
mod lockout;
mod oracle;
mod preview;
mod reach;
mod revert;
mod rows_open;
mod session;
mod size;
mod structure;
mod ways;
