//! The files of the lab: dropped into the page and read in the terminal, the other way, cut and gone on with, refused.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use super::{ROWS, TYPING, enter};
use crate::api::{get, refusal};
use crate::browser::Browser;
use crate::demo::{Demo, client, sign_in};

/// Drops a file made by a script on an element: `name`, `text`, and how often it stands in the file.
const DROP: &str = "const [css, name, text, times] = arguments; \
    const data = new DataTransfer(); \
    data.items.add(new File([text.repeat(times)], name, { lastModified: 5 })); \
    for (const type of ['dragenter', 'dragover', 'drop']) \
        document.querySelector(css).dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));";

async fn drop_file(browser: &Browser, css: &str, (name, text, times): (&str, &str, u32)) {
    browser.script_with(DROP, vec![json!(css), json!(name), json!(text), json!(times)]).await;
}

fn link(name: &str) -> String {
    format!("#files a[title$='{name}']")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_dropped_is_there_and_comes_back_the_same() {
    if testkit::skipped("chromium") {
        return;
    }
    let demo = Demo::start(&[]);
    let browser = Browser::start().await;
    browser.resize(1280, 1000).await;
    enter(&browser, demo.url()).await;
    browser.wait_until_holds("#files-note", "empty").await;

    // On the terminal, with a name and text of two cells a character.
    drop_file(&browser, ".lab-panel .ws-screen", ("诗 一.txt", "床前明月光\n", 1)).await;
    browser.wait_for(&link("诗 一.txt")).await;
    browser.type_keys(TYPING, "cat '诗 一.txt'; stat -c %U:%s '诗 一.txt'").await;
    browser.wait_until_holds(ROWS, "床前明月光").await;
    browser.wait_until_holds(ROWS, ":16").await;

    // On the panel, some megabytes: what the shell reads has the same digest as what was sent.
    drop_file(&browser, ".lab-files", ("big.bin", "0123456789abcdef", 200_000)).await;
    browser.wait_for(&link("big.bin")).await;
    browser
        .type_keys(
            TYPING,
            "yes 0123456789abcdef | head -n 200000 | tr -d '\\n' | cmp - big.bin && echo the-sa''me",
        )
        .await;
    browser.wait_until_holds(ROWS, "the-same").await;

    // A name that is taken is asked about.
    drop_file(&browser, ".lab-files", ("诗 一.txt", "疑是地上霜\n", 1)).await;
    browser.wait_until_holds("#transfers", "already").await;
    browser.screenshot("lab-files-taken").await;
    browser.click("#transfers .btn").await;
    browser.wait_until_gone("#transfers li").await;
    browser.type_keys(TYPING, "cat '诗 一.txt'").await;
    browser.wait_until_holds(ROWS, "疑是地上霜").await;

    // What the shell made comes down the same.
    browser.type_keys(TYPING, "mkdir songs; seq 1 100000 > made.txt; echo ma''de").await;
    browser.wait_until_holds(ROWS, "made").await;
    browser.click("#files-refresh").await;
    browser.wait_until_holds("#files", "songs/").await;
    let taken = "const done = arguments[0]; fetch(document.querySelector(\"#files a[title$='made.txt']\").href) \
        .then((reply) => reply.text().then((text) => done([text, reply.headers.get('content-disposition')])))";
    let taken = browser.script_later(taken, vec![]).await;
    let made: String = (1..=100_000).map(|n| format!("{n}\n")).collect();
    assert_eq!(taken[0].as_str(), Some(made.as_str()));
    assert_eq!(taken[1], "attachment; filename*=UTF-8''made.txt");
    browser.screenshot("lab-files").await;

    // Too large is said before a byte is sent.
    drop_file(&browser, ".lab-files", ("huge.bin", "0123456789abcdef", 700_000)).await;
    browser.wait_until_holds("#transfers", "10 MB").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_was_cut_is_gone_on_with() {
    if testkit::skipped("chromium") {
        return;
    }
    let demo = Demo::start(&[]);
    let (http, base) = (client(), demo.url());
    let cookie = sign_in(&http, base, "teacher.wu").await;
    // Half of it arrives, and the connection breaks.
    let (half, whole) = ("first half, ".repeat(5_000), "second half.".repeat(5_000));
    let stream = begin_upload(base, &cookie, "long.txt", half.as_bytes(), half.len() + whole.len());
    let part = format!("{base}/api/v1/lab/shell/parts/long.txt");
    let arrived = u64::try_from(half.len()).unwrap();
    let grown = async || {
        let part: Value = get(&http, part.clone(), &cookie).await.json().await.unwrap();
        part["bytes"].as_u64().unwrap() == arrived
    };
    eventually("the part grows", grown).await;
    drop(stream);
    let missing = get(&http, format!("{base}/api/v1/lab/shell/files/long.txt"), &cookie).await;
    assert_eq!(missing.status(), 404, "half a file is no file");
    // Until the server has noticed the cut, the part is still being written.
    let differs = async || {
        let elsewhere = put(&http, base, &cookie, "long.txt?from=7&bytes=90000", "xx").await;
        let (status, code) = refusal(elsewhere).await;
        assert!(
            code == "busy" || (status, code.as_str()) == (StatusCode::CONFLICT, "part_differs"),
            "{code}"
        );
        code == "part_differs"
    };
    eventually("the part is free", differs).await;

    // The page remembers what it was sending, and sends the rest alone.
    let browser = Browser::start().await;
    enter(&browser, base).await;
    let size = half.len() + whole.len();
    browser.script(&format!("localStorage.setItem('lab.upload.shell.long.txt', '{size}-5')")).await;
    let text = format!("{half}{whole}");
    drop_file(&browser, ".lab-files", ("long.txt", &text, 1)).await;
    browser.wait_for(&link("long.txt")).await;
    let asked = "return performance.getEntriesByType('resource').map(({ name }) => name).filter((name) => name.includes('/uploads/'))";
    let asked = browser.script(asked).await;
    assert!(asked[0].as_str().unwrap().contains(&format!("from={}&", half.len())), "{asked}");
    let file = get(&http, format!("{base}/api/v1/lab/shell/files/long.txt"), &cookie).await;
    assert_eq!(file.text().await.unwrap(), text);
    assert_eq!(browser.script("return localStorage.length").await, json!(0));
    browser.close().await;
}

/// Sends the beginning of an upload; the rest does not come.
fn begin_upload(base: &str, cookie: &str, name: &str, half: &[u8], bytes: usize) -> TcpStream {
    let mut stream = TcpStream::connect(base.trim_start_matches("http://")).unwrap();
    let head = format!(
        "PUT /api/v1/lab/shell/uploads/{name}?from=0&bytes={bytes} HTTP/1.1\r\nhost: x\r\ncookie: {cookie}\r\ncontent-length: {bytes}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(half).unwrap();
    stream
}

/// Waits until something is so.
async fn eventually(what: &str, is_so: impl AsyncFn() -> bool) {
    let wait = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(60), wait).await.is_ok(), "not in time: {what}");
}

async fn put(http: &Client, base: &str, cookie: &str, rest: &str, body: &'static str) -> reqwest::Response {
    let url = format!("{base}/api/v1/lab/shell/uploads/{rest}");
    http.put(url).header("cookie", cookie).body(body).send().await.unwrap()
}

#[tokio::test]
async fn files_of_others_and_bad_uploads_are_refused() {
    let demo = Demo::start(&[]);
    let (http, base) = (client(), demo.url());
    let cookie = sign_in(&http, base, "teacher.wu").await;
    let stranger = sign_in(&http, base, "lilei").await;
    let api = format!("{base}/api/v1/lab/shell");
    for path in ["files", "files/x", "parts/x"] {
        let reply = get(&http, format!("{api}/{path}"), &stranger).await;
        assert_eq!(refusal(reply).await, (StatusCode::FORBIDDEN, "not_enrolled".into()), "{path}");
    }
    let reply = put(&http, base, &stranger, "x?from=0&bytes=1", "x").await;
    assert_eq!(refusal(reply).await, (StatusCode::FORBIDDEN, "not_enrolled".into()));
    let evil = http
        .put(format!("{api}/uploads/x?from=0&bytes=1"))
        .header("cookie", &cookie)
        .header("origin", "https://evil.example")
        .body("x");
    assert_eq!(evil.send().await.unwrap().status(), 403);

    for (rest, status, code) in [
        ("..%2Fx?from=0&bytes=1", 400, "invalid_name"),
        ("%2Fetc%2Fx?from=0&bytes=1", 400, "invalid_name"),
        ("..?from=0&bytes=1", 404, "not_found"),
        ("x?from=0", 400, "invalid_query"),
        ("x?from=0&bytes=99999999", 413, "too_large"),
        ("x?from=0&bytes=3", 409, "incomplete"),
        ("x?from=9&bytes=10", 409, "part_differs"),
    ] {
        let reply = put(&http, base, &cookie, rest, "x").await;
        let (got, problem) = (reply.status().as_u16(), reply.text().await.unwrap());
        assert_eq!(got, status, "{rest}: {problem}");
        assert!(problem.contains(code), "{rest}: {problem}");
    }
    assert_eq!(put(&http, base, &cookie, "x?from=0&bytes=1", "x").await.status(), 201);
    let again = put(&http, base, &cookie, "x?from=0&bytes=1", "y").await;
    assert_eq!(refusal(again).await, (StatusCode::CONFLICT, "exists".into()));
    assert_eq!(put(&http, base, &cookie, "x?from=0&bytes=1&replace=true", "z").await.status(), 201);
    assert_eq!(get(&http, format!("{api}/files/x"), &cookie).await.text().await.unwrap(), "z");
    // Another learner's home is another one.
    let other = sign_in(&http, base, "admin").await;
    assert_eq!(get(&http, format!("{api}/files/x"), &other).await.status(), 404);
    let list: Value = get(&http, format!("{api}/files"), &other).await.json().await.unwrap();
    assert_eq!((&list["files"], &list["is_complete"]), (&json!([]), &json!(true)));
}
