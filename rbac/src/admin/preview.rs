//! What a draft would come to, before anybody commits it.

use std::collections::BTreeSet;

use super::acting::Acting;
use super::rights::Rights;
use super::{Amended, Refused, acceptable, amended, guard};
use crate::catalogue::Catalogue;
use crate::diff::PolicyDiff;
use crate::draft::Draft;
use crate::error::Error;
use crate::policy::{Policy, Problem};
use crate::rows::PolicyRows;
use crate::store::{Mark, PolicyVersion, Revision};
use crate::time::UnixMillis;

/// What a draft would come to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Preview {
    /// Why it would be refused, if it would.
    pub refused: Option<Refused>,
    /// Who would gain and lose what at once. It is filled in also for a draft that is refused, as long as each of its
    /// changes fits the rows that those before it left.
    pub diff: PolicyDiff,
    /// Rows that would take no part afterwards and do so now, or are not there: above all grants that name what neither
    /// the policy nor the program declares.
    pub problems: Vec<Problem>,
}

/// Tries a draft out on these rows. The catalogue is the one that the program compiles its policies with.
///
/// It compiles two policies and looks at every user, so it takes tenths of a second with 100,000 of them.
///
/// # Errors
///
/// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) if roles inherit each other in a circle before the draft, or still
/// do afterwards.
///
/// # Examples
///
/// ```
/// use rbac::{Actor, Change, Draft, Effect, PolicyVersion, UnixMillis, admin};
///
/// let editor = || "editor".parse();
/// let rows = admin::build([
///     Change::AddUser { user: "alice".parse()?, label: "Alice".parse()? },
///     Change::AddRole { role: editor()?, label: "Editor".parse()? },
///     Change::Assign { assignment: rbac::Assignment::new("alice".parse()?, editor()?), window: rbac::Window::ALWAYS },
/// ])?;
/// let draft = Draft::new(Actor::System("setup".parse()?)).change(Change::Grant {
///     role: editor()?,
///     pattern: "rbac:audit:view".parse()?,
///     effect: Effect::Allow,
/// });
/// let preview = admin::preview(&rows, PolicyVersion::START, &draft, None, UnixMillis::EPOCH)?;
/// assert_eq!(preview.refused, None);
/// assert_eq!(preview.diff.to_string(), "user `alice` gains `rbac:audit:view`");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn preview(
    rows: &PolicyRows,
    version: PolicyVersion,
    draft: &Draft,
    catalogue: Option<&'static Catalogue>,
    at: UnixMillis,
) -> Result<Preview, Error> {
    let nothing =
        |refused| Preview { refused: Some(refused), diff: PolicyDiff::default(), problems: Vec::new() };
    if let Err(refused) = acceptable(version, draft) {
        return Ok(nothing(refused));
    }
    let before = Rights::new(rows);
    let permitted = match Acting::of(draft) {
        Some(acting) => guard::permitted(&before, acting, draft.changes(), at),
        None => Ok(()),
    };
    let amended = match amended(rows, draft.changes()) {
        Ok(amended) => amended,
        Err(refused) => return Ok(nothing(permitted.err().unwrap_or(refused))),
    };
    let refused = permitted.and_then(|()| guard::kept(&before, &amended, draft, at)).err();
    compared(rows, version, &amended, refused, catalogue, at)
}

fn compared(
    rows: &PolicyRows,
    version: PolicyVersion,
    amended: &Amended,
    refused: Option<Refused>,
    catalogue: Option<&'static Catalogue>,
    at: UnixMillis,
) -> Result<Preview, Error> {
    let at_version = |version| Revision::new(version, Mark::default());
    let before = Policy::compile_at(at_version(version), catalogue, rows, None)?;
    let after = Policy::compile_at(at_version(version.next()), catalogue, &amended.rows, Some(&before))?;
    let old: BTreeSet<_> = before.problems().iter().collect();
    let new = after.problems().iter().filter(|problem| !old.contains(problem));
    Ok(Preview { refused, diff: before.diff(&after, at), problems: new.cloned().collect() })
}
