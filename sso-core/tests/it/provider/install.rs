//! Which foreign clients there are: their packages and versions stand in the files of `foreign`.

use std::process::Command;

use testkit::ForeignKit;

const JS: ForeignKit = ForeignKit {
    folder: "foreign/js",
    pins: &[
        ("package.json", include_str!("../foreign/package.json")),
        ("package-lock.json", include_str!("../foreign/package-lock.json")),
        (".npmrc", include_str!("../foreign/.npmrc")),
    ],
    programs: &[("openid_client.mjs", include_str!("../foreign/openid_client.mjs"))],
};
const PY: ForeignKit = ForeignKit {
    folder: "foreign/py",
    pins: &[("requirements.txt", include_str!("../foreign/requirements.txt"))],
    programs: &[("authlib_client.py", include_str!("../foreign/authlib_client.py"))],
};

/// The command that runs the client of JavaScript.
pub(super) fn openid_client() -> Command {
    JS.node("openid_client.mjs").unwrap()
}

/// The command that runs the client of Python.
pub(super) fn authlib_client() -> Command {
    PY.python("authlib_client.py", &[&["install", "--requirement", "requirements.txt"]]).unwrap()
}
