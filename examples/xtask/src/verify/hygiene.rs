//! What no file of the tree may be or hold.

use std::fs;
use std::path::Path;

use crate::problem::Problem;
use crate::workspace;

const RUST_LINES_MAX: usize = 500;
/// Built, downloaded or kept by tools: not ours.
const FOREIGN_DIRS: [&str; 3] = ["target", "node_modules", ".git"];

pub(super) fn run() -> Result<bool, Problem> {
    let mut complaints = Vec::new();
    let root = workspace::root();
    let files = visit(&root, &mut complaints).map_err(|e| Problem::io("read the tree", &e))?;
    for complaint in &complaints {
        eprintln!("{complaint}");
    }
    println!("{files} files seen, {} complaints", complaints.len());
    Ok(complaints.is_empty() && files > 0)
}

/// Returns how many files of interest there were.
fn visit(dir: &Path, complaints: &mut Vec<String>) -> std::io::Result<usize> {
    let mut files = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        let name = entry.file_name().to_string_lossy().into_owned();
        if kind.is_dir() && !FOREIGN_DIRS.contains(&name.as_str()) {
            files += visit(&path, complaints)?;
        } else if kind.is_file() && is_of_interest(&name) {
            files += 1;
            let found = complaints_about(&name, &fs::read_to_string(&path)?);
            complaints.extend(found.into_iter().map(|words| format!("{}: {words}", path.display())));
        }
    }
    Ok(files)
}

fn is_of_interest(name: &str) -> bool {
    is_rust(name) || name == "package-lock.json"
}

fn is_rust(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "rs")
}

fn complaints_about(name: &str, content: &str) -> Vec<String> {
    let lines = content.lines().count();
    let mut complaints = Vec::new();
    if name == "mod.rs" {
        complaints.push("a module `foo` stands in `foo.rs`, beside its directory `foo/`".to_owned());
    }
    if is_rust(name) && lines > RUST_LINES_MAX {
        complaints.push(format!("{lines} lines; divide it, {RUST_LINES_MAX} is the limit"));
    }
    if name == "package-lock.json" && content.contains("\"resolved\"") {
        complaints
            .push("it names a registry; npm's `omit-lockfile-registry-resolved` leaves that out".to_owned());
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_can_fail_and_is_about_its_own_files() {
        assert_eq!(complaints_about("mod.rs", "").len(), 1);
        let long = "//\n".repeat(RUST_LINES_MAX + 1);
        assert_eq!(complaints_about("lib.rs", &long).len(), 1);
        assert!(complaints_about("lib.rs", &"//\n".repeat(RUST_LINES_MAX)).is_empty());
        assert_eq!(complaints_about("package-lock.json", r#"{"resolved": "x"}"#).len(), 1);
        assert!(complaints_about("package-lock.json", &long).is_empty());
    }
}
