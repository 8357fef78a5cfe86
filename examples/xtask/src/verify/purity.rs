//! What the trees of the five libraries must not hold.

use crate::problem::Problem;
use crate::verify::command;
use crate::workspace::CRATES;

/// Nothing of these without a feature that asks for it.
const EDGES: [&str; 7] = ["tokio", "redis", "sqlx", "reqwest", "ssh2", "russh", "axum"];
/// Not by default: its private-key operations leak through timing (RUSTSEC-2023-0071).
const OPT_IN: [&str; 1] = ["rsa"];

pub(super) fn run(package: &str) -> Result<bool, Problem> {
    let siblings: Vec<&str> = CRATES.into_iter().filter(|name| *name != package).collect();
    let rules: [(&[&str], &[&str]); 3] = [
        (&["--edges", "normal", "--no-default-features"], &EDGES),
        (&["--edges", "normal"], &OPT_IN),
        (&["--edges", "normal,build,dev", "--all-features"], &siblings),
    ];
    let mut held = true;
    for (tree, banned) in rules {
        let found = found(package, tree, banned)?;
        let tree = tree.join(" ");
        for name in &found {
            eprintln!(
                "`{package}` depends on `{name}`; see `cargo tree --package {package} {tree} --invert {name}`"
            );
        }
        println!("{package}: {} of {} absent ({tree})", banned.len() - found.len(), banned.len());
        held &= found.is_empty();
    }
    Ok(held)
}

fn found<'a>(package: &str, tree: &[&str], banned: &[&'a str]) -> Result<Vec<&'a str>, Problem> {
    let mut cargo = command::cargo()?;
    cargo.args(["tree", "--package", package, "--prefix", "none"]).args(tree);
    let output = cargo.output().map_err(|e| Problem::io("run cargo tree", &e))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(Problem::Machine(format!("cargo tree failed: {words}")));
    }
    among(&String::from_utf8_lossy(&output.stdout), package, banned)
}

/// Which of `banned` are in `tree`, whose lines are `NAME vVERSION ...` and whose first is `package` itself.
fn among<'a>(tree: &str, package: &str, banned: &[&'a str]) -> Result<Vec<&'a str>, Problem> {
    let names: Vec<&str> = tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
    if names.first() != Some(&package) {
        return Err(Problem::Machine(format!("cargo tree does not begin with `{package}`:\n{tree}")));
    }
    Ok(banned.iter().copied().filter(|name| names.contains(name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "rbac v0.1.0 (/src/rbac)\nserde v1.0.229\nsqlx-core v0.9.0\ntokio v1.54.1 (*)\n\n\
                        [dev-dependencies]\nseckill v0.1.0 (/src/seckill)\n";

    #[test]
    fn banned_names_are_found_whole() {
        assert_eq!(among(TREE, "rbac", &EDGES).unwrap(), ["tokio"]);
        assert_eq!(among(TREE, "rbac", &["sso-core", "seckill"]).unwrap(), ["seckill"]);
        assert!(among(TREE, "rbac", &OPT_IN).unwrap().is_empty());
    }

    #[test]
    fn a_tree_of_something_else_is_refused() {
        assert!(among("", "rbac", &EDGES).is_err());
        assert!(among(TREE, "seckill", &EDGES).is_err());
    }
}
