//! The back office: forms without a script, the API beside them, and the pages in a browser.

mod api;
mod browser;
mod domains;
mod forms;
mod instances;
mod languages;
mod matrix;
mod proof;
mod roles;
mod transfer;

use reqwest::{Client, Response};
use serde_json::Value;

use super::demo::{Demo, client, sign_in};

/// Somebody at work through HTTP alone.
pub(crate) struct Desk {
    pub(crate) demo: Demo,
    pub(crate) http: Client,
    pub(crate) cookie: String,
}

impl Desk {
    /// A demo of its own, and the administrator in it.
    pub(crate) async fn open() -> Self {
        let (demo, http) = (Demo::start(&[]), client());
        let cookie = sign_in(&http, demo.url(), "admin").await;
        Self { demo, http, cookie }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.demo.url())
    }

    /// The cookie of somebody else.
    pub(crate) async fn sign_in(&self, login: &str) -> String {
        sign_in(&self.http, self.demo.url(), login).await
    }

    pub(crate) async fn get(&self, path: &str, cookie: &str) -> Response {
        self.http.get(self.url(path)).header("cookie", cookie).send().await.unwrap()
    }

    /// The JSON below `/api/v1/admin`.
    pub(crate) async fn json(&self, path: &str) -> Value {
        let reply = self.get(&format!("/api/v1/admin{path}"), &self.cookie).await;
        assert_eq!(reply.status(), 200, "{path}");
        reply.json().await.unwrap()
    }

    pub(crate) async fn send(&self, method: &str, path: &str, cookie: &str, body: &Value) -> Response {
        let method = method.parse().unwrap();
        let request = self.http.request(method, self.url(&format!("/api/v1/admin{path}")));
        request.header("cookie", cookie).json(body).send().await.unwrap()
    }

    /// Sends a form to an address as a browser without a script would.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)], cookie: &str) -> Response {
        self.http.post(self.url(path)).header("cookie", cookie).form(fields).send().await.unwrap()
    }

    /// Sends a form as a browser without a script would.
    pub(crate) async fn form(&self, fields: &[(&str, &str)], cookie: &str) -> Response {
        let request = self.http.post(self.url("/admin/changes")).header("cookie", cookie);
        request.form(fields).send().await.unwrap()
    }
}
