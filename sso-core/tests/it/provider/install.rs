//! Brings the foreign clients into the build folder, once: npm packages by `npm ci`, Python packages into an
//! environment of their own, both pinned by the files beside this one.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const JS: [(&str, &str); 4] = [
    ("package.json", include_str!("../foreign/package.json")),
    ("package-lock.json", include_str!("../foreign/package-lock.json")),
    (".npmrc", include_str!("../foreign/.npmrc")),
    ("openid_client.mjs", include_str!("../foreign/openid_client.mjs")),
];
const PY: [(&str, &str); 2] = [
    ("requirements.txt", include_str!("../foreign/requirements.txt")),
    ("authlib_client.py", include_str!("../foreign/authlib_client.py")),
];

/// The command that runs the client of JavaScript.
pub(super) fn openid_client() -> Command {
    let folder = install("js", &JS, &["package-lock.json", "package.json", ".npmrc"], |folder| {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"]);
        run(npm.current_dir(folder), "install Node.js 20 or newer with npm, or set TESTKIT_SKIP=npm");
    });
    let mut command = Command::new("node");
    command.arg(folder.join("openid_client.mjs"));
    command
}

/// The command that runs the client of Python.
pub(super) fn authlib_client() -> Command {
    let folder = install("py", &PY, &["requirements.txt"], |folder| {
        let remedy = "install Python 3.10 or newer with its venv module, or set TESTKIT_SKIP=python3";
        run(Command::new("python3").args(["-m", "venv", "--clear", "env"]).current_dir(folder), remedy);
        let mut pip = Command::new(folder.join("env/bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--requirement", "requirements.txt"]);
        run(pip.current_dir(folder), remedy);
    });
    let mut command = Command::new(folder.join("env/bin/python"));
    command.arg(folder.join("authlib_client.py"));
    command
}

/// Writes the files, and lets `bring` add the packages unless an earlier run did it with the same pins.
fn install(name: &str, files: &[(&str, &str)], pins: &[&str], bring: impl FnOnce(&Path)) -> PathBuf {
    let root = build_folder().join("foreign");
    fs::create_dir_all(&root).unwrap();
    let root = root.canonicalize().unwrap();
    // Another test may install at the same time; the lock ends with the file.
    let lock = File::create(root.join(format!("{name}.lock"))).unwrap();
    lock.lock().unwrap();
    let folder = root.join(name);
    fs::create_dir_all(&folder).unwrap();
    for (name, text) in files {
        fs::write(folder.join(name), text).unwrap();
    }
    let pinned = files.iter().filter(|(name, _)| pins.contains(name)).map(|(_, text)| *text);
    let wanted: String = pinned.collect();
    if !fs::read_to_string(folder.join("complete")).is_ok_and(|made| made == wanted) {
        eprintln!("installing a foreign client into {}", folder.display());
        bring(&folder);
        fs::write(folder.join("complete"), wanted).unwrap();
    }
    folder
}

fn run(command: &mut Command, remedy: &str) {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{error}: {remedy}"));
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}: {}: {remedy}", output.status, String::from_utf8_lossy(&said));
}

/// Where cargo builds; the source tree stays clean.
fn build_folder() -> PathBuf {
    let workspace = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(workspace, PathBuf::from)
}
