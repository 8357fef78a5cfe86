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
    let names = named_tests();
    assert!(names.len() > 100, "the tables of the threat model are not read: {}", names.len());
    let missing: Vec<&str> = names.into_iter().filter(|name| !exists(name)).collect();
    assert!(missing.is_empty(), "the threat model names tests that do not exist: {missing:#?}");
}

fn exists(name: &str) -> bool {
    let (file, function) = name.rsplit_once("::").unwrap();
    let (folder, file) = match file.split_once("::") {
        Some(("src", file)) => ("src", file),
        Some(("fuzz", file)) => ("tests/fuzz/targets", file),
        _ => ("tests/it", file),
    };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join(file.replace("::", "/"));
    std::fs::read_to_string(path.with_extension("rs"))
        .is_ok_and(|code| code.contains(&format!("fn {function}(")))
}
