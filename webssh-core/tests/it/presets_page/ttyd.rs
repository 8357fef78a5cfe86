//! The page of ttyd as its author publishes it, with the protocol of 1.5. Newer ones come inside the program only;
//! what they say beyond it (the size in the first message, pause and resume) is tested message by message.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::http::header;
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::get;
use testkit::{Chromium, ForeignKit};
use webssh_core::preset::{MESSAGE_BYTES_MAX, Preset};
use webssh_core::{Admission, TargetPolicy};

use super::driver::Tab;
use super::site::{Parts, Site, answer};

/// Unpacks the page. As it was published it looks for an element that it calls otherwise itself.
const UNPACK: &str = r#"
import { cpSync, readFileSync, writeFileSync } from "node:fs";
const to = process.argv[2];
cpSync(new URL("node_modules/ttyd/dist", import.meta.url), to, { recursive: true });
const page = readFileSync(`${to}/index.html`, "utf8");
if (!page.includes('id="root"')) throw new Error("the page is another one");
writeFileSync(`${to}/index.html`, page.replace('id="root"', 'id="test"').replace('src="app.css"', 'href="app.css"'));
"#;

const KIT: ForeignKit = ForeignKit {
    folder: "webssh-core/ttyd",
    pins: &[
        ("package.json", r#"{"name": "page-of-ttyd", "private": true, "dependencies": {"ttyd": "1.0.3"}}"#),
        (
            "package-lock.json",
            r#"{"name": "page-of-ttyd", "lockfileVersion": 3, "packages": {
                "": {"dependencies": {"ttyd": "1.0.3"}},
                "node_modules/ttyd": {"version": "1.0.3", "integrity": "sha512-WK2Sgwu3uywWTprUfagtzg3QDEc1oaN4l/ZLlI15VEmDeRzptAP/8/c828vBGy190sg1YzJuE6OcYg9CcftLJQ=="}
            }}"#,
        ),
    ],
    programs: &[("unpack.mjs", UNPACK)],
};

/// The page as ttyd serves it, whose token is a ticket here.
fn routes() -> Router<Arc<Parts>> {
    Router::new()
        .route("/", get(async |State(parts): State<Arc<Parts>>| Html(parts.page.clone())))
        .route("/auth_token.js", get(token))
        .route("/ws", get(socket))
        .route("/{file}", get(file))
}

async fn file(
    State(parts): State<Arc<Parts>>,
    axum::extract::Path(name): axum::extract::Path<String>,
) -> Response {
    answer(&parts.files.join(name))
}

async fn token(State(parts): State<Arc<Parts>>) -> Response {
    let policy = TargetPolicy::new(["lab.example:22"]).unwrap();
    let Admission::Allowed(target) = policy.admit("lab.example", 22, "alice").unwrap() else {
        panic!("it is on the list")
    };
    let script = format!("var tty_auth_token = '{}';", parts.ticket(target).unwrap());
    ([(header::CONTENT_TYPE, "text/javascript")], script).into_response()
}

async fn socket(State(parts): State<Arc<Parts>>, upgrade: WebSocketUpgrade) -> Response {
    let upgrade = upgrade.max_message_size(MESSAGE_BYTES_MAX).max_frame_size(MESSAGE_BYTES_MAX);
    upgrade.protocols(["tty"]).on_upgrade(async move |socket| {
        let preset = Preset::ttyd("lab-7").settings(r#"{"fontSize": 20}"#).unwrap();
        parts.serve(socket, preset).await;
    })
}

fn unpack(to: &Path) {
    let done = KIT.node("unpack.mjs").unwrap().arg(to).output().unwrap();
    assert!(done.status.success(), "{done:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chromium_runs_the_page_of_ttyd() {
    if testkit::skipped("npm") || testkit::skipped("chromium") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().to_owned();
    tokio::task::spawn_blocking(move || unpack(&folder)).await.unwrap();
    let site = Site::start(dir.path(), routes()).await;
    let url = site.url();
    tokio::task::spawn_blocking(move || use_the_page(&url)).await.unwrap();
    site.stop().await;
}

fn use_the_page(url: &str) {
    let chromium = Chromium::start().unwrap();
    let tab = Tab::open(&chromium, url);
    tab.wait("the terminal", "window.term");
    tab.run("window.seen = window.term");
    tab.shows("the greeting", "ready for alice@lab.example:22");
    tab.wait("the title", "document.title === 'lab-7'");
    tab.wait("the settings", "window.term.getOption('fontSize') === 20");
    let keys = ".xterm-helper-textarea";
    tab.type_into(keys, "grüße 你好\u{e007}");
    tab.shows("the answer", "you said grüße 你好");
    tab.type_into(keys, "size\u{e007}");
    let real = tab.run("return window.seen.cols + 'x' + window.seen.rows");
    tab.shows("the size", &format!("the size is {}", real.as_str().unwrap()));
    tab.type_into(keys, "flood\u{e007}");
    tab.shows("the end of the flood", "flooded");
    tab.type_into(keys, "exit\u{e007}");
    // It connects again after such an end, with the token that it has used: it is told so, and stays away.
    tab.wait("the end", "document.body.innerText.includes('Connection Closed')");
    tab.wait("another terminal", "window.term !== window.seen");
    tab.run("window.seen = window.term");
    tab.shows("the refusal", "ticket");
}
