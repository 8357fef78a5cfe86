//! The terminal for browsers (xterm.js and its addons), which the build script brought and checked.

macro_rules! vendored {
    ($name:literal) => {
        include_bytes!(concat!(env!("OUT_DIR"), "/vendor/", $name))
    };
}

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// A file that is served under `/assets/vendor/`, with its media type. `None` for any other path.
pub(crate) fn vendor(path: &str) -> Option<(&'static [u8], &'static str)> {
    Some(match path {
        "xterm.mjs" => (vendored!("xterm.mjs"), SCRIPT),
        "xterm.css" => (vendored!("xterm.css"), STYLE),
        "xterm.LICENSE" => (vendored!("xterm.LICENSE"), TEXT),
        "addon-fit.mjs" => (vendored!("addon-fit.mjs"), SCRIPT),
        "addon-fit.LICENSE" => (vendored!("addon-fit.LICENSE"), TEXT),
        "addon-search.mjs" => (vendored!("addon-search.mjs"), SCRIPT),
        "addon-search.LICENSE" => (vendored!("addon-search.LICENSE"), TEXT),
        "addon-unicode11.mjs" => (vendored!("addon-unicode11.mjs"), SCRIPT),
        "addon-unicode11.LICENSE" => (vendored!("addon-unicode11.LICENSE"), TEXT),
        "addon-web-links.mjs" => (vendored!("addon-web-links.mjs"), SCRIPT),
        "addon-web-links.LICENSE" => (vendored!("addon-web-links.LICENSE"), TEXT),
        _ => return None,
    })
}
