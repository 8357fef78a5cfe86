//! A change of the policy, said verb by verb, then previewed or committed as a whole.

use super::Live;
use crate::admin::{self, Preview};
use crate::change::Change;
use crate::draft::Draft;
use crate::error::{Error, Repr};
use crate::name::{DomainName, Reason};
use crate::store::{Applied, PolicyVersion};
use crate::time::{UnixMillis, Window};

/// Changes that are made together or not at all.
///
/// There is a verb for each [`Change`]. [`from`](Self::from), [`until`](Self::until) and
/// [`in_domain`](Self::in_domain) say more about the assignment right before them. A slip, such as an `until` behind
/// no assignment, is kept and returned by [`commit`](Self::commit).
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use rbac::{Actor, Applied, Live, MemoryStore, Refusal, UnixMillis};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), rbac::Error> {
/// let now = UnixMillis::new(1_767_225_600_000)?;
/// let live = Live::builder(Arc::new(MemoryStore::default())).load(now).await?;
/// let setup = || Ok::<_, rbac::Error>(Actor::System("setup".parse()?));
/// let applied = live
///     .tx(setup()?)
///     .add_permission("course:edit".parse()?, "Edit a course".parse()?)
///     .add_role("editor".parse()?, "Editor".parse()?)
///     .grant("editor".parse()?, "course:*".parse()?)
///     .add_user("alice".parse()?, "Alice".parse()?)
///     .assign("alice".parse()?, "editor".parse()?)
///     .until(now.plus_millis(3_600_000))
///     .reason("holiday cover".parse()?)
///     .commit(now)
///     .await?;
/// assert!(matches!(applied, Applied::Done(_)));
///
/// let (alice, edit) = ("alice".parse()?, "course:edit".parse()?);
/// let policy = live.policy(now)?;
/// assert!(policy.at(now).decide(&alice, &edit).is_ok_and(|decision| decision.is_permit()));
/// let later = now.plus_millis(3_600_000);
/// assert!(policy.at(later).decide(&alice, &edit).is_ok_and(|decision| !decision.is_permit()));
///
/// let refused = live.tx(setup()?).assign("alice".parse()?, "nobody".parse()?).commit(now).await?;
/// let Applied::Refused(refused) = refused else { unreachable!("there is no such role") };
/// assert_eq!(refused.why, Refusal::UnknownRole("nobody".parse()?));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "nothing happens before `commit`"]
pub struct Transaction<'a> {
    live: &'a Live,
    /// Who, and in which session; its changes come when all is said.
    begun: Draft,
    changes: Vec<Change>,
    reason: Reason,
    expected: Option<PolicyVersion>,
    /// The first slip.
    fault: Option<Repr>,
}

impl<'a> Transaction<'a> {
    pub(super) fn new(live: &'a Live, begun: Draft) -> Self {
        Self { live, begun, changes: Vec::new(), reason: Reason::default(), expected: None, fault: None }
    }

    /// One more change, as a value.
    pub fn change(mut self, change: Change) -> Self {
        self.changes.push(change);
        self
    }

    /// More changes, in their order.
    pub fn changes_of(mut self, changes: impl IntoIterator<Item = Change>) -> Self {
        self.changes.extend(changes);
        self
    }

    /// The assignment before holds from this moment on.
    pub fn from(self, not_before: UnixMillis) -> Self {
        self.during("from", |window| Window::new(Some(not_before), window.not_after()))
    }

    /// The assignment before holds up to but without this moment.
    pub fn until(self, not_after: UnixMillis) -> Self {
        self.during("until", |window| match window.not_before() {
            None => Window::until(not_after),
            from => Window::new(from, Some(not_after)),
        })
    }

    /// The assignment before is given, or taken away, in this domain alone.
    pub fn in_domain(mut self, domain: DomainName) -> Self {
        match self.changes.last_mut() {
            Some(Change::Assign { assignment, .. } | Change::Unassign { assignment }) => {
                assignment.domain = Some(domain);
            }
            _ => self.slip(Repr::NoAssignment { verb: "in_domain" }),
        }
        self
    }

    /// Why, for the audit trail.
    pub fn reason(mut self, reason: Reason) -> Self {
        self.reason = reason;
        self
    }

    /// Refuses everything if the policy is not at this version any more: for a form that was filled in some time ago.
    pub const fn expect(mut self, version: PolicyVersion) -> Self {
        self.expected = Some(version);
        self
    }

    /// What was said so far, as a value.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Misuse`](crate::ErrorKind::Misuse) for a word about an assignment that stands behind none, and
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for a window without a moment in it.
    pub fn into_draft(self) -> Result<Draft, Error> {
        if let Some(fault) = self.fault {
            return Err(fault.into());
        }
        let draft = self.begun.changes_of(self.changes).reason(self.reason);
        Ok(match self.expected {
            Some(version) => draft.expect(version),
            None => draft,
        })
    }

    /// Whether it would be refused, and who would gain and lose what. Nothing is changed.
    ///
    /// # Errors
    ///
    /// As [`into_draft`](Self::into_draft); the store fails, or roles inherit each other in a circle.
    pub async fn preview(self, now: UnixMillis) -> Result<Preview, Error> {
        let live = self.live;
        let draft = self.into_draft()?;
        let snapshot = live.store().load().await?;
        admin::preview(&snapshot.rows, snapshot.version, &draft, live.catalogue(), now)
    }

    /// Makes the changes, or says why not. Then the policy in force here has them, and other processes are told.
    ///
    /// # Errors
    ///
    /// As [`into_draft`](Self::into_draft), and if the store fails. If it failed after the changes were stored, the
    /// words say so: they stand, and a later [`Live::refresh`] or a watcher will bring them. That a hint was not
    /// sent is no error: the [observer](crate::LiveBuilder::observer) is told.
    pub async fn commit(self, now: UnixMillis) -> Result<Applied, Error> {
        let live = self.live;
        let applied = live.store().commit(&self.into_draft()?, now).await?;
        if let Applied::Done(version) = &applied {
            live.follow(*version, now).await?;
        }
        Ok(applied)
    }

    /// Gives the assignment before another window.
    fn during(mut self, verb: &'static str, to: impl FnOnce(Window) -> Result<Window, Error>) -> Self {
        match self.changes.last_mut() {
            Some(Change::Assign { window, .. }) => match to(*window) {
                Ok(changed) => *window = changed,
                Err(source) => self.slip(Repr::Said { verb, source }),
            },
            _ => self.slip(Repr::NoAssignment { verb }),
        }
        self
    }

    fn slip(&mut self, fault: Repr) {
        self.fault.get_or_insert(fault);
    }
}
