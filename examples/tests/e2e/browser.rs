//! A headless Chromium through chromedriver: pages, clicks, screenshots.

use std::path::PathBuf;
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::key::Key;
use fantoccini::wd::WindowHandle;
use fantoccini::{Client, ClientBuilder, Locator};
use testkit::Chromium;

/// How long a page may take to show what is waited for.
const DEADLINE: Duration = Duration::from_secs(60);

/// A browser window.
pub(crate) struct Browser {
    client: Client,
    _chromium: Chromium,
}

impl Browser {
    pub(crate) async fn start() -> Self {
        let chromium = Chromium::start().unwrap();
        let capabilities = serde_json::from_str(&chromium.capabilities()).unwrap();
        let mut builder = ClientBuilder::new(hyper_util_connector());
        builder.capabilities(capabilities);
        let client = builder.connect(&chromium.webdriver_url()).await.unwrap();
        Self { client, _chromium: chromium }
    }

    pub(crate) async fn open(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    pub(crate) async fn wait_for(&self, css: &str) -> Element {
        let waited = self.client.wait().at_most(DEADLINE).for_element(Locator::Css(css)).await;
        match waited {
            Ok(element) => element,
            Err(cause) => panic!("`{css}` did not come: {cause}; the page: {}", self.text().await),
        }
    }

    /// The element whose text holds `words`, once there is one.
    pub(crate) async fn wait_for_text(&self, words: &str) -> Element {
        let path = format!(
            "//main//*[contains(normalize-space(.), \"{words}\")][not(*[contains(normalize-space(.), \"{words}\")])]"
        );
        let waited = self.client.wait().at_most(DEADLINE).for_element(Locator::XPath(&path)).await;
        match waited {
            Ok(element) => element,
            Err(cause) => panic!("`{words}` did not come: {cause}; the page: {}", self.text().await),
        }
    }

    pub(crate) async fn click(&self, css: &str) {
        // What was found may be drawn anew before it is clicked.
        while let Err(cause) = self.wait_for(css).await.click().await {
            assert!(cause.is_stale_element_reference(), "`{css}` could not be clicked: {cause}");
        }
    }

    pub(crate) async fn fill(&self, css: &str, text: &str) {
        self.wait_for(css).await.send_keys(text).await.unwrap();
    }

    /// Types into whatever has the focus.
    pub(crate) async fn type_keys(&self, css: &str, text: &str) {
        let field = self.wait_for(css).await;
        field.send_keys(text).await.unwrap();
        field.send_keys(&char::from(Key::Enter).to_string()).await.unwrap();
    }

    /// Everything a person can read on the page.
    pub(crate) async fn text(&self) -> String {
        match self.client.find(Locator::Css("body")).await {
            Ok(body) => body.text().await.unwrap_or_default(),
            Err(cause) => format!("no page: {cause}"),
        }
    }

    /// Waits until the text of an element holds `words`.
    pub(crate) async fn wait_until_holds(&self, css: &str, words: &str) {
        let script = "return document.querySelector(arguments[0])?.textContent ?? ''";
        let look = async {
            loop {
                let args = vec![serde_json::json!(css)];
                let text = self.client.execute(script, args).await.unwrap();
                if text.as_str().unwrap_or_default().replace('\u{a0}', " ").contains(words) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        if tokio::time::timeout(DEADLINE, look).await.is_err() {
            panic!("`{words}` did not come in `{css}`; the page: {}", self.text().await);
        }
    }

    /// Waits until no element answers to `css` on a page that has loaded.
    pub(crate) async fn wait_until_gone(&self, css: &str) {
        let script = "return document.readyState === 'complete' && !document.querySelector(arguments[0])";
        let look = async {
            loop {
                let gone = self.client.execute(script, vec![serde_json::json!(css)]).await.unwrap();
                if gone == serde_json::json!(true) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        if tokio::time::timeout(DEADLINE, look).await.is_err() {
            panic!("`{css}` is still there; the page: {}", self.text().await);
        }
    }

    /// Runs a script in the page.
    pub(crate) async fn script(&self, script: &str) -> serde_json::Value {
        self.client.execute(script, vec![]).await.unwrap()
    }

    /// The same with `arguments`.
    pub(crate) async fn script_with(&self, script: &str, args: Vec<serde_json::Value>) -> serde_json::Value {
        self.client.execute(script, args).await.unwrap()
    }

    /// Runs a script that answers later, by calling the last of its `arguments`.
    pub(crate) async fn script_later(&self, script: &str, args: Vec<serde_json::Value>) -> serde_json::Value {
        self.client.execute_async(script, args).await.unwrap()
    }

    /// Opens an address in a second tab and goes there; answers the first one.
    pub(crate) async fn open_tab(&self, url: &str) -> WindowHandle {
        let first = self.client.window().await.unwrap();
        let second = self.client.new_window(true).await.unwrap();
        self.client.switch_to_window(second.handle).await.unwrap();
        self.open(url).await;
        first
    }

    /// Goes to another tab; answers this one.
    pub(crate) async fn go_to_tab(&self, other: WindowHandle) -> WindowHandle {
        let this = self.client.window().await.unwrap();
        self.client.switch_to_window(other).await.unwrap();
        this
    }

    /// Closes this tab and goes to that one.
    pub(crate) async fn close_tab(&self, back_to: WindowHandle) {
        self.client.close_window().await.unwrap();
        self.client.switch_to_window(back_to).await.unwrap();
    }

    /// Gives the window another size.
    pub(crate) async fn resize(&self, width: u32, height: u32) {
        self.client.set_window_size(width, height).await.unwrap();
    }

    /// Writes `target/screenshots/NAME.png`.
    pub(crate) async fn screenshot(&self, name: &str) {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        let picture = self.client.screenshot().await.unwrap();
        assert!(picture.len() > 5_000, "an empty picture");
        std::fs::write(folder.join(format!("{name}.png")), picture).unwrap();
    }

    pub(crate) async fn close(self) {
        self.client.clone().close().await.unwrap();
    }
}

fn hyper_util_connector() -> hyper_util::client::legacy::connect::HttpConnector {
    hyper_util::client::legacy::connect::HttpConnector::new()
}
