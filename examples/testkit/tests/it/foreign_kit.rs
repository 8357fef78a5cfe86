//! A kit that cannot be installed.

use testkit::{ErrorKind, ForeignKit};

const UNPINNED: ForeignKit = ForeignKit {
    folder: "testkit/unpinned",
    pins: &[("package.json", r#"{"name": "unpinned", "private": true}"#)],
    programs: &[("greet.mjs", "console.log('hello')")],
};

#[test]
fn a_kit_that_cannot_be_installed_is_named_with_what_npm_says() {
    if testkit::skipped("npm") {
        return;
    }
    let error = UNPINNED.node("greet.mjs").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let words = format!("{error:?}");
    for part in ["`testkit/unpinned`", "TESTKIT_SKIP=npm", "`npm` failed", "package-lock.json"] {
        assert!(words.contains(part), "{part}: {words}");
    }
}
