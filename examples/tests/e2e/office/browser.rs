//! The pages in a browser, each photographed: in light and dark, in Chinese and English, wide and narrow.

use serde_json::json;

use crate::browser::Browser;
use crate::demo::{Demo, PASSWORD};

/// A demo and somebody in its back office.
pub(crate) struct Office {
    pub(crate) browser: Browser,
    pub(crate) demo: Demo,
}

impl Office {
    /// Signs somebody in; none where no browser is to be had.
    pub(crate) async fn open(login: &str) -> Option<Self> {
        if testkit::skipped("chromium") {
            return None;
        }
        Self::open_at(login, Demo::start(&[])).await
    }

    /// The same in a demo that runs already.
    pub(crate) async fn open_at(login: &str, demo: Demo) -> Option<Self> {
        if testkit::skipped("chromium") {
            return None;
        }
        let browser = Browser::start().await;
        browser.open(&format!("{}/login?next=/admin", demo.url())).await;
        browser.fill("#login", login).await;
        browser.fill("#password", PASSWORD).await;
        browser.click("main button[type=submit]").await;
        browser.wait_for("nav.side").await;
        Some(Self { browser, demo })
    }

    pub(crate) async fn go(&self, path: &str) {
        self.browser.open(&format!("{}{path}", self.demo.url())).await;
    }

    /// Presses a key where the focus is.
    pub(crate) async fn press(&self, key: &str) {
        let script = format!(
            "document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {{ key: '{key}', bubbles: true, cancelable: true }}))"
        );
        self.browser.script(&script).await;
    }

    /// Chooses a line of a select and sends the form of it.
    pub(crate) async fn choose(&self, css: &str, value: &str) {
        self.browser.wait_for(css).await;
        let script = format!(
            "const field = document.querySelector(\"{css}\"); field.value = '{value}'; \
             field.dispatchEvent(new Event('change', {{ bubbles: true }}));"
        );
        self.browser.script(&script).await;
    }

    pub(crate) async fn close(self) {
        self.browser.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_found_and_many_are_given_a_role_at_once() {
    let Some(office) = Office::open("admin").await else { return };
    office.browser.wait_for("#version").await;
    office.browser.screenshot("office-overview").await;
    office.browser.click("nav.side a[href='/admin/users']").await;
    office.browser.wait_for("tr[data-user=u1004]").await;
    office.browser.screenshot("office-users").await;
    office.browser.click(".facets a[href='/admin/users?role=teacher']").await;
    office.browser.wait_until_gone("tr[data-user=u1004]").await;
    for user in ["u2003", "u2015"] {
        office.browser.click(&format!("tr[data-user={user}] input[type=checkbox]")).await;
    }
    office.browser.wait_until_holds("[data-chosen]", "2").await;
    office.choose("#bulk select[name=role]", "head-teacher").await;
    office.browser.screenshot("office-users-chosen").await;
    office.browser.click(".bulkbar button").await;
    office.browser.wait_for("#effects [data-gained='rbac:user:view']").await;
    office.browser.screenshot("office-preview").await;
    office.browser.click("#confirm button").await;
    office.browser.wait_for("#notice.good").await;
    office.browser.wait_for("tr[data-user=u2003] a[href='/admin/roles/head-teacher']").await;
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_explained_refused_and_signed_out() {
    let Some(office) = Office::open("admin").await else { return };
    office.go("/admin/users/u2005?why=course:edit#why").await;
    office.browser.wait_for("#answer.no .trail .deny").await;
    office.browser.screenshot("office-why-not").await;
    office.go("/admin/users/u1003").await;
    office.browser.wait_for("#effective li[data-permission='course:view'] .trail").await;
    office.browser.screenshot("office-user").await;
    // A cashier does not audit: said beside the form, and the page stays.
    office.go("/admin/users/u2010").await;
    office.choose("#give-role", "auditor").await;
    office.browser.click("#give .buttons button").await;
    office.browser.wait_for("#give .live").await;
    office.browser.wait_until_holds("#give .live", "money").await;
    office.browser.screenshot("office-refused").await;
    office.choose("#give-role", "sales").await;
    office.browser.click("#give .buttons button").await;
    office.browser.wait_for("tr[data-role=sales]").await;
    // The administrator's own device is among the sessions, and ends.
    office.go("/admin/users/u1004").await;
    office.browser.click("#sessions li form button").await;
    office.browser.wait_for("#login").await;
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_inherit_without_a_circle_and_say_which_rows_they_open() {
    let Some(office) = Office::open("admin").await else { return };
    office.go("/admin/roles").await;
    office.browser.wait_for("tr[data-role=finance]").await;
    office.browser.screenshot("office-roles").await;
    office.go("/admin/roles/member").await;
    office.choose("#inherit select", "head-teacher").await;
    office.browser.click("#inherit button").await;
    office.browser.wait_until_holds("#inherit .live", "head-teacher").await;
    office.browser.screenshot("office-circle").await;
    office.go("/admin/roles/teacher").await;
    office.browser.click("#scope input[value=departments]").await;
    office.browser.click("#scope input[value='11']").await;
    office.browser.screenshot("office-role").await;
    office.browser.click("#scope .buttons button").await;
    office.browser.wait_for("#notice.good").await;
    office.browser.wait_for("#scope input[value=departments]:checked").await;
    for room in
        ["graph", "permissions", "duties", "departments", "expiry", "who-can?permission=payment:refund"]
    {
        office.go(&format!("/admin/{room}")).await;
        office.browser.wait_for("main h1").await;
        office.browser.screenshot(&format!("office-{}", room.split('?').next().unwrap())).await;
    }
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_found_in_the_trail_and_taken_back() {
    let Some(office) = Office::open("admin").await else { return };
    office.go("/admin/users/u2003").await;
    office.browser.click("tr[data-role=teacher] form button").await;
    office.browser.wait_for("#notice.good").await;
    office.browser.wait_until_gone("tr[data-role=teacher]").await;
    office.browser.click("nav.side a[href='/admin/audit']").await;
    office.browser.wait_for("#entries li[data-version='2']").await;
    office.browser.screenshot("office-audit").await;
    office.browser.click("#entries li[data-version='2'] a").await;
    office.browser.wait_for("#differences tr.went").await;
    office.browser.screenshot("office-audit-entry").await;
    office.browser.click("#revert").await;
    office.browser.wait_for("#effects [data-gained='course:edit']").await;
    office.browser.screenshot("office-revert").await;
    office.browser.click("#confirm button").await;
    office.browser.wait_for("#notice.good").await;
    office.go("/admin/users/u2003").await;
    office.browser.wait_for("tr[data-role=teacher]").await;
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_speaks_two_languages_in_light_and_dark_wide_and_narrow() {
    let Some(office) = Office::open("admin").await else { return };
    for (lang, theme) in [("zh", "dark"), ("zh", "light"), ("en", "dark")] {
        office.go("/admin/users").await;
        office.browser.click(&format!(".looks button[value={lang}]")).await;
        office.browser.wait_for(&format!(".looks button[value={lang}][aria-pressed=true]")).await;
        office.browser.click(&format!(".looks button[value={theme}]")).await;
        office.browser.wait_for(&format!("html[data-theme={theme}]")).await;
        for room in ["overview", "users", "users/u1003", "roles/head-teacher", "matrix", "audit/1"] {
            office.go(&format!("/admin/{room}")).await;
            office.browser.wait_for("main h1").await;
            office.browser.screenshot(&format!("office-{lang}-{theme}-{}", room.replace('/', "-"))).await;
        }
    }
    office.browser.resize(420, 900).await;
    for room in ["users", "users/u1003", "matrix", "roles/teacher", "departments"] {
        office.go(&format!("/admin/{room}")).await;
        office.browser.wait_for("main h1").await;
        let wide =
            office.browser.script("return document.documentElement.scrollWidth > innerWidth + 1").await;
        office.browser.screenshot(&format!("office-narrow-{}", room.replace('/', "-"))).await;
        assert_eq!(wide, json!(false), "{room} is wider than the window");
    }
    office.browser.click(".menu-button").await;
    office.browser.screenshot("office-narrow-menu").await;
    office.browser.click("nav.side a[href='/admin/roles']").await;
    office.browser.wait_for("#roles").await;
    office.close().await;
}
