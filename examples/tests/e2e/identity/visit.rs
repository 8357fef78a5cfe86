//! A visit to a provider, as one browser makes it.

use reqwest::{Client, Response, Url};

use super::{between, page, pair, place, post, set_cookie};
use crate::api::get;

/// Every provider, by its name in addresses.
pub(crate) const DOORS: [&str; 6] = ["qq", "wechat", "wechat-in-app", "weibo", "github", "campus"];
/// The one person whom the simulated providers know.
pub(crate) const PERSON: &str = "sim_user=xiaoming";
pub(crate) const REFUSE: &str = "sim_deny=1";

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
