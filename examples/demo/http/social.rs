//! Signing in with a provider: off to it, and back; and tying it to the account of somebody who asked for that.

use axum::extract::{Path, RawQuery, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect};
use serde::Deserialize;
use sso_core::UserId;
use sso_core::social::{Identity, SocialSignIn};

use super::auth::{self, Stay};
use super::client::Client;
use super::problem::{PageProblem, PageResult, Problem};
use super::visitor::{self, Visitor};
use crate::app::{App, Shared};
use crate::school::identity::Linked;
use crate::social;

/// The code of a sign-in that came to nothing.
pub(crate) const REFUSED: &str = "social_refused";
/// Where an attempt returns to that ties an identity to the account named behind it.
///
/// INVARIANT: only [`link`] begins such an attempt, and only pages of ours can post to it. The place is kept here
/// and not by the browser.
const LINK: &str = "/account?link=";

/// Where to go afterwards.
#[derive(Debug, Deserialize)]
pub(crate) struct BeginQuery {
    #[serde(default)]
    next: String,
}

/// `GET /login/with/{provider}`: off to the provider.
pub(crate) async fn begin(
    State(app): State<Shared>,
    Path(name): Path<String>,
    axum::extract::Query(query): axum::extract::Query<BeginQuery>,
    headers: HeaderMap,
) -> PageResult {
    off(&app, &name, &headers, wished(&query.next)).await
}

/// `POST /account/link/{provider}`: off to the provider, to tie the identity to the account of the visitor.
pub(crate) async fn link(
    State(app): State<Shared>,
    Path(name): Path<String>,
    visitor: Visitor,
    headers: HeaderMap,
) -> PageResult {
    off(&app, &name, &headers, &format!("{LINK}{}", visitor.account.id)).await
}

/// Where somebody goes who signs in. A link can lead here from any site, so it never speaks of tying.
fn wished(next: &str) -> &str {
    let local = auth::local_path(next);
    if local.starts_with(LINK) { "/account" } else { local }
}

async fn off(app: &App, name: &str, headers: &HeaderMap, return_to: &str) -> PageResult {
    social::find(name).ok_or_else(Problem::not_found)?;
    let begun = app.social.begin(name, &visitor::cookies(headers), return_to).await.map_err(Problem::from)?;
    let mut reply = Redirect::to(&begun.location).into_response();
    auth::add_cookie(reply.headers_mut(), &begun.set_cookie)?;
    Ok(reply)
}

/// `GET /login/with/{provider}/callback`: back from the provider.
pub(crate) async fn callback(
    State(app): State<Shared>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    client: Client,
    parts: Parts,
) -> PageResult {
    social::find(&name).ok_or_else(Problem::not_found)?;
    let ended =
        app.social.callback(&name, &query.unwrap_or_default(), &visitor::cookies(&parts.headers)).await;
    match ended.map_err(Problem::from)? {
        SocialSignIn::SignedIn { identity, return_to } => match return_to.strip_prefix(LINK) {
            Some(account) => {
                let visitor = visitor::identify(&app, &parts).await;
                let visitor = visitor.map_err(|problem| PageProblem::at(problem, "/account"))?;
                tie(&app, &visitor, account, &identity).await
            }
            // A sign-in, also for somebody who is signed in: a link of another site ties nothing to them.
            None => enter(&app, client, &identity, &return_to, &parts.headers).await,
        },
        SocialSignIn::Refused(why) => {
            tracing::info!(provider = name, why = %why, "sign-in refused");
            let words = format!("{why}; begin again, or sign in another way");
            Err(Problem::new(StatusCode::FORBIDDEN, REFUSED, words).into())
        }
    }
}

async fn enter(
    app: &App,
    client: Client,
    identity: &Identity,
    return_to: &str,
    headers: &HeaderMap,
) -> PageResult {
    let account = social::admit(app, identity).await?;
    let user = UserId::new(&account.id).map_err(Problem::from)?;
    let signed_in = auth::begin_session(app, client, &user, Stay::ThisVisit).await?;
    visitor::end_earlier(app, headers).await?;
    let mut reply = Redirect::to(auth::local_path(return_to)).into_response();
    auth::set_cookie(app, reply.headers_mut(), &signed_in)?;
    Ok(reply)
}

/// Ties an identity to the account that asked for it, if that is still the one that is signed in.
async fn tie(app: &App, visitor: &Visitor, account: &str, identity: &Identity) -> PageResult {
    if visitor.account.id != account {
        let words = "another account has signed in meanwhile; add the provider again from your account page";
        return Err(Problem::conflict("account_changed", words).into());
    }
    let known = social::known(identity);
    match app.school.link(&known, &visitor.account.id).await.map_err(Problem::from)? {
        Linked::Yes => Ok(Redirect::to("/account").into_response()),
        Linked::Taken => Err(Problem::conflict(
            "identity_taken",
            "that identity belongs to another account of the school; sign in with it and use that one",
        )
        .into()),
    }
}

/// All `Cookie` headers as one.
#[cfg(test)]
mod tests {
    use super::{LINK, wished};

    #[test]
    fn no_address_of_a_link_asks_to_tie() {
        for next in ["/account?link=", "/account?link=hanmeimei", "/account?link=a&x=/my"] {
            assert!(next.starts_with(LINK) && !wished(next).starts_with(LINK), "{next}");
        }
        assert_eq!(wished("/my"), "/my");
        assert_eq!(wished("//evil.example"), "/courses");
    }
}
