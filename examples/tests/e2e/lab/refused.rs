//! What the lab refuses: frames made by hand, tickets of others, and terminals that are no longer a learner's to use.

use serde_json::{Value, json};

use super::{OPEN, ROWS, TYPING, enter, enter_as};
use crate::api::{buy, get};
use crate::browser::Browser;
use crate::demo::{Demo, client, sign_in};

/// A WebSocket by hand: says `first` at once and `then` after a welcome; tells the close code and the code of the last
/// failure.
const TALK: &str = "const [path, first, then, done] = arguments; \
    const ws = new WebSocket(location.origin.replace('http', 'ws') + path); ws.binaryType = 'arraybuffer'; \
    let failure = 0, welcomed = false; \
    const say = (message) => ws.send(typeof message === 'string' ? message : Uint8Array.from(message)); \
    ws.onopen = () => first.forEach(say); \
    ws.onmessage = ({ data }) => { const view = new DataView(data); \
        if (view.getUint8(0) === 0x86) failure = view.getUint16(1); \
        if (view.getUint8(0) === 0x81) { welcomed = true; then.forEach(say); } }; \
    ws.onclose = ({ code }) => done({ code, failure, welcomed });";

/// Fetches a ticket for the terminal `by-hand` and tells it.
const TICKET: &str = "const done = arguments[0]; \
    fetch('/api/v1/lab/shell/ticket', { method: 'POST', headers: { 'content-type': 'application/json' }, \
        body: JSON.stringify({ exercise: 'pipes', tab: 'by-hand' }) }) \
    .then((reply) => reply.json()).then(({ ticket }) => done(ticket));";

/// The failure that a conversation by hand ended with, and whether it had been welcomed.
async fn talk(browser: &Browser, first: Value, then: Value) -> (u64, bool) {
    let args = vec![json!("/api/v1/lab/shell/terminal"), first, then];
    let end = browser.script_later(TALK, args).await;
    (end["failure"].as_u64().unwrap(), end["welcomed"].as_bool().unwrap())
}

/// A hello of version `version` with 80 columns and 24 rows, and what it opens with.
fn hello(version: u8, opening: &[u8]) -> Vec<u8> {
    [&[1, version, 0, 0, 0, 7, 0, 80, 0, 24], opening].concat()
}

fn shows(ticket: &str) -> Vec<u8> {
    let length = u8::try_from(ticket.len()).unwrap();
    [&[1, 0, length], ticket.as_bytes()].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_made_by_hand_are_refused_and_harm_nobody() {
    if testkit::skipped("chromium") {
        return;
    }
    let demo = Demo::start(&[]);
    let browser = Browser::start().await;
    enter(&browser, demo.url()).await;
    let resume = [&[2][..], &[9; 32], &[0; 8]].concat();
    for (first, failure) in [
        (json!([[0x77]]), 1),
        (json!([[]]), 1),
        (json!(["text"]), 1),
        // More than a frame can be is not even read.
        (json!([vec![2; 70_000]]), 0),
        (json!([hello(1, &[9])]), 1),
        (json!([hello(0, &[0])]), 2),
        (json!([hello(1, &[0])]), 16),
        (json!([hello(1, &shows(&"x".repeat(43)))]), 16),
        (json!([hello(1, &resume)]), 17),
    ] {
        let words = first.to_string();
        assert_eq!(talk(&browser, first, json!([])).await, (failure, false), "{words:.80}");
    }
    // After a welcome: a second hello, input that leaves a byte out, output that was never sent, a prompt's answer.
    let number = |type_: u8, number: u8| [&[type_, 0, 0, 0, 0, 0, 0, 0][..], &[number]].concat();
    for then in
        [hello(1, &[0]), [number(2, 200), vec![b'x']].concat(), number(4, 250), vec![6, 0, 0, 0, 1, 0]]
    {
        let ticket = browser.script_later(TICKET, vec![]).await;
        let first = json!([hello(1, &shows(ticket.as_str().unwrap()))]);
        assert_eq!(talk(&browser, first.clone(), json!([then])).await, (1, true), "{then:?}");
        // A ticket is good once.
        assert_eq!(talk(&browser, first, json!([])).await, (16, false));
    }
    // Somebody else's ticket is worth nothing here.
    let (http, base) = (client(), demo.url());
    let other = sign_in(&http, base, "admin").await;
    let wish = json!({ "exercise": "pipes", "tab": "theirs" });
    let url = format!("{base}/api/v1/lab/shell/ticket");
    let theirs: Value =
        http.post(url).header("cookie", &other).json(&wish).send().await.unwrap().json().await.unwrap();
    let first = json!([hello(1, &shows(theirs["ticket"].as_str().unwrap()))]);
    assert_eq!(talk(&browser, first, json!([])).await, (11, false));

    // The terminal by hand lived on through all of it, and the page's own never noticed.
    let own = sign_in(&http, base, "teacher.wu").await;
    let list = get(&http, format!("{base}/api/v1/lab/shell/terminals"), &own).await;
    let list: Value = list.json().await.unwrap();
    let tabs: Vec<_> = list["terminals"].as_array().unwrap().iter().map(|it| &it["attached"]).collect();
    assert_eq!(tabs, [true, false]);
    browser.type_keys(TYPING, "echo still-$((40 + 2))").await;
    browser.wait_until_holds(ROWS, "still-42").await;
    browser.close().await;
}

/// The lab's page, opened again: a terminal that has ended is there as a new one.
async fn again(browser: &Browser) {
    browser.click(".ws-again").await;
    browser.wait_for(OPEN).await;
    browser.wait_until_holds(ROWS, "learner@lab").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_learner_who_is_sent_away_or_loses_the_course_loses_the_terminal() {
    if testkit::skipped("chromium") {
        return;
    }
    let demo = Demo::start(&[]);
    let (http, base) = (client(), demo.url());
    let (buyer, teacher) =
        (sign_in(&http, base, "hanmeimei").await, sign_in(&http, base, "teacher.wu").await);
    let order = buy(&http, base, &buyer, "shell", "lab-learner-0001").await;
    let browser = Browser::start().await;
    enter_as(&browser, base, "hanmeimei").await;

    // The teacher sends her away: she is told, and the page does not come back by itself.
    let open: Value =
        get(&http, format!("{base}/api/v1/lab/terminals"), &teacher).await.json().await.unwrap();
    let id = open["terminals"][0]["id"].as_u64().unwrap();
    let end = |cookie: &str| {
        http.delete(format!("{base}/api/v1/lab/terminals/{id}")).header("cookie", cookie).send()
    };
    let stranger = sign_in(&http, base, "lilei").await;
    assert_eq!(end(&stranger).await.unwrap().status(), 403);
    assert_eq!(end(&teacher).await.unwrap().status(), 204);
    browser.wait_until_holds(".ws-status", "you were removed").await;
    browser.wait_for(".ws-light[data-state=closed]").await;
    again(&browser).await;

    // Her money goes back and the course with it: the terminal is gone within seconds, and no other opens.
    let finance = sign_in(&http, base, "qian").await;
    let admin = format!("{base}/api/v1/admin/orders/{order}");
    let detail: Value = get(&http, admin.clone(), &finance).await.json().await.unwrap();
    let payment = &detail["payments"][0];
    let refund = json!({ "channel": payment["channel"], "trade_no": payment["trade_no"], "amount": payment["left"],
        "reason": "gives the course back" });
    let url = format!("{admin}/refunds/RFLAB001");
    let refunded = http.put(url).header("cookie", &finance).json(&refund).send().await.unwrap();
    assert_eq!(refunded.status(), 200, "{detail}");
    browser.wait_until_holds(".ws-status", "not open to you").await;
    browser.click(".ws-again").await;
    browser.wait_until_holds(".ws-status", "enrolled").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_teacher_who_is_one_no_more_neither_works_nor_watches() {
    if testkit::skipped("chromium") {
        return;
    }
    let demo = Demo::start(&[]);
    let (http, base) = (client(), demo.url());
    let browser = Browser::start().await;
    enter(&browser, base).await;
    let work = browser.open_tab(&format!("{base}/lab/desk")).await;
    browser.click("#desk tbody a").await;
    browser.wait_for("#watch .ws-light[data-state=open]").await;
    let admin = sign_in(&http, base, "admin").await;
    let role = format!("{base}/api/v1/admin/users/u1003/roles/teacher");
    assert_eq!(http.delete(role).header("cookie", &admin).send().await.unwrap().status(), 204);
    browser.wait_for("#watch .ws-light[data-state=closed]").await;
    browser.go_to_tab(work).await;
    browser.wait_until_holds(".ws-status", "not open to you").await;
    browser.close().await;
}
