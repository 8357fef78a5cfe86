//! What every page of the back office works with: the visitor, one policy and the rows it was compiled from, and the two
//! things that are done to a policy: trying a change out, and making it.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::Response;
use rbac::{
    Actor, Applied, Change, Draft, Permission, Policy, PolicyRows, PolicyVersion, Preview, Reason, Refusal,
    Snapshot, View, admin,
};

use super::fields::Fields;
use super::reach::Reach;
use super::text::{Text, with};
use crate::app::{App, Shared};
use crate::http::chrome::{Chrome, Notice};
use crate::http::guard;
use crate::http::problem::Problem;
use crate::http::proof;
use crate::http::visitor::Visitor;
use crate::perm;

/// How often rows are loaded to find those of the policy in use; changes may come in between.
const LOADS_MAX: usize = 3;

/// The rows behind the policy in use, loaded once a version.
#[derive(Debug, Default)]
pub(crate) struct Rows(Mutex<Option<Arc<Snapshot>>>);

impl Rows {
    /// The policy in use, as new as the visitor's at least, and its rows.
    async fn of(&self, app: &App, visitor: &Visitor) -> Result<(Arc<Policy>, Arc<Snapshot>), Problem> {
        let mut policy = Arc::clone(&visitor.policy);
        for _ in 0..LOADS_MAX {
            if let Some(known) = self.at(policy.version()) {
                return Ok((policy, known));
            }
            let loaded = Arc::new(app.live.store().load().await?);
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&loaded));
            policy = app.live.snapshot_at_least(loaded.version, visitor.now).await?.into_policy();
        }
        Err(Problem::conflict("busy", "the policy changes faster than it can be shown; try again"))
    }

    fn at(&self, version: PolicyVersion) -> Option<Arc<Snapshot>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        known.filter(|known| known.version == version)
    }
}

/// A visitor at work.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    pub(crate) app: Shared,
    pub(crate) visitor: Visitor,
    pub(crate) policy: Arc<Policy>,
    snapshot: Arc<Snapshot>,
    pub(crate) t: &'static Text,
    /// The address asked for, with its query.
    pub(crate) here: String,
    pub(crate) notice: Option<Notice>,
}

impl Desk {
    /// The desk of a visitor at an address.
    pub(crate) async fn of(app: &Shared, visitor: Visitor, here: String) -> Result<Self, Problem> {
        let (policy, snapshot) = app.rows.of(app, &visitor).await?;
        let t = visitor.look.text();
        let visitor = Visitor { policy: Arc::clone(&policy), ..visitor };
        Ok(Self { app: Arc::clone(app), visitor, policy, snapshot, t, here, notice: None })
    }

    /// The same desk as a change left it, or as others did meanwhile.
    pub(crate) async fn fresh(self, here: String, notice: Option<Notice>) -> Result<Self, Problem> {
        let visitor = self.visitor.again(&self.app)?;
        Ok(Self { notice, ..Self::of(&self.app, visitor, here).await? })
    }

    /// Every row of the policy.
    pub(crate) fn rows(&self) -> &PolicyRows {
        &self.snapshot.rows
    }

    /// The version of these rows.
    pub(crate) fn version(&self) -> PolicyVersion {
        self.snapshot.version
    }

    /// The policy's answers at this moment, everywhere.
    pub(crate) fn view(&self) -> View<'_> {
        self.policy.at(self.visitor.now)
    }

    /// Which users the visitor may see: the data scope of their permission to see users.
    pub(crate) fn reach(&self) -> Reach<'_> {
        Reach::of(self)
    }

    /// Refuses those who do not see everybody and every rule: what is about the policy as a whole tells of all of it.
    pub(crate) fn must_see_all(&self) -> Result<(), Problem> {
        self.must(perm::ROLE_VIEW)?;
        self.must(perm::USER_VIEW)?;
        if self.reach().sees_all() {
            return Ok(());
        }
        Err(Problem::forbidden(
            "this needs the sight of all users; ask an administrator for a role that opens all rows",
        ))
    }

    /// A draft by the visitor, with the roles that they use.
    pub(crate) fn draft(&self) -> Draft {
        match &self.visitor.active {
            Some(session) => Draft::in_session(session.clone()),
            None => Draft::new(Actor::User(self.visitor.user.clone())),
        }
    }

    /// Refuses unless the visitor's roles carry the permission.
    pub(crate) fn must(&self, permission: Permission) -> Result<(), Problem> {
        self.visitor.must(permission)
    }

    /// Refuses those who have no business in the back office: what a change would come to tells of others.
    pub(crate) fn must_enter(&self) -> Result<(), Problem> {
        if self.visitor.may(perm::ROLE_VIEW) { Ok(()) } else { self.must(perm::USER_VIEW) }
    }

    /// The frame of a page.
    pub(crate) fn chrome(&self, tab: &'static str) -> Chrome {
        let mut chrome = self.visitor.chrome(tab);
        chrome.here.clone_from(&self.here);
        chrome.version = self.snapshot.version;
        chrome.notice.clone_from(&self.notice);
        chrome
    }

    /// What changes would come to, if the visitor made them.
    pub(crate) fn preview(&self, proposal: &Proposal) -> Result<Preview, Problem> {
        self.must_enter()?;
        let (rows, version) = (self.rows(), self.snapshot.version);
        Ok(admin::preview(rows, version, &proposal.draft(self), Some(perm::CATALOGUE), self.visitor.now)?)
    }

    /// Whether the visitor holds the permissions that changes need; what else the rules say is not asked.
    pub(crate) fn permits(&self, changes: &[Change]) -> bool {
        let draft = self.draft().changes_of(changes.iter().cloned());
        let found = admin::check(self.rows(), self.snapshot.version, &draft, self.visitor.now);
        !found.is_err_and(|refused| matches!(refused.why, Refusal::NotPermitted(_)))
    }

    /// Makes changes as the visitor, if the rules allow it.
    pub(crate) async fn commit(&self, proposal: &Proposal) -> Result<Applied, Problem> {
        self.must_enter()?;
        let draft = proposal.draft(self);
        let unproved = !proof::is_fresh(&self.visitor)? && proof::is_sensitive(self, &draft);
        if unproved || proposal.is_overtaken() {
            let found = admin::check(self.rows(), self.snapshot.version, &draft, self.visitor.now);
            if let Err(refused) = found {
                return Ok(Applied::Refused(refused));
            }
        }
        if unproved {
            return Err(proof::needed());
        }
        let transaction = match &self.visitor.active {
            Some(session) => self.app.live.tx_in(session.clone()),
            None => self.app.live.tx(Actor::User(self.visitor.user.clone())),
        };
        let transaction = transaction.changes_of(proposal.changes.iter().cloned());
        let transaction = transaction.reason(proposal.reason.clone());
        let transaction = match proposal.lock() {
            Some(version) => transaction.expect(version),
            None => transaction,
        };
        let applied = transaction.commit(self.visitor.now).await?;
        if let Applied::Done(version) = &applied {
            let actor = self.visitor.account.id.as_str();
            let changes = proposal.changes.len();
            tracing::info!(actor, changes, version = version.number(), "policy changed");
        }
        Ok(applied)
    }
}

/// Changes that belong together, and why.
#[derive(Debug, Clone)]
pub(crate) struct Proposal {
    pub(crate) changes: Vec<Change>,
    pub(crate) reason: Reason,
    /// The version that the visitor looked at.
    pub(crate) expected: Option<PolicyVersion>,
    /// The version of the rows that the changes were worked out from, if they were.
    pub(crate) worked_out: Option<PolicyVersion>,
}

impl Proposal {
    /// The only version at which the changes are what is meant.
    fn lock(&self) -> Option<PolicyVersion> {
        self.expected.or(self.worked_out)
    }

    /// Whether they were worked out from other rows than the visitor looked at.
    pub(crate) fn is_overtaken(&self) -> bool {
        self.worked_out.is_some_and(|found| self.lock() != Some(found))
    }

    pub(crate) fn draft(&self, desk: &Desk) -> Draft {
        let draft = desk.draft().changes_of(self.changes.iter().cloned()).reason(self.reason.clone());
        match self.lock() {
            Some(version) => draft.expect(version),
            None => draft,
        }
    }
}

/// The desk of a page: the notice of the form that led here is in the query.
impl FromRequestParts<Shared> for Desk {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Response> {
        let visitor = Visitor::from_request_parts(parts, app).await?;
        let here = visitor.here.clone();
        let (path, query) = here.split_once('?').unwrap_or((&here, ""));
        let fields = Fields::parse(query.as_bytes());
        match Self::of(app, visitor, without_done(&here)).await {
            Ok(mut desk) => {
                let done = fields.one("done").parse::<u64>().ok();
                desk.notice = done.map(|version| Notice::good(with(desk.t.saved, version)));
                Ok(desk)
            }
            Err(problem) => Err(guard::answer(path, problem)),
        }
    }
}

/// An address without what the last form added to it.
fn without_done(here: &str) -> String {
    let Some((path, query)) = here.split_once('?') else { return here.to_owned() };
    let kept: Vec<&str> = query.split('&').filter(|pair| !pair.starts_with("done=")).collect();
    if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) }
}

/// An address that tells which version a form made.
pub(crate) fn done_at(back: &str, version: PolicyVersion) -> String {
    let back = without_done(back);
    let joint = if back.contains('?') { '&' } else { '?' };
    format!("{back}{joint}done={version}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_worked_out_from_rows_is_for_their_version() {
        let proposal = |expected: Option<u64>, worked_out: Option<u64>| Proposal {
            changes: Vec::new(),
            reason: Reason::default(),
            expected: expected.map(PolicyVersion::new),
            worked_out: worked_out.map(PolicyVersion::new),
        };
        let told = |proposal: Proposal| (proposal.lock().map(PolicyVersion::number), proposal.is_overtaken());
        assert_eq!(told(proposal(None, None)), (None, false));
        assert_eq!(told(proposal(Some(3), None)), (Some(3), false));
        assert_eq!(told(proposal(None, Some(4))), (Some(4), false));
        assert_eq!(told(proposal(Some(4), Some(4))), (Some(4), false));
        assert_eq!(told(proposal(Some(5), Some(4))), (Some(5), true));
    }

    #[test]
    fn a_note_is_added_once() {
        let version = PolicyVersion::new(7);
        assert_eq!(done_at("/admin/users?q=a&done=6", version), "/admin/users?q=a&done=7");
        assert_eq!(done_at("/admin/users?done=6", version), "/admin/users?done=7");
    }
}
