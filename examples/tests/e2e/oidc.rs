//! The demo as an OpenID provider: clients that nobody here wrote, a real browser, questions, and single logout.

#[path = "../../../sso-core/tests/it/provider/install.rs"]
mod install;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::Html;
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Client, Response, StatusCode, Url, header};
use serde_json::{Value, json};
use sso_core::{
    ClientSecret, KeySet, LogoutReceived, LogoutReceiver, MemorySiteStore, PublicKeySet, SigningKey,
    UnixMillis, challenge_s256,
};
use tempfile::TempDir;
use testkit::Redis;
use tokio::sync::mpsc::{self, Receiver};

use super::browser::Browser;
use super::demo::{Demo, PASSWORD, client, sign_in};
use super::instances::free_addr;

const VERIFIER: &str = "0123456789012345678901234567890123456789012345";
/// How long a notice may take.
const TOLD: Duration = Duration::from_secs(20);

/// A site of the neighbourhood: its pages, and the ear for notices.
struct Site {
    url: String,
    notices: Receiver<String>,
    secret: ClientSecret,
    robot: SigningKey,
    folder: TempDir,
}

impl Site {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (heard, notices) = mpsc::channel(16);
        let page = || async { Html("<main><p>Welcome to the shop</p></main>") };
        let ear = move |body: String| async move { heard.send(body).await.unwrap() };
        let router =
            Router::new().route("/cb", get(page)).route("/bye", get(page)).route("/ended", post(ear));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let (secret, robot) = (ClientSecret::random().unwrap(), SigningKey::generate_rs256().unwrap());
        Self { url, notices, secret, robot, folder: tempfile::tempdir().unwrap() }
    }

    /// The file that registers it, as four sites.
    fn file(&self) -> String {
        let hash = self.secret.hash().to_text();
        let keys = KeySet::new(self.robot.clone()).public().jwks().unwrap().json;
        let keys: Value = serde_json::from_str(&keys).unwrap();
        let site = |id: &str, proof: Value, consent: &str| {
            json!({
                "id": id, "proof": proof, "consent": consent,
                "return_urls": [self.cb()], "after_logout_urls": [format!("{}/bye", self.url)],
                "logout_url": format!("{}/ended", self.url),
                "scopes": ["openid", "profile", "email", "offline_access"],
            })
        };
        let sites = json!([
            site("shop", json!({ "secret_hash": hash }), "first_party"),
            site("app", json!("public"), "first_party"),
            site("robot", json!({ "keys": keys }), "first_party"),
            site("stranger", json!({ "secret_hash": hash }), "ask"),
        ]);
        let path = self.folder.path().join("sites.json");
        std::fs::write(&path, sites.to_string()).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn cb(&self) -> String {
        format!("{}/cb", self.url)
    }

    /// Where a site sends a browser.
    fn authorize(&self, base: &str, id: &str) -> Url {
        let challenge = challenge_s256(VERIFIER);
        let fields = [
            ("client_id", id),
            ("redirect_uri", &self.cb()),
            ("response_type", "code"),
            ("scope", "openid profile"),
            ("state", "s"),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        Url::parse_with_params(&format!("{base}/oauth/authorize"), fields).unwrap()
    }

    /// The tokens for a code.
    async fn redeem(&self, http: &Client, base: &str, code: &str) -> Value {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.cb()),
            ("code_verifier", VERIFIER),
        ];
        let reply = self.token(http, base, &form).await;
        assert_eq!(reply.status(), StatusCode::OK);
        reply.json().await.unwrap()
    }

    async fn token(&self, http: &Client, base: &str, form: &[(&str, &str)]) -> Response {
        let sent = http.post(format!("{base}/oauth/token")).basic_auth("shop", Some(self.secret.expose()));
        // The server of a site names any origin, or none; it brings no cookie.
        sent.header(header::ORIGIN, &self.url).form(form).send().await.unwrap()
    }
}

async fn get_with(http: &Client, url: impl reqwest::IntoUrl, cookie: &str) -> Response {
    http.get(url).header(header::COOKIE, cookie).send().await.unwrap()
}

async fn answer(http: &Client, url: String, cookie: &str, query: &str, answer: &str) -> Response {
    let form = [("query", query), ("answer", answer)];
    http.post(url).header(header::COOKIE, cookie).form(&form).send().await.unwrap()
}

/// Where a reply leads.
fn place(reply: &Response) -> Url {
    assert_eq!(reply.status(), StatusCode::SEE_OTHER, "{}", reply.url());
    reply.url().join(reply.headers()[header::LOCATION].to_str().unwrap()).unwrap()
}

fn field(url: &Url, name: &str) -> String {
    let mut pairs = url.query_pairs();
    pairs.find(|(key, _)| key == name).unwrap_or_else(|| panic!("no `{name}` in {url}")).1.into_owned()
}

async fn is_signed_in(http: &Client, base: &str, cookie: &str) -> bool {
    get_with(http, format!("{base}/api/v1/session"), cookie).await.status() == StatusCode::OK
}

fn run(command: &mut Command, site: &Site, issuer: &str) {
    let claims = json!({ "sub": "u1001", "name": "Han Meimei 韩梅梅", "preferred_username": "hanmeimei" });
    command
        .env("ISSUER", issuer)
        .env("CLIENT_SECRET", site.secret.expose())
        .env("RETURN_URL", site.cb())
        .env("BYE_URL", format!("{}/bye", site.url))
        .env("ROBOT_KID", site.robot.kid())
        .env("ROBOT_KEY", site.robot.to_pkcs8_pem().unwrap().as_str())
        .env("LOGIN", "hanmeimei")
        .env("PASSWORD", PASSWORD)
        .env("CLAIMS", claims.to_string());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{complained}");
    assert!(said.trim_end().ends_with("all is well"), "{said}\n{complained}");
}

#[tokio::test(flavor = "multi_thread")]
async fn openid_client_of_npm_signs_in_with_the_form() {
    if testkit::skipped("npm") {
        return;
    }
    let site = Site::start().await;
    let demo = Demo::start(&["--sites-file", &site.file()]);
    run(&mut install::openid_client(), &site, demo.url());
}

#[tokio::test(flavor = "multi_thread")]
async fn authlib_of_pypi_signs_in_with_the_form() {
    if testkit::skipped("python3") {
        return;
    }
    let site = Site::start().await;
    let demo = Demo::start(&["--sites-file", &site.file()]);
    run(&mut install::authlib_client(), &site, demo.url());
}

/// Signs in through one instance, out through another; whoever relied on the session hears of it.
async fn signed_out_is_told(site: &mut Site, front: &str, other: &str) {
    let http = client();
    let cookie = sign_in(&http, front, "hanmeimei").await;
    let back = place(&get_with(&http, site.authorize(front, "shop"), &cookie).await);
    assert!(back.as_str().starts_with(&site.cb()), "{back}");
    assert_eq!((field(&back, "state"), field(&back, "iss")), ("s".to_owned(), front.to_owned()));
    let tokens = site.redeem(&http, other, &field(&back, "code")).await;
    let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
    let claims = URL_SAFE_NO_PAD.decode(text("id_token").split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    let userinfo = || http.get(format!("{other}/oauth/userinfo")).bearer_auth(text("access_token")).send();
    assert_eq!(userinfo().await.unwrap().json::<Value>().await.unwrap()["preferred_username"], "hanmeimei");
    // What is for the site does not open the school.
    let api = http.get(format!("{front}/api/v1/session")).bearer_auth(text("access_token"));
    assert_eq!(api.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);

    let out = http.post(format!("{other}/logout")).header(header::COOKIE, &cookie).send().await.unwrap();
    assert_eq!(place(&out).path(), "/login");
    let notice = tokio::time::timeout(TOLD, site.notices.recv()).await.unwrap().unwrap();
    let jwks = http.get(format!("{front}/.well-known/jwks.json")).send().await.unwrap().text().await.unwrap();
    let keys = PublicKeySet::from_jwks(&jwks).unwrap();
    let receiver = LogoutReceiver::new(front, "shop", keys, Arc::new(MemorySiteStore::new())).unwrap();
    let heard = receiver.receive(notice.as_bytes(), UnixMillis::now()).await.unwrap();
    let LogoutReceived::End(heard) = heard else { panic!("{heard:?}") };
    assert_eq!((heard.subject(), heard.session()), (Some("u1001"), claims["sid"].as_str()));

    assert_eq!(userinfo().await.unwrap().status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_site_is_told_when_its_user_signs_out() {
    let mut site = Site::start().await;
    let demo = Demo::start(&["--sites-file", &site.file()]);
    signed_out_is_told(&mut site, demo.url(), demo.url()).await;
}

#[tokio::test]
async fn two_instances_are_one_provider() {
    if testkit::skipped("redis") {
        return;
    }
    let redis = Redis::start().unwrap();
    let (mut site, folder) = (Site::start().await, tempfile::tempdir().unwrap());
    let [front, other] = [free_addr(), free_addr()].map(|addr| addr.to_string());
    let (public, sites, redis) = (format!("http://{front}"), site.file(), redis.url());
    let start = |folder: &Path, listen: &str| {
        let args =
            ["--listen", listen, "--public-url", &public, "--redis-url", &redis, "--sites-file", &sites];
        Demo::start_in(folder, &args)
    };
    let _demos = [start(folder.path(), &front), start(folder.path(), &other)];
    signed_out_is_told(&mut site, &public, &format!("http://{other}")).await;
}

#[tokio::test]
async fn a_site_of_strangers_is_told_nothing_without_consent() {
    let site = Site::start().await;
    let demo = Demo::start(&["--sites-file", &site.file()]);
    let (http, base) = (client(), demo.url());
    let cookie = sign_in(&http, base, "hanmeimei").await;
    let asked = site.authorize(base, "stranger");
    let page = get_with(&http, asked.clone(), &cookie).await;
    assert_eq!(page.status(), StatusCode::OK);
    let page = page.text().await.unwrap();
    assert!(page.contains("<strong>stranger</strong>") && page.contains("your name"), "{page}");
    let (consent, query) = (format!("{base}/oauth/consent"), asked.query().unwrap());
    let refused = place(&answer(&http, consent.clone(), &cookie, query, "no").await);
    assert_eq!(field(&refused, "error"), "access_denied");
    assert!(!field(&place(&answer(&http, consent.clone(), &cookie, query, "yes").await), "code").is_empty());

    // Another site's page cannot answer for the visitor, and a stranger without a session is sent to sign in.
    let form = [("query", query), ("answer", "yes")];
    let forged = http.post(&consent).header(header::COOKIE, &cookie).header(header::ORIGIN, &site.url);
    assert_eq!(forged.form(&form).send().await.unwrap().status(), StatusCode::FORBIDDEN);
    let nobody = place(&answer(&http, consent, "", query, "yes").await);
    assert_eq!(nobody.path(), "/login");
    assert!(field(&nobody, "next").starts_with("/oauth/authorize?"), "{nobody}");
}

#[tokio::test]
async fn nobody_is_signed_out_by_a_link() {
    let site = Site::start().await;
    let demo = Demo::start(&["--sites-file", &site.file()]);
    let (http, base) = (client(), demo.url());
    let cookie = sign_in(&http, base, "hanmeimei").await;
    let end = format!("{base}/oauth/end-session");
    let query = "client_id=shop";
    let page = get_with(&http, format!("{end}?{query}"), &cookie).await;
    assert_eq!(page.status(), StatusCode::OK);
    assert!(page.text().await.unwrap().contains("<strong>shop</strong> asks you to sign out"));
    // Another site's form becomes the same question.
    let posted = http.post(&end).header(header::ORIGIN, &site.url).form(&[("client_id", "shop")]);
    assert_eq!(place(&posted.send().await.unwrap()).as_str(), format!("{end}?{query}"));
    let astray =
        get_with(&http, format!("{end}?{query}&post_logout_redirect_uri=http://127.0.0.1:1/"), &cookie);
    assert_eq!(astray.await.status(), StatusCode::BAD_REQUEST);
    let sign_out = format!("{base}/oauth/sign-out");
    let form = [("query", query), ("answer", "yes")];
    let forged = http.post(&sign_out).header(header::COOKIE, &cookie).header(header::ORIGIN, &site.url);
    assert_eq!(forged.form(&form).send().await.unwrap().status(), StatusCode::FORBIDDEN);
    assert_eq!(place(&answer(&http, sign_out.clone(), &cookie, query, "no").await).path(), "/courses");
    assert!(is_signed_in(&http, base, &cookie).await);
    assert_eq!(place(&answer(&http, sign_out, &cookie, query, "yes").await).path(), "/login");
    assert!(!is_signed_in(&http, base, &cookie).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_comes_back_to_the_site_from_the_form() {
    if testkit::skipped("chromium") {
        return;
    }
    let site = Site::start().await;
    let demo = Demo::start(&["--sites-file", &site.file()]);
    let browser = Browser::start().await;
    // The policy of our pages has to let a form lead there.
    browser.open(site.authorize(demo.url(), "stranger").as_str()).await;
    browser.fill("#login", "hanmeimei").await;
    browser.fill("#password", PASSWORD).await;
    browser.click("main button[type=submit]").await;
    browser.wait_for_text("your name").await;
    browser.screenshot("consent").await;
    browser.click("#agree").await;
    browser.wait_for_text("Welcome to the shop").await;
    browser.open(&format!("{}/oauth/end-session", demo.url())).await;
    browser.screenshot("sign-out").await;
    browser.click("#agree").await;
    browser.wait_for("#login").await;
    // Somebody who is known comes from the form straight to the site.
    browser.open(site.authorize(demo.url(), "shop").as_str()).await;
    browser.fill("#login", "lilei").await;
    browser.fill("#password", PASSWORD).await;
    browser.click("main button[type=submit]").await;
    browser.wait_for_text("Welcome to the shop").await;
    browser.close().await;
}

#[test]
fn a_sites_file_that_is_wrong_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sites.json");
    let refused = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let mut command = super::demo::command(folder.path());
        command.args(["--listen", "127.0.0.1:0", "--sites-file"]).arg(&file);
        let output = command.output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(refused("{").contains("sites.json"));
    let http = r#"[{"id": "shop", "proof": "public", "return_urls": ["http://shop.example/"]}]"#;
    assert!(refused(http).contains("`shop` cannot be registered"));
}
