//! The pages of `docs`: every test that the threat table names exists.

use std::path::Path;

const NOTIFY: &str = include_str!("../../docs/notify.md");

/// What stands in backticks with `::` in it, in the last column of a table.
fn named_tests() -> Vec<&'static str> {
    let cells = NOTIFY.lines().filter_map(|line| line.trim_end_matches('|').rsplit_once('|'));
    let words = cells.flat_map(|(_, cell)| cell.split('`').skip(1).step_by(2));
    // A path that begins with a capital is a type of the crate.
    words.filter(|word| word.contains("::") && word.starts_with(char::is_lowercase)).collect()
}

#[test]
fn every_test_that_the_threat_table_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let names = named_tests();
    assert!(names.len() > 20, "the threat table is not read: {}", names.len());
    let missing: Vec<&str> = names.into_iter().filter(|name| !exists(root, name)).collect();
    assert!(missing.is_empty(), "the threat table names tests that do not exist: {missing:#?}");
}

/// `src::` begins a unit test, `fuzz::` a fuzz target; all others are in `tests/it`.
fn exists(root: &Path, name: &str) -> bool {
    let (file, function) = name.rsplit_once("::").unwrap();
    if file == "fuzz" {
        let targets = std::fs::read_dir(root.join("tests/fuzz/targets")).unwrap();
        let mut code = targets.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
        return code.any(|code| code.contains(&format!("name: \"{function}\"")));
    }
    let path = match file.strip_prefix("src::") {
        Some(file) => root.join("src").join(file.replace("::", "/")),
        None => root.join("tests/it").join(file.replace("::", "/")),
    };
    let Ok(code) = std::fs::read_to_string(path.with_extension("rs")) else { return false };
    let lines: Vec<&str> = code.lines().collect();
    let head = format!("fn {function}(");
    // The attribute of a test stands right above it.
    lines.windows(2).any(|pair| pair[1].contains(&head) && pair[0].contains("#[") && pair[0].contains("test"))
}
