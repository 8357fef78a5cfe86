//! Brings the browser code that the demo embeds: runs `npm ci` in the build folder and keeps the few
//! files that are served. `vendor.rs` embeds them.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// What npm needs, in `demo/assets/npm`. The lock file has the digest of every package and no address.
const INPUTS: [&str; 3] = ["package.json", "package-lock.json", ".npmrc"];

/// The files to keep: where npm puts them under `node_modules/@xterm`, and their name in `vendor`.
const FILES: [(&str, &str); 11] = [
    ("xterm/lib/xterm.mjs", "xterm.mjs"),
    ("xterm/css/xterm.css", "xterm.css"),
    ("xterm/LICENSE", "xterm.LICENSE"),
    ("addon-fit/lib/addon-fit.mjs", "addon-fit.mjs"),
    ("addon-fit/LICENSE", "addon-fit.LICENSE"),
    ("addon-search/lib/addon-search.mjs", "addon-search.mjs"),
    ("addon-search/LICENSE", "addon-search.LICENSE"),
    ("addon-unicode11/lib/addon-unicode11.mjs", "addon-unicode11.mjs"),
    ("addon-unicode11/LICENSE", "addon-unicode11.LICENSE"),
    ("addon-web-links/lib/addon-web-links.mjs", "addon-web-links.mjs"),
    ("addon-web-links/LICENSE", "addon-web-links.LICENSE"),
];

/// Codes by which npm reports that it reached nobody.
const NO_NETWORK: [&str; 7] =
    ["ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH", "ENOTCACHED"];

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            for line in message.lines() {
                println!("cargo::error={line}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let folder =
        |name| env::var_os(name).map(PathBuf::from).ok_or(format!("`{name}` is not set: build with cargo"));
    let source = folder("CARGO_MANIFEST_DIR")?.join("demo/assets/npm");
    let out = folder("OUT_DIR")?;
    for input in INPUTS {
        println!("cargo::rerun-if-changed=demo/assets/npm/{input}");
    }
    let work = out.join("npm");
    let vendor = out.join("vendor");
    if is_current(&source, &work, &vendor) {
        return Ok(());
    }
    // The old files go first: a run that fails must not leave them beside the new inputs.
    replace_folder(&vendor)?;
    replace_folder(&work)?;
    for input in INPUTS {
        copy(&source.join(input), &work.join(input))?;
    }
    install(&work)?;
    for (from, to) in FILES {
        copy(&work.join("node_modules/@xterm").join(from), &vendor.join(to))?;
    }
    // Only a complete run leaves this mark.
    write(&vendor.join("complete"), b"")?;
    remove_folder(&work.join("node_modules"))
}

/// Whether a complete earlier run had the same inputs, byte for byte.
fn is_current(source: &Path, work: &Path, vendor: &Path) -> bool {
    let same = |input: &&str| match (fs::read(source.join(input)), fs::read(work.join(input))) {
        (Ok(now), Ok(then)) => now == then,
        _ => false,
    };
    let kept = FILES.iter().map(|(_, name)| *name).chain(["complete"]);
    INPUTS.iter().all(same) && kept.map(|name| vendor.join(name)).all(|file| file.is_file())
}

fn install(work: &Path) -> Result<(), String> {
    let output = Command::new("npm")
        .args(["ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"])
        .current_dir(work)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                "npm was not found: install Node.js 20 or newer with npm, then run the command again"
                    .to_owned()
            }
            _ => format!("npm could not be started: {error}"),
        })?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let cause = if NO_NETWORK.iter().any(|code| said.contains(code)) {
        "npm could not reach its registry: check the network and npm's proxy settings, then run the command again"
    } else {
        "`npm ci` failed"
    };
    Err(format!("{cause} ({})\n{said}", output.status))
}

fn replace_folder(path: &Path) -> Result<(), String> {
    remove_folder(path)?;
    fs::create_dir_all(path).map_err(|error| format!("`{}` could not be made: {error}", path.display()))
}

fn remove_folder(path: &Path) -> Result<(), String> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(format!("`{}` could not be removed: {error}", path.display()))
        }
        _ => Ok(()),
    }
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let bytes = fs::read(from).map_err(|error| format!("`{}` could not be read: {error}", from.display()))?;
    write(to, &bytes)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    fs::write(path, bytes).map_err(|error| format!("`{}` could not be written: {error}", path.display()))
}
