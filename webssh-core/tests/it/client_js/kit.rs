//! Node.js with a WebSocket, a terminal and a clock that only do what a test says, and frames in both directions.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use bytes::Bytes;
use webssh_core::frame::{Caps, ClientFrame, DataChunk, Role, ServerFrame, VERSION, Welcome};
use webssh_core::{ResumeToken, WinSize};

const CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/client/webssh.js");

/// Fakes first, then the client. `serve` delivers a frame, `cut` ends the connection, `pass` lets time go by, `start`
/// connects.
const PRELUDE: &str = r#"
const notes = [];
let socket, term, dials = 0, clock = 0, nextTimer = 1, session;
const timers = new Map(), heard = {};
Date.now = () => clock;
globalThis.setTimeout = (act, ms) => { timers.set(nextTimer, { at: clock + ms, act }); return nextTimer++; };
globalThis.setInterval = (act, ms) => { timers.set(nextTimer, { at: clock + ms, act, every: ms }); return nextTimer++; };
globalThis.clearTimeout = globalThis.clearInterval = (id) => timers.delete(id);
globalThis.addEventListener = (name, act) => { heard[name] = act; };
globalThis.removeEventListener = (name) => { delete heard[name]; };
const settle = async () => { for (let turn = 0; turn < 20; turn += 1) await Promise.resolve(); };
const pass = async (ms) => {
  const end = clock + ms;
  for (;;) {
    const due = [...timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
    if (due === undefined) break;
    const [id, timer] = due;
    clock = timer.at;
    if (timer.every === undefined) timers.delete(id); else timer.at += timer.every;
    timer.act();
    await settle();
  }
  clock = end;
};
globalThis.WebSocket = class {
  static OPEN = 1;
  readyState = 1;
  constructor() { socket = this; dials += 1; notes.push("dialled"); }
  send(buffer) { notes.push("sent " + Buffer.from(buffer).toString("hex")); }
  close() { this.readyState = 3; notes.push("socket closed"); }
};
const listen = (name) => (act) => { term["fire" + name] = act; return { dispose() { term["fire" + name] = () => {}; } }; };
term = { cols: 100, rows: 30, held: null, onData: listen("Data"), onBinary: listen("Binary"), onResize: listen("Resize"),
  resize(cols, rows) { notes.push(`resized ${cols}x${rows}`); },
  write(data, done = () => {}) {
    notes.push(typeof data === "string" ? "wrote " + JSON.stringify(data) : "wrote " + data.length);
    if (term.held === null) done(); else term.held.push(done);
  } };
const serve = (hex) => socket.onmessage({ data: Uint8Array.from(Buffer.from(hex, "hex")).buffer });
const cut = () => socket.onclose();
const { connect } = await import(CLIENT_URL);
const start = async (options) => {
  session = connect({ url: "wss://example.org/", term, onState: (s) => notes.push("state " + JSON.stringify(s)), ...options });
  await settle();
};
"#;

/// Connects without a ticket, runs the steps and gives back the notes.
pub(super) fn run(steps: &str) -> Vec<String> {
    run_with("{}", steps)
}

/// The same with these options.
pub(super) fn run_with(options: &str, steps: &str) -> Vec<String> {
    let script = format!(
        "const CLIENT_URL = new URL('file://{CLIENT}').href;{PRELUDE}await start({options});\n{steps}\n\
         await settle();\nconsole.log(notes.join('\\n'));"
    );
    let mut node = Command::new("node")
        .args(["--input-type=module", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("node runs: install Node.js 20 or newer");
    node.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let done = node.wait_with_output().unwrap();
    assert!(done.status.success(), "{}\n{script}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// The step in which the server says `frame`.
pub(super) fn serve(frame: &ServerFrame) -> String {
    let hex = frame.encode().iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    });
    format!("serve('{hex}');\n")
}

pub(super) const TOKEN: [u8; 32] = [7; 32];

pub(super) fn welcome_frame() -> Welcome {
    Welcome {
        version: VERSION,
        caps: Caps::ALL,
        role: Role::Owner,
        token: ResumeToken::from_bytes(TOKEN),
        output_from: 0,
        input_received: 0,
        input_bytes_max: 64 << 10,
        unacked_bytes_max: 128 << 10,
        idle_secs_max: 60,
        absolute_secs_max: 600,
        detached_secs_max: 300,
        size: WinSize::default(),
    }
}

/// The steps in which the connection opens and is welcomed.
pub(super) fn welcome(welcome: Welcome) -> String {
    format!("socket.onopen();\n{}", serve(&ServerFrame::Welcome(welcome)))
}

/// The same for a new session.
pub(super) fn opened() -> String {
    welcome(welcome_frame())
}

pub(super) fn data(seq: u64, len: usize) -> String {
    let bytes = DataChunk::split_from(&mut Bytes::from(vec![b'x'; len])).unwrap();
    serve(&ServerFrame::Data { seq, bytes })
}

pub(super) fn input_ack(seq: u64) -> String {
    serve(&ServerFrame::InputAck { seq })
}

/// The frames among the notes, decoded by the server's own reader.
pub(super) fn sent(notes: &[String]) -> Vec<ClientFrame> {
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    let frames = notes.iter().filter_map(|note| note.strip_prefix("sent "));
    frames
        .map(|hex| {
            let bytes: Vec<u8> = hex.as_bytes().chunks(2).map(byte).collect();
            ClientFrame::decode(&bytes).unwrap()
        })
        .collect()
}

/// What was typed: number and bytes of each frame.
pub(super) fn inputs(notes: &[String]) -> Vec<(u64, Vec<u8>)> {
    let input = |frame| match frame {
        ClientFrame::Input { seq, bytes } => Some((seq, bytes.to_vec())),
        _ => None,
    };
    sent(notes).into_iter().filter_map(input).collect()
}

pub(super) fn acks(notes: &[String]) -> Vec<u64> {
    let ack = |frame| match frame {
        ClientFrame::Ack { consumed } => Some(consumed),
        _ => None,
    };
    sent(notes).into_iter().filter_map(ack).collect()
}

/// The states that the page was told of.
pub(super) fn states(notes: &[String]) -> Vec<serde_json::Value> {
    let states = notes.iter().filter_map(|note| note.strip_prefix("state "));
    states.map(|state| serde_json::from_str(state).unwrap()).collect()
}

/// What follows the note `mark`.
pub(super) fn after<'a>(notes: &'a [String], mark: &str) -> &'a [String] {
    let at = notes.iter().position(|note| note == mark).unwrap_or_else(|| panic!("no `{mark}` in {notes:?}"));
    &notes[at + 1..]
}
