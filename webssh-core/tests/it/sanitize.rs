//! Output made safe: nothing that asks or commands the terminal is left, and everything that draws stays.

use proptest::prelude::*;
use webssh_core::transcript::Sanitizer;

/// Sequences that draw and move; they have to survive byte for byte.
const HARMLESS: &[&str] = &[
    "\x1b[m",
    "\x1b[0m",
    "\x1b[1;31m",
    "\x1b[38;2;1;2;3m",
    "\x1b[4:3m",
    "\x1b[A",
    "\x1b[12C",
    "\x1b[H",
    "\x1b[3;4H",
    "\x1b[2J",
    "\x1b[K",
    "\x1b[1P",
    "\x1b[4@",
    "\x1b[2L",
    "\x1b[1;20r",
    "\x1b[?25l",
    "\x1b[?1049h",
    "\x1b[?1;7h",
    "\x1b[?2004h",
    "\x1b[s",
    "\x1b[u",
    "\x1b[3T",
    "\x1b[!p",
    "\x1b[2 q",
    "\x1b7",
    "\x1b8",
    "\x1bM",
    "\x1bc",
    "\x1b(0",
    "\x1b)B",
    "\x1b#8",
    "\x1b=",
    "\u{9b}31m",
    "\r\n",
    "\x07",
    "\x08",
    "\t",
    "\x0e",
    "\x0f",
    "text",
    "中文",
    "é",
    "\u{85}",
];

/// What has to go, whole.
const HARMFUL: &[&str] = &[
    "\x1b]0;title\x07",
    "\x1b]52;c;aGk=\x1b\\",
    "\x1b]8;;http://x\x1b\\",
    "\x1b]10;?\x07",
    "\u{9d}2;t\u{9c}",
    "\x1bP$qm\x1b\\",
    "\x1bP+q544e\x1b\\",
    "\u{90}+q\u{9c}",
    "\x1b_app\x1b\\",
    "\u{9f}app\u{9c}",
    "\x1b^pm\x1b\\",
    "\u{9e}pm\u{9c}",
    "\x1bXsos\x1b\\",
    "\u{98}sos\u{9c}",
    "\x1b[c",
    "\x1b[0c",
    "\x1b[>c",
    "\x1b[=c",
    "\x1bZ",
    "\u{9a}",
    "\x1b[5n",
    "\x1b[6n",
    "\x1b[?6n",
    "\u{9b}6n",
    "\x1b[>q",
    "\x1b[>0q",
    "\x1b[18t",
    "\x1b[21t",
    "\x1b[22;2t",
    "\x1b[?1$p",
    "\x1b[1$p",
    "\x1b[x",
    "\x1b[2;1;1;1;1;1*y",
    "\x1b[?1000h",
    "\x1b[?1006;25h",
    "\x1b[?1004h",
    "\x05",
    "\x1b[i",
    "\x1b[4i",
    "\x1bktitle\x1b\\",
    "\x1b[2h",
    "\x1b[1;2;3;4;5T",
    "\x1b[?2048h",
    "\x1b%@",
    "\x1b F",
    "\x1b[?u",
    "\x1b[>1u",
    "\x1b[1$w",
];

fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(HARMLESS).prop_map(str::to_owned),
        4 => prop::sample::select(HARMFUL).prop_map(str::to_owned),
        2 => "[\\x1b\\x07\\\\\\[\\]PX^_k?>;0-9a-z$\\u{90}-\\u{9f}]{0,6}",
        1 => "\\PC{0,4}",
    ]
}

fn filtered<'a>(pieces: impl IntoIterator<Item = &'a str>) -> String {
    let (mut sanitizer, mut safe) = (Sanitizer::new(), String::new());
    for piece in pieces {
        sanitizer.filter(piece, &mut safe);
    }
    safe
}

/// What is dangerous in a text, by a look that has nothing in common with the sanitiser.
fn danger(text: &str) -> Option<String> {
    let chars: Vec<char> = text.chars().collect();
    for (at, c) in chars.iter().enumerate() {
        if "\u{5}\u{90}\u{98}\u{9a}\u{9c}\u{9d}\u{9e}\u{9f}".contains(*c) {
            return Some(format!("control {c:?} at {at}"));
        }
        let body = match (c, chars.get(at + 1)) {
            ('\x1b', Some('[')) => at + 2,
            ('\u{9b}', _) => at + 1,
            ('\x1b', Some(']' | 'P' | 'X' | '^' | '_' | 'k' | 'Z' | '\\' | '%')) => {
                return Some(format!("string at {at}"));
            }
            ('\x1b', None) => return Some("an open escape".to_owned()),
            _ => continue,
        };
        let Some(end) = chars[body..].iter().position(|c| ('@'..='~').contains(c)) else {
            return Some(format!("an open sequence at {at}"));
        };
        let (params, last) = (chars[body..body + end].iter().collect::<String>(), chars[body + end]);
        let asks = "cntix".contains(last)
            || params.contains(['$', '*', '>', '=', '<'])
            || (params.contains('?') && !"hlJK".contains(last))
            || ["1000", "1002", "1003", "1004", "1006", "2048"].iter().any(|mode| params.contains(mode));
        if asks {
            return Some(format!("sequence {params}{last} at {at}"));
        }
    }
    None
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn nothing_dangerous_is_left(pieces in prop::collection::vec(piece(), 0..20)) {
        let safe = filtered([pieces.concat().as_str()]);
        prop_assert_eq!(danger(&safe), None, "{:?}", safe);
        // What is safe stays as it is.
        prop_assert_eq!(filtered([safe.as_str()]), safe);
    }

    #[test]
    fn cuts_make_no_difference(pieces in prop::collection::vec(piece(), 0..20)) {
        let whole = pieces.concat();
        let single: Vec<String> = whole.chars().map(String::from).collect();
        prop_assert_eq!(filtered(single.iter().map(String::as_str)), filtered([whole.as_str()]));
    }

    #[test]
    fn what_draws_survives(pieces in prop::collection::vec((prop::sample::select(HARMLESS), prop::option::of(prop::sample::select(HARMFUL))), 0..20)) {
        let (mut all, mut good) = (String::new(), String::new());
        for (harmless, harmful) in pieces {
            all += harmful.unwrap_or_default();
            all += harmless;
            good += harmless;
        }
        prop_assert_eq!(filtered([all.as_str()]), good);
    }
}

#[test]
fn each_harmful_sequence_goes_alone() {
    for harmful in HARMFUL {
        assert_eq!(filtered([format!("a{harmful}b").as_str()]), "ab", "{harmful:?}");
        assert!(
            danger(harmful).is_some() || ["\x1b[2h", "\x1b[1;2;3;4;5T", "\x1b F"].contains(harmful),
            "{harmful:?}"
        );
    }
}
