//! Who is signed in where: remembered visits, devices, providers, the back office's list, tokens.

mod providers;
mod tokens;

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::time::Duration;

use reqwest::{Client, Response, StatusCode, Url, header};
use serde_json::{Value, json};
use testkit::Redis;

use super::api::{get, refusal};
use super::browser::Browser;
use super::demo::{Demo, PASSWORD, client, sign_in};
use super::instances::free_addr;

/// Every provider, by its name in addresses.
pub(crate) const DOORS: [&str; 6] = ["qq", "wechat", "wechat-in-app", "weibo", "github", "campus"];
/// The one person whom the simulated providers know.
pub(crate) const PERSON: &str = "sim_user=xiaoming";
pub(crate) const REFUSE: &str = "sim_deny=1";

/// How long one instance may take to tell another.
const TOLD: Duration = Duration::from_secs(20);

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

/// The cookie of the earlier session is overwritten, so nobody could sign that one out any more.
#[tokio::test]
async fn signing_in_again_ends_the_session_that_the_browser_had() {
    let demo = Demo::start(&[]);
    let (http, base) = (client(), demo.url());
    let mut held = pair(&enter(&http, base, "hanmeimei", "browser/1", false).await);
    let elsewhere = pair(&enter(&http, base, "hanmeimei", "browser/2", false).await);
    for (path, login) in [("/login", "hanmeimei"), ("/login", "lilei"), ("/api/v1/session", "lilei")] {
        let sent = http.post(format!("{base}{path}")).header(header::COOKIE, &held);
        let words = [("login", login), ("password", PASSWORD)];
        let sent = if path == "/login" { sent.form(&words) } else { sent.json(&HashMap::from(words)) };
        let reply = sent.send().await.unwrap();
        let fresh = pair(&set_cookie(&reply, "sid").unwrap());
        assert_eq!(why(&http, base, &held).await, "signed_out", "{path} {login}");
        held = fresh;
    }
    // Somebody who fails to sign in stays who they were.
    let refused =
        post(&http, format!("{base}/login"), &held, &[("login", "lilei"), ("password", "no")]).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    // And so with a provider: the identity is another account's.
    let back = with(&http, base, "github", &held).await;
    let fresh = pair(&set_cookie(&back, "sid").unwrap());
    assert_eq!(why(&http, base, &held).await, "signed_out");
    for cookie in [&fresh, &elsewhere] {
        assert_eq!(devices(&page(&http, format!("{base}/account"), cookie).await).len(), 1);
    }
}

#[tokio::test]
async fn remembered_or_not_every_device_is_listed_and_can_be_signed_out() {
    let demo = Demo::start(&[]);
    let (http, base) = (client(), demo.url());
    let here = enter(&http, base, "hanmeimei", "here/1", false).await;
    assert!(!here.to_ascii_lowercase().contains("max-age") && !here.to_ascii_lowercase().contains("expires"));
    let remembered = enter(&http, base, "hanmeimei", "laptop/<b>2", true).await;
    assert!(remembered.contains("Max-Age=2592000"), "{remembered}");
    for line in [&here, &remembered] {
        assert!(line.contains("HttpOnly") && line.contains("SameSite=Lax"), "{line}");
    }
    let third = enter(&http, base, "hanmeimei", "library/3", false).await;
    let [here, remembered, third] = [here, remembered, third].map(|line| pair(&line));
    let foreign = pair(&enter(&http, base, "lilei", "elsewhere/4", false).await);

    // All three, the one that asks marked, the words of the others shown as words.
    let account = format!("{base}/account");
    let shown = page(&http, account.clone(), &here).await;
    assert_eq!(devices(&shown).len(), 3);
    let own = device_with(&shown, "data-this");
    assert_eq!(device_with(&shown, "here/1"), own);
    assert_eq!(device_with(&shown, "remembered"), device_with(&shown, "laptop/&#60;b&#62;2"));
    assert!(!shown.contains("<b>2") && !shown.contains("elsewhere/4"));
    assert_eq!(shown.matches("127.0.0.1</td>").count(), 3);

    // One device is signed out, and told; a stranger signs out nobody.
    let (laptop, library) = (device_with(&shown, "laptop/"), device_with(&shown, "library/3"));
    let sign_out = |id: &str| format!("{base}/account/devices/{id}/sign-out");
    assert_eq!(place(&post(&http, sign_out(&laptop), &foreign, &[]).await), "/account");
    assert_eq!(devices(&page(&http, account.clone(), &remembered).await).len(), 3);
    assert_eq!(place(&post(&http, sign_out(&laptop), &here, &[]).await), "/account");
    assert_eq!(why(&http, base, &remembered).await, "signed_out");
    let told = page(&http, format!("{base}/login?why=signed_out"), "").await;
    assert!(told.contains("role=\"status\""), "{told}");
    let left = page(&http, account.clone(), &here).await;
    assert_eq!(devices(&left).len(), 2);
    assert_eq!(device_with(&left, "library/3"), library);
    assert_eq!(post(&http, sign_out("no-such-thing"), &here, &[]).await.status(), StatusCode::NOT_FOUND);

    // Everywhere else.
    assert_eq!(place(&post(&http, sign_out("others"), &here, &[]).await), "/account");
    assert_eq!(why(&http, base, &third).await, "signed_out");
    let alone = page(&http, account.clone(), &here).await;
    assert_eq!(devices(&alone).len(), 1);
    assert!(!alone.contains("id=\"others\""));
    assert_eq!(devices(&page(&http, account, &foreign).await).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_signs_out_other_devices_and_is_signed_out_by_them() {
    if testkit::skipped("chromium") {
        return;
    }
    let demo = Demo::start(&[]);
    let (http, base) = (client(), demo.url());
    let browser = Browser::start().await;
    browser.open(&format!("{base}/login?next=/account")).await;
    browser.fill("#login", "hanmeimei").await;
    browser.fill("#password", PASSWORD).await;
    browser.click("#remember").await;
    browser.screenshot("sign-in-doors").await;
    browser.click("main button[type=submit]").await;
    browser.wait_for("tr[data-this]").await;
    browser.wait_for_text("remembered").await;
    let other = pair(&enter(&http, base, "hanmeimei", "a tablet", false).await);
    browser.open(&format!("{base}/account")).await;
    browser.wait_for_text("a tablet").await;
    browser.screenshot("account").await;
    browser.click("#others").await;
    browser.wait_until_gone("#others").await;
    assert_eq!(why(&http, base, &other).await, "signed_out");

    // The other way round.
    let other = pair(&enter(&http, base, "hanmeimei", "a tablet", false).await);
    let shown = page(&http, format!("{base}/account"), &other).await;
    let id = device_with(&shown, "Chrome");
    post(&http, format!("{base}/account/devices/{id}/sign-out"), &other, &[]).await;
    browser.open(&format!("{base}/my")).await;
    browser.wait_for("#login").await;
    browser.wait_for(".note[role=status]").await;
    browser.screenshot("signed-out-elsewhere").await;
    browser.close().await;
}

/// A visit to a provider, as one browser makes it.
pub(crate) struct Visit {
    pub(crate) cookie: String,
    /// The consent page.
    consent: String,
    /// Where it is.
    there: Url,
}

impl Visit {
    /// From the door to the provider's page; `cookie` is what the browser has already.
    pub(crate) async fn begin(http: &Client, base: &str, door: &str, cookie: &str) -> Self {
        Self::off(http, base, get(http, format!("{base}/login/with/{door}?next=/my"), cookie).await, cookie)
            .await
    }

    /// From the account page to the provider's page, to tie the identity to the account of `cookie`.
    pub(crate) async fn link(http: &Client, base: &str, door: &str, cookie: &str) -> Self {
        let reply = post(http, format!("{base}/account/link/{door}"), cookie, &[]).await;
        Self::off(http, base, reply, cookie).await
    }

    pub(crate) async fn off(http: &Client, base: &str, reply: Response, cookie: &str) -> Self {
        let attempt = pair(&set_cookie(&reply, "gh-sign-in").unwrap());
        let cookie = if cookie.is_empty() { attempt } else { format!("{cookie}; {attempt}") };
        let there = place(&reply);
        assert!(!there.starts_with(base), "{there}");
        Self { cookie, consent: page(http, there.clone(), "").await, there: Url::parse(&there).unwrap() }
    }

    /// Clicks a link of the provider's page: the address of the school that it leads back to.
    pub(crate) async fn click(&self, http: &Client, link: &str) -> String {
        let links = between(&self.consent, "<a href=\"", "\"");
        let found = links.into_iter().find(|href| href.contains(link)).unwrap().replace("&amp;", "&");
        place(&get(http, self.there.join(&found).unwrap().into(), "").await)
    }
}

/// Signs in with a provider; the answer to the callback.
pub(crate) async fn with(http: &Client, base: &str, door: &str, cookie: &str) -> Response {
    let visit = Visit::begin(http, base, door, cookie).await;
    get(http, visit.click(http, PERSON).await, &visit.cookie).await
}

/// Ties an identity to the account of `cookie`; the answer to the callback.
pub(crate) async fn linked(http: &Client, base: &str, door: &str, cookie: &str) -> Response {
    let visit = Visit::link(http, base, door, cookie).await;
    get(http, visit.click(http, PERSON).await, &visit.cookie).await
}

pub(crate) async fn whose(http: &Client, base: &str, cookie: &str) -> String {
    let reply = get(http, format!("{base}/api/v1/session"), cookie).await;
    assert_eq!(reply.status(), StatusCode::OK);
    reply.json::<Value>().await.unwrap()["user"].as_str().unwrap().to_owned()
}

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
async fn until_status(http: &Client, base: &str, token: &str, status: StatusCode) {
    let look = async {
        while bearer(http, base, token).await.status() != status {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(TOLD, look).await.is_ok(), "no {status} came from {base}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_back_office_sees_who_is_online_and_signs_them_out() {
    if testkit::skipped("chromium") {
        return;
    }
    let demo = Demo::start(&[]);
    let (http, base) = (client(), demo.url());
    let lilei = sign_in(&http, base, "lilei").await;
    let second = pair(&enter(&http, base, "lilei", "a tablet", true).await);
    let access = token(&http, base, "lilei").await;
    assert_eq!(bearer(&http, base, &access).await.status(), StatusCode::OK);
    let id = whose(&http, base, &lilei).await;
    let pair_of_tokens = Pair::issue(&http, base, &lilei).await;
    let bystander = sign_in(&http, base, "hanmeimei").await;

    // A student neither sees the list nor ends anybody's session.
    let list = format!("{base}/admin/online");
    let kick = format!("{base}/admin/online/{id}/sign-out");
    assert_eq!(get(&http, list.clone(), &bystander).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(post(&http, kick, &bystander, &[]).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(whose(&http, base, &lilei).await, id);
    assert_eq!(place(&get(&http, list.clone(), "").await), "/login?next=%2Fadmin%2Fonline&why=not_signed_in");

    let browser = Browser::start().await;
    browser.open(&format!("{base}/login?next=/admin/online")).await;
    browser.fill("#login", "admin").await;
    browser.fill("#password", PASSWORD).await;
    browser.click("main button[type=submit]").await;
    browser.wait_until_holds("#count", "3").await;
    browser.screenshot("online").await;
    let row = format!("tr[data-user='{id}']");
    browser.wait_for(&format!("{row} td:nth-child(2) > :nth-child(2)")).await;
    browser.click(&format!("{row} button")).await;
    browser.wait_until_gone(&row).await;
    browser.wait_until_holds("#count", "2").await;
    let odd = get(&http, format!("{list}?after=nonsense"), &sign_in(&http, base, "admin").await).await;
    assert_eq!(odd.status(), StatusCode::BAD_REQUEST);
    browser.close().await;

    // They are told, and nothing that they hold works: no session, no access token, no refresh token.
    for cookie in [&lilei, &second] {
        assert_eq!(why(&http, base, cookie).await, "kicked");
        let reply = get(&http, format!("{base}/api/v1/session"), cookie).await;
        assert_eq!(refusal(reply).await, (StatusCode::UNAUTHORIZED, "kicked".into()));
    }
    let told = page(&http, format!("{base}/login?why=kicked"), &lilei).await;
    assert!(told.contains("The school ended your session."), "{told}");
    until_status(&http, base, &access, StatusCode::UNAUTHORIZED).await;
    assert_eq!(refusal(bearer(&http, base, &access).await).await.1, "invalid_token");
    // But they may come back.
    let lilei = sign_in(&http, base, "lilei").await;
    let refused = pair_of_tokens.step(&http, base, &lilei, "refresh").await;
    assert!(!refused.good && refused.words.contains("family has ended"), "{}", refused.words);
    let verified = pair_of_tokens.step(&http, base, &lilei, "verify").await;
    assert!(!verified.good && verified.words.contains("Refused"), "{}", verified.words);
    assert_eq!(whose(&http, base, &bystander).await.len(), id.len());
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

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_know_the_same_devices_and_refuse_the_same_tokens() {
    if testkit::skipped("redis") {
        return;
    }
    let redis = Redis::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let url = redis.url();
    // One public address, which is the issuer of the tokens.
    let addrs = [free_addr(), free_addr()];
    let public = format!("http://{}", addrs[0]);
    let _demos = addrs.map(|addr| {
        let listen = addr.to_string();
        let args = ["--listen", &*listen, "--redis-url", &*url, "--public-url", &*public];
        Demo::start_in(folder.path(), &args)
    });
    let http = client();
    let [one, two] = &addrs.map(|addr| format!("http://{addr}"));
    let first = pair(&enter(&http, one, "lilei", "first", false).await);
    let second = pair(&enter(&http, two, "lilei", "second", false).await);
    let mut lists = Vec::new();
    for base in [one, two] {
        let shown = page(&http, format!("{base}/account"), &first).await;
        lists.push(devices(&shown).into_iter().map(|(id, _)| id.to_owned()).collect::<Vec<_>>());
        assert_eq!(device_with(&shown, "data-this"), device_with(&shown, "first"));
    }
    assert_eq!(lists[0], lists[1]);
    assert_eq!(lists[0].len(), 2);

    // Called back on one, refused on both.
    let issued = Pair::issue(&http, one, &first).await;
    let kept = Pair::issue(&http, two, &second).await;
    for base in [one, two] {
        assert_eq!(bearer(&http, base, &issued.access).await.status(), StatusCode::OK);
    }
    assert!(issued.step(&http, two, &second, "revoke").await.good);
    for base in [one, two] {
        until_status(&http, base, &issued.access, StatusCode::UNAUTHORIZED).await;
        assert_eq!(bearer(&http, base, &kept.access).await.status(), StatusCode::OK);
    }
    // Exchanged on one, used up on the other.
    let next = kept.step(&http, one, &first, "refresh").await;
    assert!(next.step(&http, two, &second, "refresh").await.good);
    assert!(kept.step(&http, two, &second, "refresh").await.words.contains("Used up before"));

    // Signed out on the other; then kicked from the other, tokens and all.
    let shown = page(&http, format!("{two}/account"), &second).await;
    let id = device_with(&shown, "first");
    post(&http, format!("{two}/account/devices/{id}/sign-out"), &second, &[]).await;
    for base in [one, two] {
        assert_eq!(why(&http, base, &first).await, "signed_out");
    }
    let admin = sign_in(&http, one, "admin").await;
    let user = whose(&http, two, &second).await;
    let online = page(&http, format!("{one}/admin/online"), &admin).await;
    assert!(online.contains(&format!("data-user=\"{user}\"")));
    post(&http, format!("{one}/admin/online/{user}/sign-out"), &admin, &[]).await;
    for base in [one, two] {
        assert_eq!(why(&http, base, &second).await, "kicked");
        until_status(&http, base, &kept.access, StatusCode::UNAUTHORIZED).await;
        let online = page(&http, format!("{base}/admin/online"), &admin).await;
        assert!(!online.contains(&format!("data-user=\"{user}\"")));
    }
}
