//! The JavaScript client, run by Node.js with a WebSocket and a terminal that only take notes.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use bytes::Bytes;
use webssh_core::WinSize;
use webssh_core::frame::{
    Caps, ClientFrame, DataChunk, Failure, FailureCode, Hello, ServerFrame, VERSION, Welcome,
};

const CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/demo/assets/webssh.js");

/// Fakes first, then the client, then the steps: `serve` delivers a frame, `type` types.
const PRELUDE: &str = r#"
const notes = [];
let socket, term;
globalThis.WebSocket = class {
  static OPEN = 1;
  readyState = 1;
  constructor() { socket = this; }
  send(buffer) { notes.push("sent " + Buffer.from(buffer).toString("hex")); }
  close() { this.readyState = 3; notes.push("socket closed"); }
};
const listen = (name) => (f) => { term["fire" + name] = f; return { dispose() { term["fire" + name] = () => {}; } }; };
term = { cols: 100, rows: 30, onData: listen("Data"), onBinary: listen("Binary"), onResize: listen("Resize"),
  write(data, done) { notes.push("wrote " + data.length); done(); } };
const serve = (hex) => socket.onmessage({ data: Uint8Array.from(Buffer.from(hex, "hex")).buffer });
const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const { connect } = await import(CLIENT_URL);
const session = connect({ url: "wss://example.org/", term, onState: (s) => notes.push("state " + JSON.stringify(s)) });
"#;

/// Runs the steps and gives back the notes.
fn run(steps: &str) -> Vec<String> {
    let script = format!(
        "const CLIENT_URL = new URL('file://{CLIENT}').href;{PRELUDE}{steps}\nconsole.log(notes.join('\\n'));"
    );
    let mut node = Command::new("node")
        .args(["--input-type=module", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node runs: install Node.js 20 or newer");
    node.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let done = node.wait_with_output().unwrap();
    assert!(done.status.success(), "{done:?}");
    String::from_utf8(done.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn serve(frame: &ServerFrame) -> String {
    let hex = frame.encode().iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    });
    format!("serve('{hex}');\n")
}

fn welcome(input_bytes_max: u32) -> String {
    let (unacked_bytes_max, idle_secs_max, absolute_secs_max) = (128 << 10, 60, 600);
    let caps = Caps::NONE;
    let welcome = Welcome {
        version: VERSION,
        caps,
        input_bytes_max,
        unacked_bytes_max,
        idle_secs_max,
        absolute_secs_max,
    };
    format!("socket.onopen();\n{}", serve(&ServerFrame::Welcome(welcome)))
}

fn data(seq: u64, len: usize) -> String {
    let bytes = DataChunk::split_from(&mut Bytes::from(vec![b'x'; len])).unwrap();
    serve(&ServerFrame::Data { seq, bytes })
}

/// The frames among the notes, decoded by the server's own reader.
fn sent(notes: &[String]) -> Vec<ClientFrame> {
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    let frames = notes.iter().filter_map(|note| note.strip_prefix("sent "));
    frames
        .map(|hex| {
            let bytes: Vec<u8> = hex.as_bytes().chunks(2).map(byte).collect();
            ClientFrame::decode(&bytes).unwrap()
        })
        .collect()
}

fn inputs(notes: &[String]) -> Vec<(u64, Vec<u8>)> {
    let input = |frame| match frame {
        ClientFrame::Input { seq, bytes } => Some((seq, bytes.to_vec())),
        _ => None,
    };
    sent(notes).into_iter().filter_map(input).collect()
}

#[test]
fn the_client_speaks_the_wire() {
    if testkit::skipped("node") {
        return;
    }
    let steps = [
        welcome(64 << 10),
        "term.fireResize({ cols: 4000, rows: 0 }); term.fireData('hé'); term.fireBinary('\\u00ff');\n"
            .to_owned(),
        serve(&ServerFrame::Ping { stamp: 77 }),
        serve(&ServerFrame::Exit { status: 3 }),
        "term.fireData('late'); socket.onclose();".to_owned(),
    ];
    let notes = run(&steps.concat());
    let size = WinSize::new(100, 30).unwrap();
    let frames = sent(&notes);
    assert_eq!(frames[0], ClientFrame::Hello(Hello { version: VERSION, caps: Caps::NONE, size }));
    assert_eq!(
        frames[1..3],
        [ClientFrame::Resize(size), ClientFrame::Resize(WinSize::new(1000, 1).unwrap())]
    );
    assert_eq!(inputs(&notes), [(0, "hé".as_bytes().to_vec()), (3, vec![0xff])]);
    assert_eq!(frames.last(), Some(&ClientFrame::Pong { stamp: 77 }));
    let states: Vec<&str> = notes.iter().filter_map(|note| note.strip_prefix("state ")).collect();
    assert_eq!(states[..2], [r#"{"name":"connecting"}"#, r#"{"name":"open"}"#]);
    assert_eq!(states[2..], [r#"{"name":"closed","reason":"exit","status":3,"text":"the shell ended"}"#]);
    assert_eq!(notes.last().unwrap().split(' ').next(), Some("state"), "closed once, and nothing after it");
}

#[test]
fn consumed_output_is_acknowledged_soon_or_by_16_kib() {
    if testkit::skipped("node") {
        return;
    }
    let steps = [
        welcome(64 << 10),
        data(0, 20_000),
        data(20_000, 10),
        "notes.push('before the timer'); while (!notes.at(-1).startsWith('sent')) await later(10);"
            .to_owned(),
    ];
    let notes = run(&steps.concat());
    let acks: Vec<ClientFrame> =
        sent(&notes).into_iter().filter(|frame| matches!(frame, ClientFrame::Ack { .. })).collect();
    assert_eq!(acks, [ClientFrame::Ack { consumed: 20_000 }, ClientFrame::Ack { consumed: 20_010 }]);
    let quiet = notes.iter().position(|note| note == "before the timer").unwrap();
    assert_eq!(sent(&notes[quiet..]), [ClientFrame::Ack { consumed: 20_010 }]);
}

#[test]
fn a_paste_waits_for_the_window() {
    if testkit::skipped("node") {
        return;
    }
    let steps = [
        welcome(32 << 10),
        "term.fireData('p'.repeat(50000)); notes.push('waiting');\n".to_owned(),
        serve(&ServerFrame::InputAck { seq: 16_384 }),
        serve(&ServerFrame::InputAck { seq: 32_768 }),
    ];
    let notes = run(&steps.concat());
    let lens =
        |notes: &[String]| inputs(notes).iter().map(|(seq, bytes)| (*seq, bytes.len())).collect::<Vec<_>>();
    let waiting = notes.iter().position(|note| note == "waiting").unwrap();
    assert_eq!(lens(&notes[..waiting]), [(0, 16_384), (16_384, 16_384)]);
    assert_eq!(lens(&notes[waiting..]), [(32_768, 16_384), (49_152, 848)]);
}

#[test]
fn a_server_that_breaks_the_protocol_is_left() {
    if testkit::skipped("node") {
        return;
    }
    let refused = ServerFrame::Failure(Failure::new(FailureCode::Login));
    for (steps, reason) in [
        (data(0, 1), "protocol"),
        (welcome(65_536) + &data(5, 1), "protocol"),
        (welcome(65_536) + "serve('8200');", "protocol"),
        (welcome(65_536) + "serve('99');", "protocol"),
        (welcome(65_536) + "socket.onmessage({ data: 'text' });", "protocol"),
        (welcome(65_536) + &serve(&ServerFrame::InputAck { seq: 1 }), "protocol"),
        (serve(&refused), r#"failure","code":10"#),
        ("socket.onclose();".to_owned(), "lost"),
        (welcome(65_536) + "session.close();", "left"),
    ] {
        let notes = run(&steps);
        let last = notes.last().unwrap();
        assert!(last.starts_with(r#"state {"name":"closed""#) && last.contains(reason), "{steps}: {notes:?}");
    }
}
