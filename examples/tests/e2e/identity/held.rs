//! What a client holds: an access token, and the pair of tokens that the token page shows.

use std::time::Duration;

use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};

use super::{between, post};
use crate::demo::PASSWORD;

/// How long one instance may take to tell another.
const TOLD: Duration = Duration::from_secs(20);

pub(crate) async fn token(http: &Client, base: &str, login: &str) -> String {
    let body = json!({ "login": login, "password": PASSWORD });
    let reply = http.post(format!("{base}/api/v1/tokens")).json(&body).send().await.unwrap();
    let reply: Value = reply.json().await.unwrap();
    reply["access_token"].as_str().unwrap().to_owned()
}

pub(crate) async fn bearer(http: &Client, base: &str, token: &str) -> Response {
    http.get(format!("{base}/api/v1/session")).bearer_auth(token).send().await.unwrap()
}

/// Waits until the API gives a token this status.
pub(super) async fn until_status(http: &Client, base: &str, token: &str, status: StatusCode) {
    let look = async {
        while bearer(http, base, token).await.status() != status {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(TOLD, look).await.is_ok(), "no {status} came from {base}");
}

/// What the token page shows.
pub(crate) struct Pair {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) words: String,
    pub(crate) good: bool,
    pub(crate) page: String,
}

impl Pair {
    pub(crate) async fn issue(http: &Client, base: &str, cookie: &str) -> Self {
        let form = [("step", "issue"), ("minutes", "5"), ("scope", "courses:read lab:open")];
        let issued = Self::sent(http, base, cookie, &form).await;
        assert!(issued.good, "{}", issued.words);
        issued
    }

    /// Sends what the page showed, with one of its buttons.
    pub(crate) async fn step(&self, http: &Client, base: &str, cookie: &str, step: &str) -> Self {
        let form = [("step", step), ("access", &*self.access), ("refresh", &*self.refresh)];
        Self::sent(http, base, cookie, &form).await
    }

    pub(crate) async fn sent(http: &Client, base: &str, cookie: &str, form: &[(&str, &str)]) -> Self {
        let reply = post(http, format!("{base}/tokens"), cookie, form).await;
        assert_eq!(reply.status(), StatusCode::OK);
        let page = reply.text().await.unwrap();
        let field = |id: &str| {
            let found = between(&page, &format!("<textarea id=\"{id}\""), "</textarea>");
            found[0].split_once('>').unwrap().1.to_owned()
        };
        let result = between(&page, "<p class=\"note ", "</p>")[0];
        let (class, words) = result.split_once('>').unwrap();
        let (good, words) = (class.starts_with("good"), words.to_owned());
        Self { access: field("access"), refresh: field("refresh"), words, good, page }
    }
}
