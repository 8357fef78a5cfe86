//! The whole chain in a browser: sign in, win a seat, pay at the gateway, be enrolled, work in the lab.

use testkit::Sshd;

use super::browser::Browser;
use super::demo::{Demo, PASSWORD};

async fn sign_in(browser: &Browser, base: &str, login: &str) {
    browser.open(&format!("{base}/login")).await;
    browser.fill("#login", login).await;
    browser.fill("#password", PASSWORD).await;
    browser.click("main button[type=submit]").await;
    browser.wait_for(".grid .course").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_sign_in_to_a_shell() {
    if testkit::skipped("chromium") {
        return;
    }
    let demo = Demo::start(&[]);
    let base = demo.url();
    let browser = Browser::start().await;

    // A page that needs a session sends the visitor to sign in, and back.
    browser.open(&format!("{base}/courses/shell")).await;
    browser.wait_for("#login").await;
    browser.screenshot("sign-in").await;
    browser.fill("#login", "hanmeimei").await;
    browser.fill("#password", "not the password").await;
    browser.click("main button[type=submit]").await;
    browser.wait_for_text("the name or the password is wrong").await;
    browser.screenshot("sign-in-refused").await;
    browser.fill("#password", PASSWORD).await;
    browser.click("main button[type=submit]").await;
    browser.wait_for("#reserve").await;
    browser.screenshot("flash-sale").await;
    browser.open(&format!("{base}/courses")).await;
    browser.wait_for(".grid .course").await;
    browser.screenshot("courses").await;

    // A double click wins one seat.
    browser.open(&format!("{base}/courses/shell")).await;
    browser.wait_for("#reserve").await;
    browser.script("const b = document.querySelector('#reserve button'); b.click(); b.click();").await;
    browser.wait_for("#order[data-state=created]").await;
    browser.screenshot("checkout").await;

    // At the gateway.
    browser.click("#order form[action$='/pay'] button").await;
    browser.wait_for("form[action*='/cashier/pay']").await;
    browser.screenshot("gateway").await;
    browser.click("form[action*='/cashier/pay'] button").await;
    browser.wait_for("#order[data-state=paid]").await;
    browser.wait_for_text("You are enrolled").await;
    browser.screenshot("paid").await;

    // Enrolled.
    browser.click("#order a.btn").await;
    browser.wait_for("a[href='/lab/shell']").await;
    browser.screenshot("my-courses").await;

    // In the lab.
    browser.click("a[href='/lab/shell']").await;
    browser.wait_for(".ws-light[data-state=open]").await;
    browser.wait_until_holds(".xterm-rows", "learner@lab").await;
    let typing = ".xterm-helper-textarea";
    browser.type_keys(typing, "echo sum-$((40+2)) 你好").await;
    browser.wait_until_holds(".xterm-rows", "sum-42 你好").await;
    browser.type_keys(typing, "stty size").await;
    let size = browser.script("return document.querySelector('.ws-size').textContent").await;
    let (cols, rows) = size.as_str().unwrap().split_once(" × ").unwrap();
    browser.wait_until_holds(".xterm-rows", &format!("{rows} {cols}")).await;
    browser.type_keys(typing, "ls -l --color=always / | tail -n 9; seq -s ' ' 30").await;
    browser.wait_until_holds(".xterm-rows", "28 29 30").await;
    browser.screenshot("lab").await;
    browser.type_keys(typing, "exit 3").await;
    browser.wait_for(".ws-light[data-state=closed]").await;
    browser.wait_until_holds(".ws-status", "status 3").await;
    browser.screenshot("lab-ended").await;

    // A session that ends takes its terminals with it.
    browser.click(".ws-again").await;
    browser.wait_for(".ws-light[data-state=open]").await;
    browser.script("fetch('/api/v1/session', { method: 'DELETE' });").await;
    browser.wait_until_holds(".ws-status", "not open to you").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_finds_no_back_office() {
    if testkit::skipped("chromium") {
        return;
    }
    let demo = Demo::start(&[]);
    let base = demo.url();
    let browser = Browser::start().await;
    sign_in(&browser, base, "lilei").await;
    browser.wait_until_gone("nav a[href='/admin']").await;
    browser.open(&format!("{base}/admin/users")).await;
    browser.wait_for_text("Your roles do not allow this").await;
    browser.screenshot("forbidden").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lab_on_another_server_needs_its_host_key() {
    if testkit::skipped("chromium") || testkit::skipped("sshd") {
        return;
    }
    let sshd = Sshd::options().line("SetEnv HOME=/nonexistent").start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (addr, key) = (sshd.addr().to_string(), sshd.client_key().to_str().unwrap());
    let browser = Browser::start().await;
    let line = sshd.host_key_line();
    let stranger = line.replace(&addr.rsplit(':').next().unwrap().to_owned(), "1");
    for (hosts, state, words) in [(stranger, "closed", "host key"), (line, "open", "connected")] {
        let file = folder.path().join("known_hosts");
        std::fs::write(&file, hosts).unwrap();
        let hosts = file.to_str().unwrap();
        let demo = Demo::start(&[
            "--lab-ssh-addr",
            &addr,
            "--lab-ssh-user",
            sshd.user(),
            "--lab-ssh-key-file",
            key,
            "--lab-known-hosts-file",
            hosts,
        ]);
        // A teacher opens the labs of every course.
        sign_in(&browser, demo.url(), "teacher.wu").await;
        browser.open(&format!("{}/lab/shell", demo.url())).await;
        browser.wait_for(&format!(".ws-light[data-state={state}]")).await;
        browser.wait_until_holds(".ws-status", words).await;
    }
    browser.close().await;
}
