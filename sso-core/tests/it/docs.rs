//! The pages of `docs`: every test that the threat model names exists.

use std::path::Path;

const THREATS: &str = include_str!("../../docs/threat-model.md");

/// What stands in backticks with `::` in it, in the last column of a table.
fn named_tests() -> Vec<&'static str> {
    let cells = THREATS.lines().filter_map(|line| line.trim_end_matches('|').rsplit_once('|'));
    let words = cells.flat_map(|(_, cell)| cell.split('`').skip(1).step_by(2));
    words.filter(|word| word.contains("::")).collect()
}

#[test]
fn every_test_that_the_threat_model_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let names = named_tests();
    assert!(names.len() > 50, "the tables of the threat model are not read: {}", names.len());
    let missing: Vec<&str> = names.into_iter().filter(|name| !exists(&root, name)).collect();
    assert!(missing.is_empty(), "the threat model names tests that do not exist: {missing:#?}");
}

fn exists(root: &Path, name: &str) -> bool {
    let (file, function) = name.rsplit_once("::").unwrap();
    if file == "fuzz" {
        let registry = std::fs::read_to_string(root.join("fuzz/targets.rs")).unwrap();
        return registry.contains(&format!("::{function}()"));
    }
    let path = root.join("it").join(file.replace("::", "/")).with_extension("rs");
    std::fs::read_to_string(path).is_ok_and(|code| code.contains(&format!("fn {function}(")))
}
