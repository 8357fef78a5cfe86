//! The policy for programs: questions, trying changes out, making them, and the audit trail.

use axum::Json as Reply;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use rbac::{Applied, PolicyVersion, Preview, Reason, Refusal, Refused, UserId};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::api::read;
use super::changes::{refused_words, status};
use super::desk::{Desk, Proposal};
use super::fields::Fields;
use super::gains::gains;
use super::labels::Labels;
use super::sentences::change_words;
use super::wish::Wish;
use super::{audit, permissions, user, who};
use crate::http::problem::{ApiResult, Problem};
use crate::perm;

/// A whole list, in the envelope that all lists have.
pub(crate) fn listed<T: Serialize>(results: &[T]) -> Response {
    Reply(json!({ "count": results.len(), "next": null, "previous": null, "results": results }))
        .into_response()
}

/// `GET /api/v1/admin/permissions`
pub(crate) async fn permissions(desk: Desk) -> ApiResult {
    let groups = permissions::list(&desk).await?;
    let lines: Vec<_> = groups.into_iter().flat_map(|group| group.lines).collect();
    Ok(listed(&lines))
}

/// `GET /api/v1/admin/explain?user=&permission=&domain=`
pub(crate) async fn explain(desk: Desk, RawQuery(query): RawQuery) -> ApiResult {
    desk.must(perm::USER_VIEW)?;
    let fields = Fields::parse(query.unwrap_or_default().as_bytes());
    let user = UserId::new(fields.one("user"))?;
    desk.reach().must_see(&user)?;
    let labels = Labels::of(&desk).await?;
    let answer = user::answer(&desk, &labels, &user, fields.one("permission"), fields.one("domain"))?;
    Ok(Reply(answer).into_response())
}

/// `GET /api/v1/admin/who-can?permission=&domain=`
pub(crate) async fn who_can(desk: Desk, RawQuery(query): RawQuery) -> ApiResult {
    let fields = Fields::parse(query.unwrap_or_default().as_bytes());
    let (count, holders) = who::list(&desk, fields.one("permission"), fields.one("domain")).await?;
    Ok(Reply(json!({ "count": count, "next": null, "previous": null, "results": holders })).into_response())
}

/// Changes to try out or to make.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    changes: Vec<Wish>,
    #[serde(default)]
    reason: String,
    /// The version that they were thought out for.
    expected: Option<u64>,
}

impl Asked {
    fn proposal(&self) -> Result<Proposal, Problem> {
        Proposal::of(&self.changes, &self.reason, self.expected.map(PolicyVersion::new))
    }
}

/// `POST /api/v1/admin/policy/preview`: whether the changes would be refused, and who would gain and lose what.
pub(crate) async fn preview(desk: Desk, body: Bytes) -> ApiResult {
    desk.must_enter()?;
    let asked: Asked = read(&body)?;
    let proposal = asked.proposal()?;
    let preview: Preview = desk.preview(&proposal)?;
    let labels = Labels::of(&desk).await?.in_sight(&desk);
    let lang = desk.visitor.look.lang;
    let refused = preview
        .refused
        .as_ref()
        .map(|refused| json!({ "at": refused.at, "detail": refused_words(&desk, refused) }));
    let changes: Vec<_> = proposal.changes.iter().map(|change| change_words(change, &labels, lang)).collect();
    let gains = gains(&desk, &labels, &preview);
    Ok(Reply(json!({ "refused": refused, "changes": changes, "effects": gains })).into_response())
}

/// `POST /api/v1/admin/policy/changes`: makes all of them or none.
pub(crate) async fn change(desk: Desk, body: Bytes) -> ApiResult {
    desk.must_enter()?;
    let asked: Asked = read(&body)?;
    let version =
        commit(&desk, &asked.changes, &asked.reason, asked.expected.map(PolicyVersion::new)).await?;
    Ok((StatusCode::CREATED, Reply(json!({ "version": version.number() }))).into_response())
}

/// Makes what is wished for as the visitor, or says why not.
pub(crate) async fn commit(
    desk: &Desk,
    wishes: &[Wish],
    reason: &str,
    expected: Option<PolicyVersion>,
) -> Result<PolicyVersion, Problem> {
    desk.must_enter()?;
    made(desk, desk.commit(&Proposal::of(wishes, reason, expected)?).await?)
}

/// The version that a change made, or the refusal.
pub(crate) fn made(desk: &Desk, applied: Applied) -> Result<PolicyVersion, Problem> {
    match applied {
        Applied::Done(version) => Ok(version),
        Applied::Refused(refused) => Err(refusal(desk, &refused)),
    }
}

fn refusal(desk: &Desk, refused: &Refused) -> Problem {
    let status = status(&refused.why);
    let code = match status {
        StatusCode::NOT_FOUND => "not_found",
        StatusCode::FORBIDDEN => "forbidden",
        StatusCode::PRECONDITION_FAILED => "changed",
        _ => "refused",
    };
    Problem::new(status, code, refused_words(desk, refused))
}

/// `GET /api/v1/admin/audit?below=&actor=`
pub(crate) async fn audit(desk: Desk, RawQuery(query): RawQuery) -> ApiResult {
    let fields = Fields::parse(query.unwrap_or_default().as_bytes());
    let (entries, next) = audit::list(&desk, &fields).await?;
    let actor = fields.one("actor");
    let next =
        next.map(|below| format!("{}/api/v1/admin/audit?{}", desk.app.public_url, older(below, actor)));
    Ok(Reply(json!({ "next": next, "results": entries })).into_response())
}

/// The query of the next page: further back, of the same actor.
fn older(below: u64, actor: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("below", &below.to_string());
    if !actor.is_empty() {
        query.append_pair("actor", actor);
    }
    query.finish()
}

/// Which policy the client looked at, and why.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Undo {
    /// The version that the client looked at; that of this moment if it says none.
    expected: Option<u64>,
    reason: String,
}

/// `POST /api/v1/admin/audit/{version}/revert`: 409 if the policy has moved on from the version that is expected.
pub(crate) async fn revert(desk: Desk, Path(version): Path<String>, body: Bytes) -> ApiResult {
    let entry = audit::find(&desk, &version).await?;
    let undo = if body.is_empty() { Undo::default() } else { read::<Undo>(&body)? };
    let words = match undo.reason.trim() {
        "" => super::text::with(desk.t.revert_reason, &version),
        reason => reason.to_owned(),
    };
    let expected = undo.expected.map(PolicyVersion::new);
    let proposal = audit::proposal(&desk, &entry, Reason::new(&words)?, expected);
    let version = match desk.commit(&proposal).await? {
        Applied::Refused(Refused { why: Refusal::Changed { version }, .. }) => {
            let words = format!(
                "the policy is at version {version} now; look at what the revert would come to, then send it with that version as `expected`"
            );
            return Err(Problem::conflict("changed", words));
        }
        applied => made(&desk, applied)?,
    };
    Ok((StatusCode::CREATED, Reply(json!({ "version": version.number() }))).into_response())
}

#[cfg(test)]
mod tests {
    use super::older;

    #[test]
    fn the_next_page_is_of_the_same_actor() {
        assert_eq!(older(26, ""), "below=26");
        assert_eq!(older(26, "a&b"), "below=26&actor=a%26b");
    }
}
