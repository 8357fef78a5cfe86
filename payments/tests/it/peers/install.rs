//! Which foreign kits there are: their packages and versions stand in the files beside this one.

use std::process::Command;
use testkit::ForeignKit;

const JS: ForeignKit = ForeignKit {
    folder: "payment-kits/js",
    pins: &[
        ("package.json", include_str!("js/package.json")),
        ("package-lock.json", include_str!("js/package-lock.json")),
        (".npmrc", include_str!("js/.npmrc")),
    ],
    programs: &[("peer.mjs", include_str!("js/peer.mjs"))],
};
const PY: ForeignKit = ForeignKit {
    folder: "payment-kits/py",
    pins: &[
        ("requirements.txt", include_str!("py/requirements.txt")),
        ("official.txt", include_str!("py/official.txt")),
    ],
    programs: &[("peer.py", include_str!("py/peer.py"))],
};

/// The command that answers with the kits of npm.
pub(super) fn js() -> Command {
    JS.node("peer.mjs").unwrap()
}

/// The command that answers with the kits of Python.
pub(super) fn py() -> Command {
    let kits = ["install", "--no-deps", "--requirement", "requirements.txt"];
    // It has 36,000 modules, a handful of which are imported: from the archive, which is not unpacked.
    let official =
        ["download", "--no-deps", "--only-binary=:all:", "--dest=official", "--requirement=official.txt"];
    PY.python("peer.py", &[&kits, &official]).unwrap()
}
