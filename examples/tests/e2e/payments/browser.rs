//! Payments as people see them: codes, forms, the cashier, the back office; each page is photographed.

use super::cashier::{china_day, sandbox};
use crate::browser::Browser;
use crate::demo::{Demo, PASSWORD, client};

async fn sign_in(browser: &Browser, base: &str, login: &str) {
    browser.open(&format!("{base}/login")).await;
    browser.fill("#login", login).await;
    browser.fill("#password", PASSWORD).await;
    browser.click("main button[type=submit]").await;
    browser.wait_for(".grid .course").await;
}

async fn sign_out(browser: &Browser) {
    browser.click(".who button").await;
    browser.wait_for("#login").await;
}

/// Wins a seat and stays on its checkout page.
async fn win(browser: &Browser, base: &str, slug: &str) -> String {
    browser.open(&format!("{base}/courses/{slug}")).await;
    browser.click("#reserve button").await;
    browser.wait_for("#order[data-state=created]").await;
    let number = browser.script("return document.querySelector('#order').dataset.no").await;
    number.as_str().unwrap().to_owned()
}

/// Pays in a second tab what the code on this page leads to.
async fn scan(browser: &Browser, picture: &str) {
    browser.wait_for("#qr path").await;
    browser.screenshot(picture).await;
    let link = browser.script("return document.querySelector('#code-link').href").await;
    let first = browser.open_tab(link.as_str().unwrap()).await;
    browser.wait_for("form[action*='/cashier/pay']").await;
    browser.screenshot(&format!("{picture}-cashier")).await;
    browser.click("#pay").await;
    browser.wait_for("h1").await;
    browser.close_tab(first).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_gateway_is_paid_by_clicking() {
    if testkit::skipped("chromium") {
        return;
    }
    let demo = Demo::start(&[]);
    let base = demo.url();
    let browser = Browser::start().await;
    sign_in(&browser, base, "hanmeimei").await;
    for (slug, way) in [("shell", "wechat"), ("rust", "alipay_qr")] {
        win(&browser, base, slug).await;
        browser.screenshot("pay-choice").await;
        browser.click(&format!("button[value={way}]")).await;
        scan(&browser, &format!("pay-{way}")).await;
        browser.wait_for("#order[data-state=paid]").await;
        browser.wait_for_text("You are enrolled").await;
    }
    win(&browser, base, "sql").await;
    browser.click("button[value=unionpay]").await;
    // The form before it sends itself.
    browser.wait_for("form[action*='/cashier/pay']").await;
    browser.screenshot("pay-unionpay-cashier").await;
    browser.click("#pay").await;
    browser.wait_for("#back").await;
    browser.screenshot("pay-unionpay-back").await;
    browser.click("#back").await;
    browser.wait_for("#order[data-state=paid]").await;
    browser.screenshot("pay-unionpay-paid").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_in_the_back_office_is_seen_by_its_buyer() {
    if testkit::skipped("chromium") {
        return;
    }
    let demo = Demo::start(&[]);
    let base = demo.url();
    let browser = Browser::start().await;
    sign_in(&browser, base, "hanmeimei").await;
    let order = win(&browser, base, "rust").await;
    browser.click("button[value=alipay]").await;
    browser.click("#pay").await;
    browser.wait_for("#order[data-state=paid]").await;
    sign_out(&browser).await;

    sign_in(&browser, base, "qian").await;
    browser.click("nav a[href='/admin']").await;
    browser.click("nav.side a[href='/admin/orders']").await;
    browser.wait_for(&format!("tr[data-no='{order}'][data-state=paid]")).await;
    browser.screenshot("orders").await;
    browser.click(&format!("a[href='/admin/orders/{order}']")).await;
    give(&browser, "课程改期", Some("99.50")).await;
    browser.screenshot("refund-form").await;
    // A double click is one refund.
    let twice = "const b = document.querySelector('details.refund button'); b.click(); b.click();";
    browser.script(twice).await;
    browser.wait_for("#refunds tr[data-state=succeeded]").await;
    browser.wait_for("#order[data-state=partially_refunded]").await;
    browser.screenshot("order-partly-refunded").await;
    let rows = browser.script("return document.querySelectorAll('#refunds tbody tr').length").await;
    assert_eq!(rows, 1);
    // More than is left is refused in words.
    give(&browser, "too much", Some("300")).await;
    browser.click("details.refund button").await;
    browser.wait_for("#result.bad").await;
    browser.screenshot("refund-refused").await;
    give(&browser, "the rest 余款", None).await;
    browser.click("details.refund button").await;
    browser.wait_for("#order[data-state=refunded]").await;
    browser.screenshot("order-refunded").await;
    sign_out(&browser).await;

    sign_in(&browser, base, "hanmeimei").await;
    browser.open(&format!("{base}/checkout/{order}")).await;
    browser.wait_for("#order[data-state=refunded]").await;
    browser.wait_for_text("课程改期").await;
    browser.screenshot("buyer-refunded").await;
    browser.open(&format!("{base}/my")).await;
    browser.wait_for_text("You have no course yet").await;
    browser.close().await;
}

/// Fills the refund form in; the sum stays what is left unless one is given.
async fn give(browser: &Browser, reason: &str, yuan: Option<&str>) {
    browser.click("details.refund summary").await;
    browser.fill("details.refund input[name=reason]", reason).await;
    if let Some(yuan) = yuan {
        browser.script("document.querySelector('details.refund input[name=amount]').value = ''").await;
        browser.fill("details.refund input[name=amount]", yuan).await;
    }
    browser.click("details.refund input[name=confirm]").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planted_difference_is_shown_and_asked_away() {
    if testkit::skipped("chromium") {
        return;
    }
    let demo = Demo::start(&[]);
    let base = demo.url();
    let browser = Browser::start().await;
    sign_in(&browser, base, "lilei").await;
    let order = win(&browser, base, "security").await;
    browser.click("button[value=wechat]").await;
    browser.wait_for("#qr path").await;
    // The gateway never tells.
    sandbox(&demo).lose_notifies(&client(), "wechat").await;
    let link = browser.script("return document.querySelector('#code-link').href").await;
    browser.open(link.as_str().unwrap()).await;
    browser.click("#pay").await;
    browser.wait_for_text("付款成功").await;
    browser.open(&format!("{base}/courses")).await;
    sign_out(&browser).await;

    sign_in(&browser, base, "qian").await;
    browser.click("nav a[href='/admin']").await;
    browser.click("nav.side a[href='/admin/reconcile']").await;
    browser.wait_for("#ask").await;
    browser.screenshot("reconcile").await;
    let bill = format!("{base}/admin/reconcile?channel=wechat&day={}", china_day());
    browser.open(&bill).await;
    browser.wait_for("#differences tr[data-kind=missing_here]").await;
    browser.wait_until_holds("#differences", &order).await;
    browser.screenshot("reconcile-difference").await;
    browser.click("#ask").await;
    browser.wait_for(&format!("#findings tr[data-number='{order}']")).await;
    browser.wait_until_holds("#findings", "nobody had told us").await;
    browser.screenshot("reconcile-asked").await;
    browser.open(&bill).await;
    browser.wait_for("#bill[data-clean=true]").await;
    browser.screenshot("reconcile-clean").await;
    browser.close().await;
}
