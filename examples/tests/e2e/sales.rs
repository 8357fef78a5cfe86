//! The back office of sales: pause, resume, close, seats, audit; through the API, the pages and a browser.

use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use testkit::Redis;

use super::api::{buy, get, refusal, reserve};
use super::browser::Browser;
use super::demo::{Demo, PASSWORD, client, sign_in};

/// An administrator at the API.
pub(crate) struct Office<'a> {
    http: Client,
    base: &'a str,
    cookie: String,
}

impl<'a> Office<'a> {
    pub(crate) async fn open(base: &'a str) -> Self {
        let http = client();
        let cookie = sign_in(&http, base, "admin").await;
        Self { http, base, cookie }
    }

    async fn see(&self, path: &str) -> Response {
        get(&self.http, format!("{}/api/v1/admin/sales{path}", self.base), &self.cookie).await
    }

    pub(crate) async fn look(&self, path: &str) -> Value {
        let reply = self.see(path).await;
        assert_eq!(reply.status(), 200);
        reply.json().await.unwrap()
    }

    async fn step(&self, slug: &str, step: &str) -> Response {
        let url = format!("{}/api/v1/admin/sales/{slug}/steps", self.base);
        let request = self.http.post(url).header("cookie", &self.cookie).json(&json!({ "step": step }));
        request.send().await.unwrap()
    }

    pub(crate) async fn stepped(&self, slug: &str, step: &str) -> Value {
        let reply = self.step(slug, step).await;
        assert_eq!(reply.status(), 200, "{step}");
        reply.json().await.unwrap()
    }

    async fn seats(&self, slug: &str, id: &str, direction: &str, units: i64) -> Response {
        let url = format!("{}/api/v1/admin/sales/{slug}/seats/{id}", self.base);
        let body = json!({ "direction": direction, "units": units });
        self.http.put(url).header("cookie", &self.cookie).json(&body).send().await.unwrap()
    }

    pub(crate) async fn changed(&self, slug: &str, id: &str, direction: &str, units: i64) -> Value {
        let reply = self.seats(slug, id, direction, units).await;
        assert_eq!(reply.status(), 200, "{id}");
        reply.json().await.unwrap()
    }
}

#[tokio::test]
async fn a_paused_sale_waits_and_a_closed_one_is_over() {
    let demo = Demo::start(&[]);
    let (http, base) = (client(), demo.url());
    let office = Office::open(base).await;
    let (han, li) = (sign_in(&http, base, "hanmeimei").await, sign_in(&http, base, "lilei").await);
    assert_eq!(reserve(&http, base, &han, "shell", "before-pause-01").await.status(), 201);

    assert_eq!(office.stepped("shell", "pause").await["phase"], "paused");
    assert_eq!(office.stepped("shell", "pause").await["phase"], "paused");
    let late = reserve(&http, base, &li, "shell", "during-pause-01").await;
    assert!(late.headers()["retry-after"].to_str().unwrap().parse::<u32>().unwrap() > 0);
    assert_eq!(refusal(late).await, (StatusCode::CONFLICT, "paused".into()));
    // A repeated request that had won is answered as before; the page says why nobody else gets one.
    assert_eq!(reserve(&http, base, &han, "shell", "before-pause-01").await.status(), 201);
    let page = get(&http, format!("{base}/courses/shell"), &li).await.text().await.unwrap();
    assert!(page.contains("抢购暂停") && page.contains(" disabled"), "{page}");
    let form = http.post(format!("{base}/courses/shell/reserve")).header("cookie", &li);
    let form =
        form.header("content-type", "application/x-www-form-urlencoded").body("request_id=without-script-1");
    let told = form.send().await.unwrap();
    assert_eq!((told.status(), told.headers().contains_key("retry-after")), (StatusCode::CONFLICT, true));
    assert!(told.text().await.unwrap().contains("The sale is paused"));

    assert_eq!(office.stepped("shell", "resume").await["phase"], "open");
    assert_eq!(reserve(&http, base, &li, "shell", "during-pause-01").await.status(), 201);
    assert_eq!(office.stepped("shell", "close").await["phase"], "closed");
    for step in ["pause", "resume"] {
        assert_eq!(refusal(office.step("shell", step).await).await, (StatusCode::CONFLICT, "refused".into()));
    }
    let seats = office.seats("shell", "after-closing-1", "add", 5).await;
    assert_eq!(refusal(seats).await, (StatusCode::CONFLICT, "refused".into()));
    assert_eq!(office.look("/shell").await["held"], 2, "closing takes nobody's seat");
}

#[tokio::test]
async fn seats_are_added_and_withdrawn_once_a_form() {
    let demo = Demo::start(&[]);
    let (http, base) = (client(), demo.url());
    let office = Office::open(base).await;
    let cookie = sign_in(&http, base, "lilei").await;
    let order = buy(&http, base, &cookie, "security", "bought-a-seat-1").await;
    assert!(!order.is_empty());
    for _ in 0..2 {
        assert_eq!(office.changed("security", "more-seats-0001", "add", 5).await["done"], 5);
    }
    let other = office.seats("security", "more-seats-0001", "add", 6).await;
    assert_eq!(refusal(other).await, (StatusCode::CONFLICT, "request_id_reused".into()));
    // The same id in another sale is another change.
    assert_eq!(office.changed("shell", "more-seats-0001", "withdraw", 2).await["done"], 2);
    // One of seven is sold, so six can go.
    for _ in 0..2 {
        assert_eq!(office.changed("security", "fewer-seats-001", "withdraw", 50).await["done"], 6);
    }
    let sale = office.look("/security").await;
    let counts =
        ["initial", "added", "withdrawn", "left", "held", "paid"].map(|name| sale[name].as_u64().unwrap());
    assert_eq!(counts, [2, 5, 6, 0, 0, 1], "{sale}");
    let audit = office.look("/security/audit").await;
    assert!(audit["conserved"] == true && audit["paid"] == 1 && audit["over_limit"] == 0, "{audit}");
    assert!(audit["words"].as_str().unwrap().contains("the books balance"), "{audit}");
    let all = office.look("").await;
    assert_eq!((all["count"].as_u64(), all["results"][0]["slug"].as_str()), (Some(4), Some("shell")));
}

#[tokio::test]
async fn the_back_office_of_sales_is_for_those_who_may_and_from_our_pages() {
    let demo = Demo::start(&[]);
    let (http, base) = (client(), demo.url());
    let office = Office::open(base).await;
    for login in ["lilei", "teacher.wu"] {
        let cookie = sign_in(&http, base, login).await;
        let stranger = Office { http: client(), base, cookie };
        let tries = [
            stranger.see("").await,
            stranger.see("/shell").await,
            stranger.see("/shell/audit").await,
            stranger.step("shell", "pause").await,
            stranger.seats("shell", "not-for-them-01", "add", 1).await,
        ];
        for reply in tries {
            assert_eq!(refusal(reply).await, (StatusCode::FORBIDDEN, "forbidden".into()));
        }
        for path in ["/admin/sales", "/admin/sales/shell/audit"] {
            let page = get(&http, format!("{base}{path}"), &stranger.cookie).await;
            assert_eq!(page.status(), StatusCode::FORBIDDEN);
        }
    }
    for path in ["steps", "seats"] {
        let foreign = http.post(format!("{base}/admin/sales/shell/{path}")).header("cookie", &office.cookie);
        let foreign =
            foreign.header("origin", "https://evil.example").body("step=close").send().await.unwrap();
        assert_eq!(foreign.status(), StatusCode::FORBIDDEN);
    }
    let nowhere = office.step("no-such-course", "pause").await;
    assert_eq!(refusal(nowhere).await, (StatusCode::NOT_FOUND, "not_found".into()));
    let odd = office.step("shell", "explode").await;
    assert_eq!(refusal(odd).await.1, "invalid_body");
    for (id, units) in
        [("short", 1), ("zero-seats-0001", 0), ("fewer-than-none", -3), ("far-too-many-01", 1 << 40)]
    {
        let reply = office.seats("shell", id, "add", units).await;
        assert_eq!(refusal(reply).await, (StatusCode::BAD_REQUEST, "invalid".into()), "{id}");
    }
    assert_eq!(office.look("/shell").await["phase"], "open");
}

#[tokio::test]
async fn what_was_done_by_hand_survives_the_loss_of_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let http = client();
    {
        let demo = Demo::start_in(folder.path(), &[]);
        let office = Office::open(demo.url()).await;
        office.changed("security", "more-seats-0001", "add", 3).await;
        office.changed("security", "fewer-seats-001", "withdraw", 1).await;
        let cookie = sign_in(&http, demo.url(), "lilei").await;
        buy(&http, demo.url(), &cookie, "security", "bought-before-01").await;
        office.stepped("security", "pause").await;
        office.stepped("rust", "close").await;
        office.stepped("sql", "pause").await;
        office.stepped("sql", "resume").await;
    }
    let demo = Demo::start_in(folder.path(), &[]);
    let office = Office::open(demo.url()).await;
    for _ in 0..2 {
        let sale = office.look("/security").await;
        let counts =
            ["initial", "added", "withdrawn", "left", "paid"].map(|name| sale[name].as_u64().unwrap());
        assert_eq!((counts, sale["phase"].as_str()), ([2, 3, 1, 3, 1], Some("paused")), "{sale}");
        // The form of before, sent again, changes nothing.
        assert_eq!(office.changed("security", "more-seats-0001", "add", 3).await["done"], 3);
    }
    for (slug, phase) in [("rust", "closed"), ("sql", "open")] {
        assert_eq!(office.look(&format!("/{slug}")).await["phase"], phase);
    }
    assert_eq!(office.look("/security/audit").await["conserved"], true);
}

#[tokio::test]
async fn a_sale_that_redis_has_lost_hides_no_other_and_sells_nothing() {
    if testkit::skipped("redis") {
        return;
    }
    let redis = Redis::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let args = ["--redis-url", &redis.url()];
    let http = client();
    {
        let demo = Demo::start_in(folder.path(), &args);
        let base = demo.url();
        let office = Office::open(base).await;
        let cookie = sign_in(&http, base, "lilei").await;
        assert_eq!(office.changed("shell", "more-seats-0001", "add", 3).await["done"], 3);
        assert_eq!(office.stepped("shell", "pause").await["phase"], "paused");
        for key in redis.cli(&["KEYS", "{gh:sale:sql}*"]).unwrap().lines() {
            redis.cli(&["DEL", key]).unwrap();
        }
        let lost = reserve(&http, base, &cookie, "sql", "from-a-lost-sale").await;
        assert!(lost.headers().contains_key("retry-after"));
        assert_eq!(refusal(lost).await, (StatusCode::SERVICE_UNAVAILABLE, "sale_not_loaded".into()));
        let all = office.look("").await;
        let phases: Vec<(&str, &str)> = all["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|sale| (sale["slug"].as_str().unwrap(), sale["phase"].as_str().unwrap()))
            .collect();
        let expected = [("shell", "paused"), ("sql", "unknown"), ("security", "open"), ("rust", "open")];
        assert_eq!(phases, expected);
    }
    // The next start finds the one sale as it was left, and opens the other again.
    let demo = Demo::start_in(folder.path(), &args);
    let office = Office::open(demo.url()).await;
    let shell = office.look("/shell").await;
    assert_eq!((shell["phase"].as_str(), shell["added"].as_u64()), (Some("paused"), Some(3)), "{shell}");
    assert_eq!(office.look("/sql").await["phase"], "open");
}

#[tokio::test]
async fn steps_at_the_same_time_leave_the_sale_as_it_is_written_down() {
    let folder = tempfile::tempdir().unwrap();
    let phase = {
        let demo = Demo::start_in(folder.path(), &[]);
        let office = Office::open(demo.url()).await;
        let steps = (0..32).map(|turn| office.step("shell", if turn % 2 == 0 { "pause" } else { "resume" }));
        for reply in futures_util::future::join_all(steps).await {
            assert!(reply.status() == 200 || reply.status() == 409, "{}", reply.status());
        }
        office.look("/shell").await["phase"].clone()
    };
    // A store that has lost everything learns it from the row.
    let demo = Demo::start_in(folder.path(), &[]);
    assert_eq!(Office::open(demo.url()).await.look("/shell").await["phase"], phase);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_runs_a_sale_in_the_browser() {
    if testkit::skipped("chromium") {
        return;
    }
    let demo = Demo::start(&[]);
    let base = demo.url();
    let browser = Browser::start().await;
    browser.open(&format!("{base}/login?next=/admin/sales")).await;
    browser.fill("#login", "admin").await;
    browser.fill("#password", PASSWORD).await;
    browser.click("main button[type=submit]").await;
    browser.wait_for("#sale-shell[data-phase=open]").await;
    browser.wait_for("nav a[href='/admin/sales'][aria-current=page]").await;

    browser.click("#sale-shell button[value=pause]").await;
    browser.wait_for("#sale-shell[data-phase=paused] button[value=resume]").await;
    browser.fill("#sale-shell input[name=units]", "8").await;
    browser.click("#sale-shell form[action$='/seats'] button").await;
    browser.wait_until_holds("#result", "8 seats added").await;
    browser.wait_for_text("20").await;
    browser.script("document.querySelector('#sale-security select').value = 'withdraw'").await;
    browser.fill("#sale-security input[name=units]", "9").await;
    browser.click("#sale-security form[action$='/seats'] button").await;
    browser.wait_until_holds("#result", "2 of 9 seats withdrawn").await;
    browser.click("#sale-sql summary").await;
    browser.click("#sale-sql button[value=close]").await;
    browser.wait_for("#sale-sql[data-phase=closed]").await;
    browser.click("#sale-shell a[href$='/audit']").await;
    browser.wait_until_holds("#result", "the books balance").await;
    browser.screenshot("admin-sales").await;

    // The buyers' page: paused, then open again without being loaded anew.
    browser.open(&format!("{base}/courses/shell")).await;
    browser.wait_until_holds("#phase", "抢购暂停").await;
    browser.wait_for("#reserve button:disabled").await;
    browser.screenshot("flash-sale-paused").await;
    let resume = "fetch('/api/v1/admin/sales/shell/steps', { method: 'POST', \
                  headers: { 'content-type': 'application/json' }, body: '{\"step\":\"resume\"}' });";
    browser.script(resume).await;
    browser.wait_for("#reserve button:enabled").await;
    browser.click("#reserve button").await;
    browser.wait_for("#order[data-state=created]").await;
    browser.close().await;
}
