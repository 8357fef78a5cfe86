//! Recordings: whatever is written can be read, by us and by others.

mod foreign;

use std::time::Duration;

use proptest::prelude::*;
use webssh_core::transcript::{
    Event, Exporter, Header, Item, LINE_BYTES_MAX, Reader, SeekIndex, TimedEvent, Version, Writer, export,
    flatten, read,
};
use webssh_core::{Error, ErrorKind, WinSize};

/// What is written, at which millisecond.
type Step = (u64, Vec<u8>);

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let torn =
        prop::sample::select(&b"ab\"\\\n\r\x1b\x00\x7f\xc2\x9b\xe4\xb8\xad\xf0\x9f\x98\x80\xff\xed\xa0"[..]);
    prop_oneof![prop::collection::vec(torn, 0..12), prop::collection::vec(any::<u8>(), 0..40)]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec((0..100_000_u64, bytes()), 0..20)
}

fn version() -> impl Strategy<Value = Version> {
    prop_oneof![Just(Version::V2), Just(Version::V3)]
}

fn header() -> impl Strategy<Value = Header> {
    let text = || prop::option::of("[\\x00-\\xaf\"\\\\中]{0,20}");
    (version(), 1..=1000_u16, 1..=1000_u16, prop::option::of(0..u64::MAX / 2), text(), text()).prop_map(
        |(version, cols, rows, unix_secs, title, term)| {
            let mut header = Header::default();
            (header.version, header.size) = (version, WinSize::new(cols, rows).unwrap());
            (header.unix_secs, header.title, header.term) = (unix_secs, title, term);
            header
        },
    )
}

fn event() -> impl Strategy<Value = Event> {
    let text = || "[\\x00-\\xaf中😀]{1,20}";
    prop_oneof![
        text().prop_map(Event::Output),
        text().prop_map(Event::Input),
        text().prop_map(Event::Marker),
        (1..=1000_u16, 1..=1000_u16).prop_map(|(c, r)| Event::Resize(WinSize::new(c, r).unwrap())),
    ]
}

fn written(header: &Header, events: &[TimedEvent]) -> Vec<u8> {
    let mut lines = Vec::new();
    let mut writer = Writer::new(header, &mut lines);
    for TimedEvent { at, event } in events {
        writer.event(*at, event, &mut lines);
    }
    writer.finish(&mut lines);
    lines
}

/// Times of whole microseconds that do not go back.
fn timed(events: Vec<(u64, Event)>) -> Vec<TimedEvent> {
    let mut at = 0;
    let mut timed = Vec::new();
    for (micros, event) in events {
        at += micros;
        timed.push(TimedEvent { at: Duration::from_micros(at), event });
    }
    timed
}

fn recording() -> impl Strategy<Value = (Header, Vec<TimedEvent>)> {
    let events = prop::collection::vec((0..90_000_000_u64, event()), 0..20).prop_map(timed);
    (header(), events, prop::option::of(any::<u32>())).prop_map(|(header, mut events, status)| {
        if let (Version::V3, Some(status)) = (header.version, status) {
            let at = events.last().map_or(Duration::ZERO, |last| last.at);
            events.push(TimedEvent { at, event: Event::Exit(status) });
        }
        (header, events)
    })
}

/// All items, or the first error, with the recording cut into pieces.
fn in_pieces(recording: &[u8], cuts: &[prop::sample::Index]) -> Result<Vec<Item>, String> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(recording.len() + 1)).collect();
    at.extend([0, recording.len()]);
    at.sort_unstable();
    let mut reader = Reader::new();
    let mut items = Vec::new();
    for piece in at.windows(2) {
        reader.push(&recording[piece[0]..piece[1]]);
        while let Some(item) = reader.poll().map_err(|error| error.to_string())? {
            items.push(item);
        }
    }
    items.extend(reader.finish().map_err(|error| error.to_string())?);
    Ok(items)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_bytes_become_whole_lines(version in version(), steps in steps()) {
        let mut header = Header::default();
        header.version = version;
        let mut lines = Vec::new();
        let mut writer = Writer::new(&header, &mut lines);
        for (millis, bytes) in &steps {
            let before = lines.len();
            writer.output(Duration::from_millis(*millis), bytes, &mut lines);
            prop_assert!(lines[before..].is_empty() || lines.ends_with(b"\n"));
        }
        writer.finish(&mut lines);
        let text = String::from_utf8(lines).unwrap();
        prop_assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{:?}", text);
        let mut output = String::new();
        for line in text.lines().skip(1) {
            let (time, code, data): (f64, String, String) = serde_json::from_str(line).unwrap();
            prop_assert!(time >= 0.0 && code == "o" && !data.is_empty());
            output += &data;
        }
        let all: Vec<u8> = steps.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
        prop_assert_eq!(output, String::from_utf8_lossy(&all));
    }

    #[test]
    fn what_is_written_is_read((header, events) in recording(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8)) {
        let lines = written(&header, &events);
        let (read_header, read_events) = read(&lines).unwrap();
        prop_assert_eq!(&read_header, &header);
        prop_assert_eq!(&read_events, &events);
        let items = in_pieces(&lines, &cuts).unwrap();
        let expected: Vec<Item> =
            std::iter::once(Item::Header(header)).chain(events.into_iter().map(Item::Event)).collect();
        prop_assert_eq!(items, expected);
    }

    /// Cut off anywhere, a recording gives the events of its whole lines.
    #[test]
    fn a_cut_recording_is_read_to_its_last_whole_line((header, events) in recording(), cut in any::<prop::sample::Index>()) {
        let lines = written(&header, &events);
        let lines = &lines[..cut.index(lines.len() + 1)];
        let mut reader = Reader::new();
        reader.push(lines);
        let mut items = 0;
        while reader.poll().unwrap().is_some() {
            items += 1;
        }
        prop_assert_eq!(items, lines.iter().filter(|byte| **byte == b'\n').count());
    }

    #[test]
    fn any_bytes_are_read_or_refused(noise in prop::collection::vec(any::<u8>(), 0..300), lines in prop::collection::vec("[\\[\\]{}\"oimrx0-9.,e\\-# ]{0,30}", 0..6), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8)) {
        let like = format!("{{\"version\": 3, \"term\": {{\"cols\": 80, \"rows\": 24}}}}\n{}", lines.join("\n"));
        for recording in [&noise[..], like.as_bytes()] {
            let whole = in_pieces(recording, &[]);
            prop_assert_eq!(&whole, &in_pieces(recording, &cuts));
            prop_assert_eq!(whole.is_ok(), read(recording).is_ok() || recording.is_empty());
            if let Ok((header, events)) = read(recording) {
                prop_assert_eq!(read(&written(&header, &events)).unwrap().0, header);
            }
        }
    }

    /// From any point of the index the rest is read as from the start.
    #[test]
    fn an_index_leads_into_the_middle((header, events) in recording(), at in 0..1800_u64) {
        let lines = written(&header, &events);
        let index = SeekIndex::build(&lines, Duration::from_secs(30)).unwrap();
        prop_assert_eq!(index.header(), &header);
        prop_assert_eq!(index.duration(), events.last().map_or(Duration::ZERO, |last| last.at));
        let at = Duration::from_secs(at);
        let point = index.point(at);
        prop_assert!(point.at <= at);
        let mut reader = Reader::resume(&header, point);
        reader.push(&lines[usize::try_from(point.line_offset).unwrap()..]);
        let mut rest = Vec::new();
        while let Some(Item::Event(event)) = reader.poll().unwrap() {
            rest.push(event);
        }
        let read_before = events.len() - rest.len();
        prop_assert_eq!(&rest[..], &events[read_before..]);
        let size = events[..read_before].iter().rev().find_map(|event| match event.event {
            Event::Resize(size) => Some(size),
            _ => None,
        });
        prop_assert_eq!(point.size, size.unwrap_or(header.size));
    }

    #[test]
    fn a_moment_shows_all_output_before_it((_, events) in recording(), at in 0..1800_u64) {
        let until = Duration::from_secs(at);
        let flat = flatten(&events, until);
        let output = |events: &[TimedEvent]| -> String {
            events.iter().filter(|e| e.at <= until).filter_map(|e| match &e.event { Event::Output(text) => Some(text.as_str()), _ => None }).collect()
        };
        prop_assert_eq!(output(&flat), output(&events));
        prop_assert!(flat.iter().all(|event| event.at <= until));
        let twice = flat.windows(2).any(|two| matches!((&two[0].event, &two[1].event), (Event::Output(_), Event::Output(_))));
        prop_assert!(!twice);
    }

    #[test]
    fn an_export_is_a_recording_without_input((header, events) in recording(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8)) {
        let lines = written(&header, &events);
        let safe = export(&lines).unwrap();
        let (safe_header, safe_events) = read(&safe).unwrap();
        prop_assert_eq!(safe_header.size, header.size);
        let title = safe_header.title.unwrap_or_default();
        prop_assert!(!title.chars().any(char::is_control));
        prop_assert!(!safe_events.iter().any(|event| matches!(event.event, Event::Input(_))));
        let kept = |events: &[TimedEvent]| -> Vec<TimedEvent> {
            events.iter().filter(|e| matches!(e.event, Event::Resize(_) | Event::Exit(_))).cloned().collect()
        };
        prop_assert_eq!(kept(&safe_events), kept(&events));
        let (mut exporter, mut pieces) = (Exporter::new(), Vec::new());
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(lines.len() + 1)).collect();
        at.extend([0, lines.len()]);
        at.sort_unstable();
        for piece in at.windows(2) {
            exporter.push(&lines[piece[0]..piece[1]], &mut pieces).unwrap();
        }
        exporter.finish(&mut pieces).unwrap();
        prop_assert_eq!(pieces, safe);
    }
}

#[test]
fn points_are_a_step_apart() {
    let events = timed((0..1000).map(|_| (1_000_000, Event::Output("x".to_owned()))).collect());
    let index = SeekIndex::build(&written(&Header::default(), &events), Duration::from_secs(10)).unwrap();
    for secs in [0, 9, 10, 505, 1000, 5000] {
        let behind = secs.min(1000) - index.point(Duration::from_secs(secs)).at.as_secs();
        assert!(behind < 10, "{secs}: {behind}");
    }
}

#[test]
fn times_do_not_go_back_and_do_not_drift() {
    let mut lines = Vec::new();
    let mut writer = Writer::new(&Header::default(), &mut lines);
    for step in 1..=1000_u64 {
        writer.output(Duration::from_nanos(step * 333_333), b"x", &mut lines);
    }
    writer.output(Duration::from_micros(7), b"y", &mut lines);
    let (_, events) = read(&lines).unwrap();
    assert_eq!(events[999].at, Duration::from_micros(333_333));
    assert_eq!(events[1000].at, Duration::from_micros(333_333));
}

#[test]
fn what_both_versions_say_of_an_end() {
    let mut header = Header::default();
    let end = [TimedEvent { at: Duration::from_secs(1), event: Event::Exit(7) }];
    assert!(written(&header, &end).ends_with(b"[1.000000, \"x\", \"7\"]\n"));
    header.version = Version::V2;
    assert!(written(&header, &end).ends_with(b"[1.000000, \"m\", \"exit 7\"]\n"));
}

#[test]
fn a_flood_stays_below_the_longest_line() {
    let mut lines = Vec::new();
    let mut writer = Writer::new(&Header::default(), &mut lines);
    writer.output(Duration::ZERO, &vec![0; 300_000], &mut lines);
    let longest = lines.split(|byte| *byte == b'\n').map(<[u8]>::len).max().unwrap();
    assert!(longest < LINE_BYTES_MAX / 2, "{longest}");
    let (_, events) = read(&lines).unwrap();
    assert_eq!(events.len(), 5);
}

#[test]
fn each_kind_of_damage_is_named_with_its_line() {
    const HEADER: &str = "{\"version\": 3, \"term\": {\"cols\": 80, \"rows\": 24}}\n";
    let error = |recording: &str| -> Error { read(recording.as_bytes()).unwrap_err() };
    for (recording, line, words) in [
        ("", 1, "there is none"),
        ("{\"version\": 1}\n", 1, "`version` 2 or 3"),
        ("{\"version\": 2, \"width\": 0, \"height\": 24}\n", 1, "size of the terminal"),
        ("# comment\n", 1, "one value of JSON"),
        (&format!("{HEADER}# fine\n\n[1, \"o\"]\n"), 4, "an array of a time"),
        (&format!("{HEADER}[-1, \"o\", \"\"]\n"), 2, "its time"),
        (&format!("{HEADER}[1e300, \"o\", \"\"]\n"), 2, "its time"),
        (&format!("{HEADER}[1, \"r\", \"80\"]\n"), 2, "its size"),
        (&format!("{HEADER}[1, \"x\", \"\"]\n"), 2, "exit status"),
        (&format!("{HEADER}[1, \"o\", \"a"), 2, "one value of JSON"),
        (&format!("{HEADER}[1, \"o\", \"{}\"]\n", "a".repeat(LINE_BYTES_MAX)), 2, "longer than 1 MiB"),
    ] {
        let error = error(recording);
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        let told = error.to_string();
        assert!(told.contains(&format!("line {line} ")) && told.contains(words), "{told}");
    }
    // Codes of the future are left out, and count for the time.
    let (_, events) = read(format!("{HEADER}[1, \"z\", \"?\"]\n[1, \"o\", \"a\"]").as_bytes()).unwrap();
    assert_eq!(events, [TimedEvent { at: Duration::from_secs(2), event: Event::Output("a".to_owned()) }]);
}

#[test]
fn reading_goes_on_after_a_bad_line() {
    let mut reader = Reader::new();
    reader.push(b"{\"version\": 2, \"width\": 9, \"height\": 9}\nnonsense\n[3, \"o\", \"a\"]\n");
    assert!(matches!(reader.poll(), Ok(Some(Item::Header(_)))));
    assert!(reader.poll().is_err());
    assert!(matches!(reader.poll(), Ok(Some(Item::Event(_)))));
    for _ in 0..3 {
        reader.push(&vec![b'x'; LINE_BYTES_MAX]);
        // The line is told once, and then skipped to its end.
        let _told = reader.poll();
    }
    reader.push(b"\n[4, \"o\", \"b\"]\n");
    assert!(matches!(reader.poll(), Ok(Some(Item::Event(event))) if event.at == Duration::from_secs(4)));
}
