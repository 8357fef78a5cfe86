//! Strict JSON, through the key set document that it reads: objects of any shape beside a good key, of which it is
//! known whether a member appears twice.

use std::fmt::Write as _;
use std::sync::LazyLock;

use sso_core::PublicKeySet;

use crate::engine::Target;

/// How deep a document is built. Readers of JSON allow 128 levels.
const LEVELS_MAX: usize = 100;
const NAMES: [&str; 8] = ["a", r"\u0061", "b", "", "张", r"\u5f20", r#"\""#, "exp"];
/// The same names, read.
const MEANT: [&str; 8] = ["a", "a", "b", "", "张", "张", "\"", "exp"];
const LEAVES: [&str; 8] = ["null", "true", "0", "-1.5e3", "\"\"", r#""\ud83d\ude00""#, "[]", "{}"];

static KEYS: LazyLock<String> = LazyLock::new(|| super::keys::document().trim_end_matches('}').to_owned());

/// A document under construction. Every byte of the input is one decision.
struct Builder<'a> {
    input: std::slice::Iter<'a, u8>,
    json: String,
    twice: bool,
}

impl Builder<'_> {
    fn choose(&mut self, below: u8) -> u8 {
        self.input.next().map_or(0, |byte| byte % below)
    }

    fn value(&mut self, levels: usize) {
        match self.choose(4) {
            0 | 1 if levels < LEVELS_MAX => self.object(levels),
            2 if levels < LEVELS_MAX => self.array(levels),
            _ => {
                let leaf = usize::from(self.choose(8));
                self.json.push_str(LEAVES[leaf]);
            }
        }
    }

    fn object(&mut self, levels: usize) {
        let mut seen: Vec<&str> = Vec::new();
        self.json.push('{');
        for place in 0..self.choose(4) {
            let name = usize::from(self.choose(8));
            self.twice |= seen.contains(&MEANT[name]);
            seen.push(MEANT[name]);
            let comma = if place == 0 { "" } else { "," };
            write!(self.json, "{comma} \"{}\" : ", NAMES[name]).unwrap();
            self.value(levels + 1);
        }
        self.json.push('}');
    }

    fn array(&mut self, levels: usize) {
        self.json.push('[');
        for place in 0..self.choose(4) {
            self.json.push_str(if place == 0 { "" } else { "," });
            self.value(levels + 1);
        }
        self.json.push(']');
    }
}

pub(crate) fn strict_json() -> Target {
    Target {
        name: "strict_json",
        // An object with `a` and `b`; one with `a` twice; `a` twice by an escape, in an array.
        seeds: vec![
            vec![0, 2, 0, 3, 0, 2, 3, 1],
            vec![0, 2, 0, 3, 0, 0, 3, 0],
            vec![2, 1, 0, 2, 0, 3, 0, 1, 3, 0],
            vec![2; 80],
        ],
        words: &[],
        bytes_max: 2000,
        run: |input| {
            let mut builder =
                Builder { input: input.iter(), json: format!("{},\"more\":", *KEYS), twice: false };
            builder.value(1);
            builder.json.push('}');
            let Builder { json, twice, .. } = builder;
            if json.len() > PublicKeySet::JWKS_BYTES_MAX {
                return "too long".into();
            }
            assert_eq!(PublicKeySet::from_jwks(&json).is_err(), twice, "{json}");
            if twice { "refused".into() } else { "read".into() }
        },
        reaches: &["refused", "read"],
    }
}
