//! Signing out because a client says so (OpenID Connect RP-Initiated Logout 1.0).

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::form::{self, Form};
use crate::provider::{ID_TOKEN_TYP, Provider};
use crate::refresh::names::ClientId;
use crate::rejected::TokenRejected;
use crate::session::SessionId;
use crate::signed;
use crate::sites::client::Client;
use crate::sites::site_session::SiteSession;

/// What the user has said to the question whether to sign out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmed {
    /// Nothing yet.
    NotAsked,
    /// Yes.
    Yes,
}

/// What to do with a browser that came to the end-session endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum EndSessionStep {
    /// Ask the user, on a page that other sites can neither frame nor submit, and call
    /// [`Provider::end_session`] with the same query and the answer. Nobody has proved that the user wants it.
    ConfirmNeeded {
        /// Who wants it, if anybody says so.
        client: Option<ClientId>,
    },
    /// End the session with [`Sso`](crate::Sso) and [`SingleLogout::end`](crate::SingleLogout::end), clear the cookie,
    /// and go on.
    SignOut {
        /// The session.
        session: SessionId,
        /// Where to redirect, or nothing: then show that the user is signed out.
        then: Option<String>,
    },
    /// Nobody is signed in. Go on.
    NobodySignedIn {
        /// Where to redirect, or nothing: then show that the user is signed out.
        then: Option<String>,
    },
    /// Show the user that the request cannot be answered: 400. Never redirect, and end nothing.
    ShowError {
        /// What is wrong, for the developer of the client.
        words: &'static str,
    },
}

/// A request to end a session, as far as it is certain.
struct EndRequest {
    client: Option<Arc<Client>>,
    hint: Option<Map<String, Value>>,
    then: Option<String>,
}

impl Provider {
    /// Answers the query of a `GET`, or the form of a `POST`, with the user's session if there is one.
    ///
    /// Without a question only whoever holds an id token of this very session signs the user out.
    pub fn end_session(
        &self,
        query: &str,
        session: Option<&SiteSession>,
        confirmed: Confirmed,
    ) -> EndSessionStep {
        let form = match Form::parse(query.as_bytes()) {
            Ok(form) => form,
            Err(refused) => return EndSessionStep::ShowError { words: refused.words() },
        };
        let request = match self.end_request(&form) {
            Ok(request) => request,
            Err(words) => return EndSessionStep::ShowError { words },
        };
        let Some(session) = session else {
            return EndSessionStep::NobodySignedIn { then: request.then };
        };
        let is_meant = |hint: &Map<String, Value>| {
            signed::text(hint, "sid") == Some(session.session.as_str())
                && signed::text(hint, "sub") == Some(session.user.as_str())
        };
        if confirmed == Confirmed::Yes || request.hint.as_ref().is_some_and(is_meant) {
            return EndSessionStep::SignOut { session: session.session.clone(), then: request.then };
        }
        EndSessionStep::ConfirmNeeded { client: request.client.map(|client| client.id().clone()) }
    }

    fn end_request(&self, form: &Form) -> Result<EndRequest, &'static str> {
        let token = form.value("id_token_hint");
        let hint = token.map(|token| self.own_id_token(token)).transpose()?.flatten();
        // Of a token that nobody can verify any more, the client is worth as much as one that is named beside it.
        let hinted = token.and_then(|token| signed::claimed(token, "aud"));
        let (hinted, claimed) = (hinted.as_deref(), form.value("client_id"));
        if hinted.is_some() && claimed.is_some() && hinted != claimed {
            return Err("the id token hint was given to another client");
        }
        let client = match hinted.or(claimed) {
            Some(id) => Some(self.clients.find(id).cloned().ok_or("the request names an unknown client")?),
            None => None,
        };
        let Some(url) = form.value("post_logout_redirect_uri") else {
            return Ok(EndRequest { client, hint, then: None });
        };
        if !client.as_ref().is_some_and(|client| client.returns_after_logout_to(url)) {
            return Err("the address to return to is not registered for this client");
        }
        let state = form.value("state").map(|state| ("state", state));
        let then = state.map_or_else(|| url.to_owned(), |state| form::with_query(url, [state]));
        Ok(EndRequest { client, hint, then: Some(then) })
    }

    /// The claims of an id token of ours, however old; `None` if it says that it is ours but its key is not known
    /// any more, so that it proves nothing.
    fn own_id_token(&self, token: &str) -> Result<Option<Map<String, Value>>, &'static str> {
        let issuer = Some(self.config.issuer.as_str());
        match signed::claims_of(&self.keys, ID_TOKEN_TYP, token) {
            Ok(claims) if signed::text(&claims, "iss") == issuer => Ok(Some(claims)),
            Err(TokenRejected::UnknownKey) if signed::claimed(token, "iss").as_deref() == issuer => Ok(None),
            _ => Err("the id token hint is none of ours"),
        }
    }
}
