//! Which peers are programs of their own: their packages and versions are part of this program.

use std::process::Command;

use testkit::ForeignKit;

use crate::Error;

const JS: ForeignKit = ForeignKit {
    folder: "peers/js",
    pins: &[
        ("package.json", include_str!("../../peers-js/package.json")),
        ("package-lock.json", include_str!("../../peers-js/package-lock.json")),
        (".npmrc", include_str!("../../peers-js/.npmrc")),
    ],
    programs: &[
        ("ioredis.mjs", include_str!("../../peers-js/ioredis.mjs")),
        ("fast_jwt.mjs", include_str!("../../peers-js/fast_jwt.mjs")),
        ("alipay_sdk.mjs", include_str!("../../peers-js/alipay_sdk.mjs")),
    ],
};
const PY: ForeignKit = ForeignKit {
    folder: "peers/py",
    pins: &[("requirements.txt", include_str!("../../peers-py/requirements.txt"))],
    programs: &[
        ("paramiko_pump.py", include_str!("../../peers-py/paramiko_pump.py")),
        ("redis_py.py", include_str!("../../peers-py/redis_py.py")),
        ("wechatpay.py", include_str!("../../peers-py/wechatpay.py")),
    ],
};

const RUST: ForeignKit = ForeignKit {
    folder: "peers/rust",
    pins: &[
        ("Cargo.toml", include_str!("../../peers-rs/Cargo.toml")),
        ("Cargo.lock", include_str!("../../peers-rs/Cargo.lock")),
        ("src/main.rs", include_str!("../../peers-rs/src/main.rs")),
        ("src/job.rs", include_str!("../../peers-rs/src/job.rs")),
        ("src/casbin.rs", include_str!("../../peers-rs/src/casbin.rs")),
        ("src/cedar.rs", include_str!("../../peers-rs/src/cedar.rs")),
    ],
    programs: &[],
};

/// The command that runs this program of Rust. Builds it when that is not done, which takes minutes.
///
/// # Errors
/// `Install` with the remedy when Cargo is missing or the build fails.
pub(crate) fn rust(program: &str) -> Result<Command, Error> {
    RUST.rust(program).map_err(Error::Install)
}

/// The command that runs this program of JavaScript. Installs what it needs when that is not there.
///
/// # Errors
/// `Install` with the remedy when Node.js or npm is missing or the installation fails.
pub(crate) fn js(program: &str) -> Result<Command, Error> {
    JS.node(program).map_err(Error::Install)
}

/// The command that runs this program of Python. Installs what it needs when that is not there.
///
/// # Errors
/// `Install` with the remedy when Python is missing or the installation fails.
pub(crate) fn py(program: &str) -> Result<Command, Error> {
    PY.python(program, &[&["install", "--requirement", "requirements.txt"]]).map_err(Error::Install)
}
