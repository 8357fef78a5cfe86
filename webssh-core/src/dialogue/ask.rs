//! Who is asked.

use super::{HostQuestion, Prompts};
use crate::Secret;
use crate::pump::BoxFuture;

/// Somebody who can be asked while a connection is made: the person in front of the browser.
///
/// Whoever asks sets a deadline by dropping the future. Feature `pump`.
///
/// ```
/// use webssh_core::pump::BoxFuture;
/// use webssh_core::{Dialogue, HostQuestion, Prompts, Secret};
///
/// /// Knows one code, and trusts nobody.
/// struct Code(Secret);
///
/// impl Dialogue for Code {
///     fn ask<'a>(&'a self, round: &'a Prompts) -> BoxFuture<'a, Option<Vec<Secret>>> {
///         Box::pin(async { (round.prompts.len() == 1).then(|| vec![self.0.clone()]) })
///     }
///     fn trust<'a>(&'a self, _: &'a HostQuestion) -> BoxFuture<'a, bool> {
///         Box::pin(async { false })
///     }
/// }
/// # let _code = Code(Secret::new("123456".to_owned()));
/// ```
pub trait Dialogue: Send + Sync {
    /// One answer for each prompt, in order; `None` when nobody answers. Any other number of answers counts
    /// as `None`.
    fn ask<'a>(&'a self, round: &'a Prompts) -> BoxFuture<'a, Option<Vec<Secret>>>;

    /// Whether the host is to be trusted from now on.
    fn trust<'a>(&'a self, question: &'a HostQuestion) -> BoxFuture<'a, bool>;
}

/// Nobody is there: no prompt is answered and no host is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "it is passed by its name, and has nothing to say")]
pub struct NoDialogue;

impl Dialogue for NoDialogue {
    fn ask<'a>(&'a self, _: &'a Prompts) -> BoxFuture<'a, Option<Vec<Secret>>> {
        Box::pin(async { None })
    }

    fn trust<'a>(&'a self, _: &'a HostQuestion) -> BoxFuture<'a, bool> {
        Box::pin(async { false })
    }
}
