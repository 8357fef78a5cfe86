//! Who is signed in where: remembered visits, devices, providers, the back office's list, tokens.

mod back_office;
mod devices;
pub(super) mod held;
mod instances;
mod providers;
mod tokens;
pub(super) mod visit;

use reqwest::{Client, Response, StatusCode, header};
use serde_json::Value;

use crate::api::get;
use crate::demo::PASSWORD;

pub(crate) async fn post(http: &Client, url: String, cookie: &str, form: &[(&str, &str)]) -> Response {
    http.post(url).header(header::COOKIE, cookie).form(form).send().await.unwrap()
}

pub(crate) fn place(reply: &Response) -> String {
    assert!(reply.status().is_redirection(), "{} {}", reply.status(), reply.url());
    reply.headers()[header::LOCATION].to_str().unwrap().to_owned()
}

/// The `Set-Cookie` line of a name, if there is one.
pub(crate) fn set_cookie(reply: &Response, name: &str) -> Option<String> {
    let lines = reply.headers().get_all(header::SET_COOKIE).iter();
    let mut lines = lines.map(|line| line.to_str().unwrap().to_owned());
    lines.find(|line| line.starts_with(&format!("{name}=")))
}

pub(crate) fn pair(line: &str) -> String {
    line.split(';').next().unwrap().to_owned()
}

/// Signs in with the form of the page, on a device of this name.
async fn enter(http: &Client, base: &str, login: &str, agent: &str, remember: bool) -> String {
    let mut form = vec![("login", login), ("password", PASSWORD), ("next", "/account")];
    if remember {
        form.push(("remember", "on"));
    }
    let sent = http.post(format!("{base}/login")).header(header::USER_AGENT, agent).form(&form);
    let reply = sent.send().await.unwrap();
    assert_eq!(place(&reply), "/account");
    set_cookie(&reply, "sid").unwrap()
}

pub(crate) async fn page(http: &Client, url: String, cookie: &str) -> String {
    let reply = get(http, url, cookie).await;
    assert_eq!(reply.status(), StatusCode::OK, "{}", reply.url());
    reply.text().await.unwrap()
}

/// Why a page that needs a session sent the visitor to sign in.
async fn why(http: &Client, base: &str, cookie: &str) -> String {
    let sent_to = place(&get(http, format!("{base}/account"), cookie).await);
    let (_, why) = sent_to.split_once("/login?next=%2Faccount&why=").unwrap();
    why.to_owned()
}

/// What stands between two marks, for each of them.
pub(crate) fn between<'a>(text: &'a str, before: &str, after: &str) -> Vec<&'a str> {
    text.split(before).skip(1).map(|rest| rest.split(after).next().unwrap()).collect()
}

/// The device rows of the account page: id, and the row's text.
fn devices(page: &str) -> Vec<(&str, &str)> {
    between(page, "<tr data-device=\"", "</tr>").into_iter().map(|row| row.split_once('"').unwrap()).collect()
}

/// The id of the device whose row holds `words`.
pub(crate) fn device_with(page: &str, words: &str) -> String {
    let found: Vec<_> = devices(page).into_iter().filter(|(_, row)| row.contains(words)).collect();
    assert_eq!(found.len(), 1, "`{words}` in {page}");
    found[0].0.to_owned()
}

pub(crate) async fn whose(http: &Client, base: &str, cookie: &str) -> String {
    let reply = get(http, format!("{base}/api/v1/session"), cookie).await;
    assert_eq!(reply.status(), StatusCode::OK);
    reply.json::<Value>().await.unwrap()["user"].as_str().unwrap().to_owned()
}
