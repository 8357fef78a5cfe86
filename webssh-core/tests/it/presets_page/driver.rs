//! A tab of a real browser, by the WebDriver protocol (W3C) over plain HTTP.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};
use testkit::Chromium;

const DEADLINE: Duration = Duration::from_secs(60);

/// What a terminal of xterm.js holds, in its older and newer shape.
const LINES: &str = "window.lines = (term) => {
    const lines = [], b = term.buffer.active || term.buffer;
    for (let i = 0; i < b.length; i++) lines.push(b.getLine(i)?.translateToString(true));
    return lines.join('\\n'); };";

/// One session of the browser, ended on drop together with the driver.
pub(super) struct Tab {
    addr: SocketAddr,
    session: String,
}

impl Tab {
    pub(super) fn open(chromium: &Chromium, url: &str) -> Self {
        let capabilities: Value = serde_json::from_str(&chromium.capabilities()).unwrap();
        let wanted = json!({ "capabilities": { "alwaysMatch": capabilities } });
        let made = call(chromium.addr(), "/session", &wanted);
        let session = made["sessionId"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
        let tab = Self { addr: chromium.addr(), session };
        tab.call("url", &json!({ "url": url }));
        tab
    }

    fn call(&self, command: &str, body: &Value) -> Value {
        call(self.addr, &format!("/session/{}/{command}", self.session), body)
    }

    /// Runs a function body in the page.
    pub(super) fn run(&self, script: &str) -> Value {
        self.call("execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Waits until the terminal that the page keeps in `window.seen` shows a text.
    pub(super) fn shows(&self, what: &str, text: &str) {
        self.run(LINES);
        self.wait(what, &format!("window.seen && lines(window.seen).includes({text:?})"));
    }

    /// Waits until an expression is true in the page.
    pub(super) fn wait(&self, what: &str, condition: &str) {
        let script = format!("return Boolean({condition})");
        let waited = testkit::until(DEADLINE, what, || self.run(&script) == Value::Bool(true));
        if let Err(error) = waited {
            let page =
                "return document.body.innerText + (window.seen && window.lines ? lines(window.seen) : '')";
            panic!("{error}; the page shows {}", self.run(page));
        }
    }

    /// Types as a person does.
    pub(super) fn type_into(&self, selector: &str, keys: &str) {
        let found = self.call("element", &json!({ "using": "css selector", "value": selector }));
        let element = found.as_object().and_then(|found| found.values().next()?.as_str());
        let element = element.unwrap_or_else(|| panic!("no {selector}: {found}"));
        self.call(&format!("element/{element}/value"), &json!({ "text": keys }));
    }
}

/// The `value` of the answer.
fn call(addr: SocketAddr, path: &str, body: &Value) -> Value {
    let body = body.to_string();
    let stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    write!(
        &stream,
        "POST {path} HTTP/1.1\r\nHost: {addr}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut reader = BufReader::new(&stream);
    let mut len = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.split_once(':') else {
            match line.trim() {
                "" => break,
                _status => continue,
            }
        };
        if name.eq_ignore_ascii_case("content-length") {
            len = value.trim().parse().unwrap();
        }
    }
    let mut answer = vec![0; len];
    reader.read_exact(&mut answer).unwrap();
    let mut answer: Value = serde_json::from_slice(&answer).unwrap();
    let value = answer["value"].take();
    assert!(value.get("error").is_none(), "{path}: {value}");
    value
}
