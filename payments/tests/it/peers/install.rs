//! Brings the foreign kits into the build folder, once: npm packages by `npm ci`, Python packages into an environment
//! of their own, all pinned by the files beside this one.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const JS: [(&str, &str); 4] = [
    ("package.json", include_str!("js/package.json")),
    ("package-lock.json", include_str!("js/package-lock.json")),
    (".npmrc", include_str!("js/.npmrc")),
    ("peer.mjs", include_str!("js/peer.mjs")),
];
const PY: [(&str, &str); 3] = [
    ("requirements.txt", include_str!("py/requirements.txt")),
    ("official.txt", include_str!("py/official.txt")),
    ("peer.py", include_str!("py/peer.py")),
];

/// The command that answers with the kits of npm.
pub(super) fn js() -> Command {
    let folder = install("js", &JS, &["package-lock.json", "package.json", ".npmrc"], |folder| {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"]);
        run(npm.current_dir(folder), "install Node.js 20 or newer with npm, or set TESTKIT_SKIP=npm");
    });
    let mut command = Command::new("node");
    command.arg(folder.join("peer.mjs"));
    command
}

/// The command that answers with the kits of Python.
pub(super) fn py() -> Command {
    let folder = install("py", &PY, &["requirements.txt", "official.txt"], |folder| {
        let remedy = "install Python 3.10 or newer with its venv module, or set TESTKIT_SKIP=python3";
        run(Command::new("python3").args(["-m", "venv", "--clear", "env"]).current_dir(folder), remedy);
        let pip = || {
            let mut pip = Command::new(folder.join("env/bin/python"));
            pip.args(["-m", "pip", "install", "--quiet", "--no-deps"]).current_dir(folder);
            pip
        };
        run(pip().args(["--requirement", "requirements.txt"]), remedy);
        run(pip().args(["--upgrade", "--target", "official", "--requirement", "official.txt"]), remedy);
    });
    let mut command = Command::new(folder.join("env/bin/python"));
    command.arg(folder.join("peer.py"));
    command
}

/// Writes the files, and lets `bring` add the packages unless an earlier run did it with the same pins.
fn install(name: &str, files: &[(&str, &str)], pins: &[&str], bring: impl FnOnce(&Path)) -> PathBuf {
    let root = build_folder().join("payment-peers");
    fs::create_dir_all(&root).unwrap();
    let root = root.canonicalize().unwrap();
    // Another test may install at the same time; the lock ends with the file.
    let lock = File::create(root.join(format!("{name}.lock"))).unwrap();
    lock.lock().unwrap();
    let folder = root.join(name);
    fs::create_dir_all(&folder).unwrap();
    for (name, text) in files {
        // Another test may be starting the program: it finds the old file or the new one, never a part.
        let fresh = folder.join(format!("{name}.fresh"));
        fs::write(&fresh, text).unwrap();
        fs::rename(fresh, folder.join(name)).unwrap();
    }
    let wanted: String =
        files.iter().filter(|(name, _)| pins.contains(name)).map(|(_, text)| *text).collect();
    if !fs::read_to_string(folder.join("complete")).is_ok_and(|made| made == wanted) {
        eprintln!("installing foreign kits into {}", folder.display());
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
