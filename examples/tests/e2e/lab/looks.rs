//! How the lab looks: each page photographed in two languages, light and dark, wide and narrow, with two things that a
//! picture does not prove: that nothing is wider than the window, and that every text stands out from its background.

use serde_json::{Value, json};

use super::{OPEN, ROWS, TYPING, enter, wait_for_recording};
use crate::browser::Browser;
use crate::demo::Demo;

/// The texts whose contrast is below WCAG 2.2 level AA (4.5, or 3 for large letters), with what they have.
const FAINT: &str = "
const pen = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
const rgba = (color) => { pen.clearRect(0, 0, 1, 1); pen.fillStyle = color; pen.fillRect(0, 0, 1, 1);
    return [...pen.getImageData(0, 0, 1, 1).data].map((part) => part / 255); };
const over = ([r, g, b, a], under) => [r, g, b].map((part, at) => part * a + under[at] * (1 - a));
const behind = (element) => element === null ? [1, 1, 1]
    : over(rgba(getComputedStyle(element).backgroundColor), behind(element.parentElement));
const light = (color) => color.map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
const faint = [];
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
    const element = walk.currentNode.parentElement, style = getComputedStyle(element);
    const seen = element.checkVisibility({ visibilityProperty: true }) && element.getClientRects().length > 0;
    if (!seen || walk.currentNode.data.trim() === '' || element.closest('.xterm, :disabled, option, script') !== null) continue;
    const ground = behind(element), ink = over(rgba(style.color), ground);
    const [high, low] = [light(ink), light(ground)].sort((a, b) => b - a), ratio = (high + 0.05) / (low + 0.05);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.6 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) faint.push(`${walk.currentNode.data.trim()} ${ratio.toFixed(2)}`);
}
return faint;";

async fn photograph(browser: &Browser, name: &str) {
    browser.screenshot(name).await;
    let wide = browser.script("return document.documentElement.scrollWidth > innerWidth + 1").await;
    assert_eq!(wide, json!(false), "{name} is wider than the window");
    assert_eq!(browser.script(FAINT).await, json!([]), "{name}");
}

/// Chooses a language and colours on the page that is open.
async fn choose(browser: &Browser, lang: &str, theme: &str) {
    for choice in [lang, theme] {
        browser.click(&format!(".lab-pill button[value={choice}]")).await;
        browser.wait_for(&format!(".lab-pill button[value={choice}][aria-pressed=true]")).await;
    }
    browser.wait_for(&format!("html[data-theme={theme}]")).await;
}

/// A terminal with something to look at in every colour, and one that is over.
async fn work(browser: &Browser) {
    browser.type_keys(TYPING, "echo 床前明月光 > poem.txt; exit").await;
    browser.wait_for(".ws-light[data-state=closed]").await;
    photograph(browser, "lab-over").await;
    wait_for_recording(browser).await;
    browser.click(".ws-again").await;
    browser.wait_for(OPEN).await;
    browser.wait_until_holds(ROWS, "learner@lab").await;
    browser
        .type_keys(
            TYPING,
            "mkdir songs; printf '%s\\n' '#!/bin/sh' 'echo hi' > run; chmod +x run; echo do''ne",
        )
        .await;
    browser.wait_until_holds(ROWS, "done").await;
    browser
        .type_keys(
            TYPING,
            "for c in 31 32 33 34 35 36; do printf \"\\033[${c}m■ %s \\033[0m\" 颜色; done; echo",
        )
        .await;
    browser.type_keys(TYPING, "ls -la --color=always; cat poem.txt").await;
    browser.wait_until_holds(ROWS, "床前明月光").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_in_two_languages_light_and_dark_wide_and_narrow() {
    if testkit::skipped("chromium") {
        return;
    }
    let demo = Demo::start(&[]);
    let base = demo.url();
    let browser = Browser::start().await;
    browser.resize(1280, 900).await;
    enter(&browser, base).await;
    work(&browser).await;
    let replay = browser.script("return document.querySelector('.lab-recordings a').href").await;
    let desk = format!("{base}/lab/desk");
    browser.open(&desk).await;
    browser.wait_for("#desk tbody a").await;
    let watch = browser.script("return document.querySelector('#desk tbody a').href").await;
    let pages: [(&str, String, &str); 4] = [
        ("lab", format!("{base}/lab/shell"), OPEN),
        ("desk", desk, "#desk tbody a"),
        ("watch", watch.as_str().unwrap().to_owned(), "#watch .ws-light[data-state=open]"),
        ("replay", replay.as_str().unwrap().to_owned(), "#replay[data-state=over]"),
    ];
    for (lang, theme, width) in
        [("en", "light", 1280), ("zh", "dark", 1280), ("zh", "light", 400), ("en", "dark", 400)]
    {
        browser.resize(width, 900).await;
        for (at, (name, page, ready)) in pages.iter().enumerate() {
            browser.open(page).await;
            browser.wait_for(ready).await;
            if at == 0 {
                choose(&browser, lang, theme).await;
                browser.wait_for(ready).await;
                browser.wait_until_holds(ROWS, "床前明月光").await;
            }
            photograph(&browser, &format!("lab-{lang}-{theme}-{width}-{name}")).await;
        }
    }
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keyboard_is_enough_and_nothing_open_says_so() {
    if testkit::skipped("chromium") {
        return;
    }
    let demo = Demo::start(&[]);
    let browser = Browser::start().await;
    enter(&browser, demo.url()).await;
    // A second terminal of the same exercise has a name of its own; arrows go from tab to tab.
    browser.click("#new").await;
    browser.wait_until_holds("#tabs [aria-selected=true]", "First steps 2").await;
    let press = |key: &str| {
        format!(
            "document.querySelector('#tabs [aria-selected=true]').dispatchEvent(new KeyboardEvent('keydown', {{ key: '{key}', bubbles: true, cancelable: true }}))"
        )
    };
    browser.script(&press("ArrowLeft")).await;
    browser.wait_until_holds("#tabs [aria-selected=true]", "First steps").await;
    let focused = browser.script("return document.activeElement.textContent").await;
    assert_eq!(focused, json!("First steps"));
    browser.script("document.querySelector('#tabs [aria-selected=true]').focus()").await;
    photograph(&browser, "lab-focus").await;

    // The exercise that is open already is gone to; another one gets a terminal.
    browser.click("[data-exercise=pipes] button").await;
    browser.wait_until_holds("#tabs [aria-selected=true]", "Pipes").await;
    browser.click("[data-exercise=first-steps] button").await;
    browser.wait_until_holds("#tabs [aria-selected=true]", "First steps").await;
    let tabs = "return document.querySelectorAll('#tabs [role=tab]').length";
    assert_eq!(browser.script(tabs).await, json!(3));

    // Every button says what it is, and the search finds.
    let nameless = "return [...document.querySelectorAll('button, a, input, select')].filter((it) => it.checkVisibility()) \
        .filter((it) => (it.ariaLabel ?? it.textContent).trim() === '' && it.labels?.length !== 1).map((it) => it.outerHTML)";
    assert_eq!(browser.script(nameless).await, json!([]));
    browser.click(".lab-panel:not([hidden]) .ws-find").await;
    browser.fill(".lab-panel:not([hidden]) .ws-search input", "learner").await;
    photograph(&browser, "lab-search").await;

    for left in (0..3).rev() {
        browser.script(&press("Delete")).await;
        if left > 0 {
            browser.wait_for("#tabs [aria-selected=true]").await;
        }
        let now = browser.script(tabs).await;
        assert_eq!(now, Value::from(left));
    }
    browser.wait_for("#lab-empty button:focus").await;
    photograph(&browser, "lab-empty").await;
    browser.click("#lab-empty button").await;
    browser.wait_for(OPEN).await;
    browser.close().await;
}
