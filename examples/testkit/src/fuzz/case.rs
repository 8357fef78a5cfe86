//! One input, given to a target; a panic becomes words.

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};

use super::Target;

thread_local! {
    static LAST_PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps the words of panics instead of printing them.
pub(super) fn watch_panics() {
    panic::set_hook(Box::new(|panic| LAST_PANIC.with_borrow_mut(|last| *last = panic.to_string())));
}

/// The answer of a target, or the words of its panic.
pub(super) fn attempt(target: &Target, input: &[u8]) -> Result<String, String> {
    panic::catch_unwind(AssertUnwindSafe(|| (target.run)(input)))
        .map_err(|_| LAST_PANIC.with_borrow(String::clone))
}
