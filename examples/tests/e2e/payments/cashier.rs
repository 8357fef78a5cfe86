//! The sandbox's cashier without a browser: follows what the school answers, reads the page, and pays.

use std::time::{SystemTime, UNIX_EPOCH};

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use super::super::demo::Demo;

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// A cashier's page that waits for the buyer.
pub(super) struct Cashier {
    origin: String,
    pub(super) token: String,
}

impl Cashier {
    pub(super) async fn pay(&self, http: &Client) {
        let status = self.try_to_pay(http).await;
        assert!(status.is_success() || status.is_redirection(), "{status}");
    }

    pub(super) async fn try_to_pay(&self, http: &Client) -> StatusCode {
        let form = http.post(format!("{}/cashier/pay", self.origin)).header(FORM.0, FORM.1);
        form.body(format!("token={}", self.token)).send().await.unwrap().status()
    }
}

/// Chooses a way to pay and goes to its cashier.
pub(super) async fn open(http: &Client, base: &str, cookie: &str, order: &str, way: &str) -> Cashier {
    let url = format!("{base}/api/v1/orders/{order}/payments");
    let reply = http.post(url).header("cookie", cookie).json(&json!({ "way": way })).send().await.unwrap();
    let body = reply.text().await.unwrap();
    let step = serde_json::from_str::<Value>(&body).unwrap()["step"].clone();
    let text = |name: &str| step[name].as_str().unwrap_or_else(|| panic!("{body}")).to_owned();
    let (url, page) = match step["next"].as_str().unwrap_or_else(|| panic!("{body}")) {
        "redirect" => (text("url"), http.get(text("url"))),
        "scan" => (text("text"), http.get(text("text"))),
        "form" => {
            let (action, fields) = form(&text("html"));
            (action.clone(), http.post(action).header(FORM.0, FORM.1).body(fields))
        }
        other => panic!("{other}: {body}"),
    };
    let page = page.send().await.unwrap().text().await.unwrap();
    let origin = url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    let token = page.split("name=\"token\" value=\"").nth(1).unwrap_or_else(|| panic!("{page}"));
    Cashier { origin, token: token.split('"').next().unwrap().to_owned() }
}

/// The address and the encoded fields of a form with hidden inputs.
fn form(html: &str) -> (String, String) {
    let value = |text: &str, name: &str| {
        let (_, rest) = text.split_once(&format!("{name}=\"")).unwrap_or_else(|| panic!("{html}"));
        unescaped(rest.split('"').next().unwrap())
    };
    let mut fields = form_urlencoded::Serializer::new(String::new());
    for input in html.split("<input ").skip(1) {
        fields.append_pair(&value(input, "name"), &value(input, "value"));
    }
    (value(html, "action"), fields.finish())
}

fn unescaped(text: &str) -> String {
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
    text.replace("&amp;", "&")
}

/// The sandbox's own console.
pub(super) struct Console(String);

/// The console of the sandbox that a demo embeds.
pub(super) fn sandbox(demo: &Demo) -> Console {
    let words = demo.words().join("\n");
    let (_, rest) = words.split_once("sandbox at ").unwrap();
    Console(rest.split_whitespace().next().unwrap().to_owned())
}

impl Console {
    /// Waits until the school has taken the word that a trade is paid.
    pub(super) async fn wait_for_ack(&self, http: &Client) {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        loop {
            let list = http.get(&self.0).send().await.unwrap().text().await.unwrap();
            if list.contains(", acknowledged") {
                return;
            }
            assert!(std::time::Instant::now() < deadline, "no notify was acknowledged: {list}");
            tokio::task::yield_now().await;
        }
    }

    /// From now on the trades of a channel that wait are paid in silence.
    pub(super) async fn lose_notifies(&self, http: &Client, channel: &str) {
        let list = http.get(&self.0).send().await.unwrap().text().await.unwrap();
        let mark = format!("<section class=\"trade\" id=\"{channel}-");
        let numbers = list.split(&mark).skip(1);
        let numbers: Vec<_> = numbers.map(|rest| rest.split('"').next().unwrap().to_owned()).collect();
        assert!(!numbers.is_empty(), "{list}");
        for number in numbers {
            let form = format!("channel={channel}&number={number}&mischief=lost");
            let pressed = http.post(format!("{}/console/misbehave", self.0)).header(FORM.0, FORM.1);
            assert!(pressed.body(form).send().await.unwrap().status().is_redirection());
        }
    }
}

/// The day in China, `yyyy-MM-dd`.
pub(super) fn china_day() -> String {
    let millis = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let now = payments::UnixMillis::from_millis(u64::try_from(millis).unwrap());
    payments::BillDay::of(now).to_string()
}
