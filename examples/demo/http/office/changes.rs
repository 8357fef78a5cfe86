//! Every form of the back office ends here: its changes are shown with what would come of them, or made, or refused in
//! words on the page that they came from.

use askama::Template;
use axum::extract::RawForm;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use rbac::{Applied, PolicyVersion, Preview, Reason, Refusal, Refused};

use super::already::needed;
use super::desk::{Desk, Proposal, done_at};
use super::fields::{Fields, Wishes};
use super::gains::{Gain, gains};
use super::labels::Labels;
use super::sentences::change_words;
use super::shown;
use super::wish::Wish;
use crate::http::auth::local_path;
use crate::http::chrome::{Chrome, Notice, page as render};
use crate::http::client::Client;
use crate::http::problem::{PageResult, Problem};
use crate::http::proof;

/// The most changes that one form may hold.
const CHANGES_MAX: usize = 2_000;

impl Proposal {
    /// The changes of a list of wishes, all of them in their order.
    pub(crate) fn of(
        wishes: &[Wish],
        reason: &str,
        expected: Option<PolicyVersion>,
    ) -> Result<Self, Problem> {
        within_limit(wishes.len())?;
        let changes = wishes.iter().map(Wish::change).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { changes, reason: Reason::new(reason.trim())?, expected, worked_out: None })
    }
}

/// Refuses more changes than one form may hold.
pub(super) fn within_limit(changes: usize) -> Result<(), Problem> {
    if changes <= CHANGES_MAX {
        return Ok(());
    }
    let words = format!("at most {CHANGES_MAX} changes may be made at once; make them in parts");
    Err(Problem::bad_request("too_many_changes", words))
}

/// What a form asks for.
struct Asked {
    /// Each is a change of the proposal.
    wishes: Vec<Wish>,
    proposal: Proposal,
    /// How many wishes for one of several users are so already.
    skipped: usize,
}

fn asked(desk: &Desk, fields: &Fields) -> Result<Asked, Problem> {
    let Wishes { wishes, several } = fields.wishes()?;
    let proposal = Proposal::of(&wishes, fields.one("reason"), fields.expected()?)?;
    if !several {
        return Ok(Asked { wishes, proposal, skipped: 0 });
    }
    let all = wishes.len();
    let (wishes, proposal) = needed(desk, wishes, proposal);
    Ok(Asked { skipped: all.saturating_sub(wishes.len()), wishes, proposal })
}

/// `POST /admin/changes`
pub(crate) async fn post(desk: Desk, client: Client, RawForm(body): RawForm) -> PageResult {
    desk.must_enter()?;
    proof::with(desk, client, Fields::parse(&body), make).await
}

async fn make(desk: Desk, fields: Fields) -> PageResult {
    let back = local_path(fields.one("back")).to_owned();
    let asked = match asked(&desk, &fields) {
        Ok(asked) => asked,
        Err(problem) => return refused_at(desk, back, problem.status, problem.detail).await,
    };
    if fields.one("preview") == "yes" {
        return show(&desk, &back, &asked).await;
    }
    match desk.commit(&asked.proposal).await? {
        Applied::Done(version) => Ok(Redirect::to(&done_at(&back, version)).into_response()),
        Applied::Refused(refused) => {
            let words = refused_words(&desk, &refused);
            refused_at(desk, back, status(&refused.why), words).await
        }
    }
}

/// The page that a form came from, with the reason why nothing was done.
async fn refused_at(desk: Desk, back: String, status: StatusCode, words: String) -> PageResult {
    let desk = desk.fresh(back.clone(), Some(Notice::bad(words))).await?;
    let mut reply = shown::at(&desk, &back).await?;
    *reply.status_mut() = status;
    Ok(reply)
}

/// A refusal in the visitor's language.
pub(crate) fn refused_words(desk: &Desk, refused: &Refused) -> String {
    refused.why.words(desk.visitor.look.lang)
}

/// The status of a refusal.
pub(crate) const fn status(why: &Refusal) -> StatusCode {
    match why {
        Refusal::UnknownUser(_)
        | Refusal::UnknownRole(_)
        | Refusal::UnknownPermission(_)
        | Refusal::UnknownDomain(_)
        | Refusal::UnknownDepartment(_) => StatusCode::NOT_FOUND,
        Refusal::NotPermitted(_)
        | Refusal::Escalation { .. }
        | Refusal::PatternEscalation { .. }
        | Refusal::ScopeEscalation { .. }
        | Refusal::OutOfReach(_)
        | Refusal::DepartmentOutOfReach(_) => StatusCode::FORBIDDEN,
        Refusal::Changed { .. } => StatusCode::PRECONDITION_FAILED,
        _ => StatusCode::CONFLICT,
    }
}

/// One change of a preview.
#[derive(Debug)]
struct ChangeLine {
    words: String,
    /// Whether it is the one that is refused.
    refused: bool,
}

#[derive(Template)]
#[template(path = "office/preview.html")]
struct PreviewPage {
    chrome: Chrome,
    back: String,
    changes: Vec<ChangeLine>,
    /// How many of the wishes are so already.
    skipped: usize,
    refusal: String,
    gains: Vec<Gain>,
    /// The changes as the confirming form sends them back.
    wishes: String,
    reason: String,
    /// Whether policy cases can be asked of it.
    may_try: bool,
}

/// What changes would come to, to be confirmed or left.
async fn show(desk: &Desk, back: &str, asked: &Asked) -> PageResult {
    let Asked { wishes, proposal, skipped } = asked;
    let preview: Preview = desk.preview(proposal)?;
    let labels = Labels::of(desk).await?.in_sight(desk);
    // Where all is so already there is nothing to refuse.
    let refused = preview.refused.as_ref().filter(|_| !proposal.changes.is_empty());
    let refused_at = refused.and_then(|refused| refused.at);
    let lines = proposal.changes.iter().enumerate().map(|(at, change)| ChangeLine {
        words: change_words(change, &labels, desk.visitor.look.lang),
        refused: refused_at == Some(at),
    });
    let wishes_text =
        serde_json::to_string(wishes).map_err(|cause| Problem::broken("form", false, &cause))?;
    let mut chrome = desk.chrome("");
    // Nobody comes back to an address that only takes forms.
    back.clone_into(&mut chrome.here);
    let mut reply = render(&PreviewPage {
        chrome,
        back: back.to_owned(),
        changes: lines.collect(),
        skipped: *skipped,
        refusal: refused.map(|refused| refused_words(desk, refused)).unwrap_or_default(),
        gains: gains(desk, &labels, &preview),
        wishes: wishes_text,
        reason: proposal.reason.to_string(),
        may_try: desk.must_see_all().is_ok(),
    })?;
    if let Some(refused) = refused {
        *reply.status_mut() = status(&refused.why);
    }
    Ok(reply)
}
