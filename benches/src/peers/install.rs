//! Brings the peers of other languages into the build folder: npm packages by `npm ci`, Python packages
//! into an environment of their own. Both are pinned by files that are part of this program.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, io};

use crate::Error;

const JS: [(&str, &str); 6] = [
    ("package.json", include_str!("../../peers-js/package.json")),
    ("package-lock.json", include_str!("../../peers-js/package-lock.json")),
    (".npmrc", include_str!("../../peers-js/.npmrc")),
    ("ioredis.mjs", include_str!("../../peers-js/ioredis.mjs")),
    ("fast_jwt.mjs", include_str!("../../peers-js/fast_jwt.mjs")),
    ("alipay_sdk.mjs", include_str!("../../peers-js/alipay_sdk.mjs")),
];
const PY: [(&str, &str); 3] = [
    ("requirements.txt", include_str!("../../peers-py/requirements.txt")),
    ("redis_py.py", include_str!("../../peers-py/redis_py.py")),
    ("wechatpay.py", include_str!("../../peers-py/wechatpay.py")),
];
/// Holds what the last complete installation was made of.
const MARK: &str = "complete";

/// The command that runs this program of JavaScript. Installs what it needs when that is not there.
///
/// # Errors
/// `Install` with the remedy when Node.js or npm is missing or the installation fails.
pub(crate) fn js(program: &str) -> Result<Command, Error> {
    let folder = install("js", &JS, |folder| {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"]);
        run(npm.current_dir(folder), "install Node.js 20 or newer with npm")
    })?;
    let mut command = Command::new("node");
    command.arg(folder.join(program));
    Ok(command)
}

/// The command that runs this program of Python. Installs what it needs when that is not there.
///
/// # Errors
/// `Install` with the remedy when Python is missing or the installation fails.
pub(crate) fn py(program: &str) -> Result<Command, Error> {
    let folder = install("py", &PY, |folder| {
        let remedy = "install Python 3.10 or newer with its venv module";
        run(Command::new("python3").args(["-m", "venv", "--clear", "env"]).current_dir(folder), remedy)?;
        let mut pip = Command::new(folder.join("env/bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--requirement", "requirements.txt"]);
        run(pip.current_dir(folder), remedy)
    })?;
    let mut command = Command::new(folder.join("env/bin/python"));
    command.arg(folder.join(program));
    Ok(command)
}

/// Writes the files and lets `bring` add the rest, unless an earlier run did it with the same files.
fn install(
    name: &str,
    files: &[(&str, &str)],
    bring: impl FnOnce(&Path) -> Result<(), Error>,
) -> Result<PathBuf, Error> {
    let peers = build_folder().join("peers");
    fs::create_dir_all(&peers)?;
    // The programs get a path without `..`, which some of them would take away by the letters.
    let peers = peers.canonicalize()?;
    // Another run may install at the same time; the lock ends with the file.
    let lock = File::create(peers.join(format!("{name}.lock")))?;
    lock.lock()?;
    let folder = peers.join(name);
    let wanted: String = files.iter().map(|(name, text)| format!("{name}\n{text}\n")).collect();
    if fs::read_to_string(folder.join(MARK)).is_ok_and(|made| made == wanted) {
        return Ok(folder);
    }
    eprintln!("figures: installing a peer into {}", folder.display());
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => fs::create_dir_all(&folder)?,
    }
    for (name, text) in files {
        fs::write(folder.join(name), text)?;
    }
    bring(&folder)?;
    fs::write(folder.join(MARK), wanted)?;
    Ok(folder)
}

fn run(command: &mut Command, remedy: &'static str) -> Result<(), Error> {
    let program = command.get_program().to_string_lossy().into_owned();
    let failed = |said: String| Error::Install { program, remedy, said };
    let output = match command.stdin(Stdio::null()).output() {
        Ok(output) => output,
        Err(error) => return Err(failed(error.to_string())),
    };
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(failed(format!("{}: {}", output.status, String::from_utf8_lossy(&said).trim())))
}

/// Where cargo builds; the source tree stays clean.
fn build_folder() -> PathBuf {
    let workspace = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    env::var_os("CARGO_TARGET_DIR").map_or_else(workspace, PathBuf::from)
}
