//! The lab in a browser: a cut network, two tabs, a teacher who looks on, a full-screen program, a replay.

mod files;
mod looks;
mod refused;

use std::time::Duration;

use fantoccini::key::Key;
use serde_json::Value;
use testkit::Proxy;

use super::browser::Browser;
use super::demo::{Demo, PASSWORD, client, sign_in};
use super::instances::free_addr;

/// Where keys go.
const TYPING: &str = ".lab-panel:not([hidden]) .xterm-helper-textarea";
const ROWS: &str = ".lab-panel:not([hidden]) .xterm-rows";
const OPEN: &str = ".lab-panel:not([hidden]) .ws-light[data-state=open]";
/// All lines that the first terminal on show holds, the scrollback too.
const LINES: &str = "const buffer = document.querySelector('.lab-panel:not([hidden]) .lab-terminal').view.term.buffer.active; \
    return Array.from({ length: buffer.length }, (_, at) => buffer.getLine(at).translateToString(true));";

/// A teacher opens the labs of every course, and sees everybody's terminals.
async fn enter(browser: &Browser, base: &str) {
    enter_as(browser, base, "teacher.wu").await;
}

/// Signs in and opens the lab of the course about the shell.
async fn enter_as(browser: &Browser, base: &str, login: &str) {
    browser.open(&format!("{base}/login")).await;
    browser.fill("#login", login).await;
    browser.fill("#password", PASSWORD).await;
    browser.click("main button[type=submit]").await;
    browser.wait_for(".grid .course").await;
    browser.open(&format!("{base}/lab/shell")).await;
    browser.wait_for(OPEN).await;
    browser.wait_until_holds(ROWS, "learner@lab").await;
}

async fn lines(browser: &Browser) -> Vec<String> {
    serde_json::from_value(browser.script(LINES).await).unwrap()
}

fn lines_of(all: &[String]) -> Vec<u32> {
    all.iter().filter_map(|line| line.strip_prefix("n-")?.parse().ok()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_in_the_middle_of_output_loses_nothing() {
    if testkit::skipped("chromium") {
        return;
    }
    let proxy = Proxy::start(([127, 0, 0, 1], 9).into()).unwrap();
    let listen = free_addr();
    let public = format!("http://{}", proxy.addr());
    proxy.retarget(listen);
    let demo = Demo::start(&["--listen", &listen.to_string(), "--public-url", &public]);
    let browser = Browser::start().await;
    enter(&browser, demo.url()).await;

    // In its middle it waits to be typed to, however slow the browser is.
    browser
        .type_keys(TYPING, "for n in $(seq 1 3000); do echo n-$n; [ $n = 900 ] && read x; [ $((n % 300)) = 0 ] && sleep 0.2; done; echo all-$((40 + 2))")
        .await;
    for seen in ["n-600", "n-1500"] {
        wait_for_line(&browser, seen).await;
        proxy.cut_all().unwrap();
        browser.wait_for(".ws-light[data-state=cut]").await;
        if seen == "n-600" {
            browser.screenshot("lab-cut").await;
            // What is typed while the network is away arrives once.
            browser.type_keys(TYPING, "typed-while-away").await;
        }
        proxy.heal().unwrap();
        browser.wait_for(OPEN).await;
    }
    wait_for_line(&browser, "all-42").await;
    let all = lines(&browser).await;
    assert_eq!(lines_of(&all), (1..=3000).collect::<Vec<u32>>());
    assert_eq!(all.iter().filter(|line| line.contains("typed-while-away")).count(), 1);
    browser.close().await;
}

/// Waits until the terminal holds this line.
async fn wait_for_line(browser: &Browser, line: &str) {
    let look = async {
        while !lines(browser).await.iter().any(|there| there == line) {
            tokio::task::yield_now().await;
        }
    };
    if tokio::time::timeout(Duration::from_secs(60), look).await.is_err() {
        panic!("`{line}` did not come: {:?}", lines(browser).await.last());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_outlives_its_page_and_the_newest_page_has_it() {
    if testkit::skipped("chromium") {
        return;
    }
    let demo = Demo::start(&[]);
    let page = format!("{}/lab/shell", demo.url());
    let browser = Browser::start().await;
    enter(&browser, demo.url()).await;
    browser.type_keys(TYPING, "answer=42; echo 你好, 终端").await;
    browser.wait_until_holds(ROWS, "你好, 终端").await;

    // After a reload the same shell is there, with what it showed.
    browser.open(&page).await;
    browser.wait_until_holds(ROWS, "你好, 终端").await;
    browser.type_keys(TYPING, "echo is-$answer").await;
    browser.wait_until_holds(ROWS, "is-42").await;

    // A second tab takes it; the first is told and does not fight for it.
    let first = browser.open_tab(&page).await;
    browser.wait_until_holds(ROWS, "is-42").await;
    browser.type_keys(TYPING, "echo second-$answer").await;
    browser.wait_until_holds(ROWS, "second-42").await;
    browser.close_tab(first).await;
    browser.wait_until_holds(".ws-status", "another tab or device").await;
    browser.click(".ws-again").await;
    browser.wait_until_holds(ROWS, "second-42").await;

    // How far away the server is, said after two looks at the connection.
    browser.wait_until_holds(".ws-latency", " ms").await;

    // Two side by side.
    browser.click("#split").await;
    browser.wait_for(".lab-panel[data-place='1'] .ws-light[data-state=open]").await;
    browser
        .type_keys(".lab-panel[data-place='1'] .xterm-helper-textarea", "ls -l --color=always / | tail -n 12")
        .await;
    browser.wait_until_holds(".lab-panel[data-place='1'] .xterm-rows", "var").await;
    browser.screenshot("lab-split").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_screen_program_follows_the_size_and_leaves_the_screen_as_it_was() {
    if testkit::skipped("chromium") {
        return;
    }
    let demo = Demo::start(&[]);
    let browser = Browser::start().await;
    enter(&browser, demo.url()).await;
    browser.type_keys(TYPING, "seq 1 200 > numbers; echo before-less").await;
    browser.wait_until_holds(ROWS, "before-less").await;
    browser.type_keys(TYPING, "less numbers").await;
    browser.wait_until_holds(ROWS, "numbers").await;
    browser.resize(900, 700).await;
    browser.fill(TYPING, "G").await;
    browser.wait_until_holds(ROWS, "199200").await;
    browser.screenshot("lab-less").await;
    browser.fill(TYPING, "q").await;
    browser.wait_until_holds(ROWS, "before-less").await;

    // An editor, with text of two cells a character.
    browser.type_keys(TYPING, "vi poem.txt").await;
    browser.wait_until_holds(ROWS, "~      ").await;
    browser.fill(TYPING, "i疑是地上霜").await;
    browser.wait_until_holds(ROWS, "疑是地上霜").await;
    browser.screenshot("lab-vi").await;
    browser.fill(TYPING, &char::from(Key::Escape).to_string()).await;
    browser.type_keys(TYPING, ":wq").await;
    browser.wait_until_holds(ROWS, "before-less").await;
    browser.type_keys(TYPING, "wc -m poem.txt; cat poem.txt").await;
    browser.wait_until_holds(ROWS, "6 poem.txt").await;
    browser.wait_until_holds(ROWS, "疑是地上霜").await;
    browser.type_keys(TYPING, "stty size").await;
    let size = browser.script("return document.querySelector('.ws-size').textContent").await;
    let (cols, rows) = size.as_str().unwrap().split_once(" × ").unwrap();
    browser.wait_until_holds(ROWS, &format!("{rows} {cols}")).await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_teacher_looks_on_and_cannot_type() {
    if testkit::skipped("chromium") {
        return;
    }
    let demo = Demo::start(&[]);
    let browser = Browser::start().await;
    enter(&browser, demo.url()).await;
    let learner = browser.open_tab(&format!("{}/lab/desk", demo.url())).await;
    browser.wait_until_holds("#desk tbody", "First steps").await;
    browser.screenshot("lab-desk").await;
    browser.click("#desk tbody a").await;
    browser.wait_for("#watch .ws-light[data-state=open]").await;
    browser.wait_until_holds("#watch .xterm-rows", "learner@lab").await;
    let typed = "document.querySelector('#watch .lab-terminal').view.paste('echo not-from-here\\r')";
    browser.script(typed).await;
    let watching = browser.go_to_tab(learner).await;
    browser.wait_until_holds(".ws-watchers", "1 looking on").await;
    browser.type_keys(TYPING, "echo shown-$((40 + 2))").await;
    browser.wait_until_holds(ROWS, "shown-42").await;
    assert!(!lines(&browser).await.iter().any(|line| line.contains("not-from-here")));
    browser.go_to_tab(watching).await;
    browser.wait_until_holds("#watch .xterm-rows", "shown-42").await;
    browser.screenshot("lab-watch").await;

    // The end of a terminal ends both looks at it.
    browser.open(&format!("{}/lab/desk", demo.url())).await;
    browser.click("#desk tbody button").await;
    browser.wait_until_holds("#desk tbody", "No terminal").await;
    browser.close().await;
}

/// Waits until the page lists a recording.
async fn wait_for_recording(browser: &Browser) {
    browser.wait_for(".lab-recordings a").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_is_played_again() {
    if testkit::skipped("chromium") {
        return;
    }
    let demo = Demo::start(&[]);
    let browser = Browser::start().await;
    enter(&browser, demo.url()).await;
    browser.type_keys(TYPING, "printf '\\033]0;title\\007'; echo recorded-$((6 * 7)) 录像").await;
    browser.wait_until_holds(ROWS, "recorded-42 录像").await;
    browser.type_keys(TYPING, "exit").await;
    browser.wait_for(".ws-light[data-state=closed]").await;

    // The page lists it by itself.
    wait_for_recording(&browser).await;
    browser.screenshot("lab-ended-and-recorded").await;
    browser.click(".lab-recordings a").await;
    browser.wait_until_holds("#replay-screen .xterm-rows", "recorded-42 录像").await;
    browser.wait_for("#replay[data-state=over]").await;
    browser.screenshot("lab-replay").await;

    // Back to the start, there is nothing yet; at the end again, it is there.
    let seek = |to: &str| {
        format!(
            "const s = document.querySelector('#slider'); s.value = {to}; s.dispatchEvent(new Event('input'));"
        )
    };
    browser.script(&seek("0")).await;
    browser.wait_for("#replay[data-state=paused]").await;
    browser.script(&seek("s.max")).await;
    browser.wait_until_holds("#replay-screen .xterm-rows", "recorded-42 录像").await;

    // What is taken away has no titles and belongs to its learner alone.
    let cast = browser.script("return document.querySelector('#replay').dataset.cast").await;
    let address = format!("{}{}", demo.url(), cast.as_str().unwrap());
    let http = client();
    let own = sign_in(&http, demo.url(), "teacher.wu").await;
    let text = http.get(&address).header("cookie", own).send().await.unwrap().text().await.unwrap();
    assert!(
        text.starts_with("{\"version\": 3") && text.contains("recorded-42") && !text.contains("]0;title\\u"),
        "{text}"
    );
    let other = sign_in(&http, demo.url(), "hanmeimei").await;
    assert_eq!(http.get(&address).header("cookie", other).send().await.unwrap().status(), 404);
    browser.close().await;
}

#[tokio::test]
async fn a_ticket_needs_a_course_and_the_desk_a_permission() {
    let demo = Demo::start(&[]);
    let (http, base) = (client(), demo.url());
    let learner = sign_in(&http, base, "lilei").await;
    let teacher = sign_in(&http, base, "teacher.wu").await;
    let ticket = async |cookie: &str, exercise: &str, tab: &str| {
        let wish = serde_json::json!({ "exercise": exercise, "tab": tab });
        let url = format!("{base}/api/v1/lab/shell/ticket");
        let reply = http.post(url).header("cookie", cookie).json(&wish).send().await.unwrap();
        let status = reply.status().as_u16();
        (status, reply.json::<Value>().await.unwrap())
    };
    assert_eq!(ticket(&learner, "pipes", "a").await.1["code"], "not_enrolled");
    assert_eq!(ticket(&teacher, "none", "a").await.1["code"], "unknown_exercise");
    assert_eq!(ticket(&teacher, "pipes", "a b").await.1["code"], "invalid_tab");
    let (status, granted) = ticket(&teacher, "pipes", "a").await;
    assert_eq!((status, granted["ticket"].as_str().unwrap().len()), (200, 43));
    for (path, code) in [("terminals", 403), ("watch", 403), ("recordings/x", 404)] {
        let reply =
            http.get(format!("{base}/api/v1/lab/{path}")).header("cookie", &learner).send().await.unwrap();
        assert_eq!(reply.status().as_u16(), code, "{path}");
    }
    let end = http
        .delete(format!("{base}/api/v1/lab/terminals/1"))
        .header("cookie", &teacher)
        .send()
        .await
        .unwrap();
    assert_eq!(end.status(), 404);
}
