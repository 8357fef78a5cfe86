//! The pages of others: their messages in, their messages out, and a bridge in between.

mod world;

use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use webssh_core::frame::{ClientFrame, Failure, FailureCode, Hello, Opening, Role, ServerFrame, TicketText};
use webssh_core::preset::{Form, MESSAGE_BYTES_MAX, Message, Preset, Reply};
use webssh_core::{Admission, ChannelEnd, ErrorKind, LimitsConfig, ResumeToken, TargetPolicy, WinSize};

use world::World;

const HELLO: &str = r#"{"AuthToken":"","columns":100,"rows":30}"#;

fn binary(bytes: impl AsRef<[u8]>) -> Message {
    Message::Binary(Bytes::copy_from_slice(bytes.as_ref()))
}

fn text(text: &str) -> Message {
    Message::Text(text.to_owned())
}

fn size(cols: u16, rows: u16) -> WinSize {
    WinSize::new(cols, rows).unwrap()
}

#[test]
fn ttyd_is_greeted_with_a_title_and_settings() {
    let mut world = World::new(Preset::ttyd("a title").settings(r#"{"fontSize":14}"#).unwrap());
    world.say(&binary("0too early"));
    world.say(&binary("{not json"));
    assert!(world.sent.is_empty() && world.id.is_none());
    world.say(&binary(HELLO));
    world.say(&binary(HELLO));
    assert_eq!(world.sent, [binary("1a title"), binary(r#"2{"fontSize":14}"#)]);
    assert_eq!(world.sizes, [size(100, 30)]);
    assert!(world.typed.is_empty());
    assert_eq!(Preset::ttyd("").settings("[]").unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(Preset::huashengdun(Opening::Plain).settings("{}").unwrap_err().kind(), ErrorKind::Misuse);
}

#[test]
fn the_token_of_ttyd_is_a_ticket() {
    let opening = |token: &str| {
        let mut preset = Preset::ttyd("");
        preset.on_message(&text(&format!(r#"{{"AuthToken":"{token}"}}"#))).unwrap();
        match ClientFrame::decode(&preset.poll_frame().unwrap()).unwrap() {
            ClientFrame::Hello(Hello { opening, .. }) => opening,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(opening(""), Opening::Plain);
    assert_eq!(opening("abc_-"), Opening::Ticket(TicketText::new("abc_-").unwrap()));
    // One that can be no ticket is not taken for none.
    assert!(matches!(opening("two words"), Opening::Ticket(_)));
}

#[test]
fn ttyd_types_resizes_and_ends() {
    let mut world = World::ttyd();
    world.say(&binary("0ls"));
    world.say(&text("0\r"));
    world.say(&binary(b"0\xff\x00"));
    world.say(&binary("0"));
    assert_eq!(world.typed, b"ls\r\xff\x00");
    world.say(&binary(r#"1{"columns":5000,"rows":0}"#));
    world.say(&binary(r#"1{"columns":"x"}"#));
    world.say(&binary("9?"));
    assert_eq!(world.sizes, [size(1000, 1)]);
    world.output("hä".as_bytes());
    assert_eq!(world.sent, [binary("0hä")]);
    world.bridge.on_channel_closed(Duration::ZERO, ChannelEnd::Exited { status: 3 });
    world.settle();
    assert_eq!(world.sent.back(), Some(&Message::Close { code: 1011, reason: String::new() }));
}

#[test]
fn a_pause_of_ttyd_holds_output_back() {
    let mut world = World::ttyd();
    let unacked_bytes_max = LimitsConfig::default().unacked_bytes_max;
    world.say(&binary("2"));
    let mut given = 0;
    while world.bridge.wants_channel_read() {
        world.output(&[b'x'; 4096]);
        given += 4096;
    }
    let held = u32::try_from(world.shown().len()).unwrap();
    assert!(held <= unacked_bytes_max && held >= 64 * 1024, "{held} bytes came after the pause");
    // Keys and sizes go through meanwhile.
    world.say(&binary("0\x03"));
    assert_eq!(world.typed, b"\x03");
    world.say(&binary("3"));
    assert_eq!(world.shown().len(), given);
    assert!(world.bridge.wants_channel_read());
}

#[test]
fn a_paste_waits_for_the_window() {
    let mut world = World::ttyd();
    world.takes = false;
    let paste: Vec<u8> = (0..300_000_u32).map(|n| b'a' + u8::try_from(n % 26).unwrap()).collect();
    world.say(&binary([b"0", paste.as_slice()].concat()));
    world.say(&binary("0!"));
    assert!(world.typed.is_empty());
    world.takes = true;
    world.settle();
    assert_eq!(world.typed, [paste.as_slice(), b"!"].concat());
    // There is an end to what waits.
    world.takes = false;
    let much = binary(vec![b'0'; MESSAGE_BYTES_MAX + 1]);
    world.say(&much);
    let error = (0..3).find_map(|_| world.preset.on_message(&much).err()).unwrap();
    assert_eq!(error.kind(), ErrorKind::PeerMisbehaved);
}

#[test]
fn an_observer_watches() {
    let mut world = World::new(Preset::ttyd(""));
    world.role = Role::Observer;
    world.bridge.attach(Duration::ZERO, &Hello::plain(size(9, 9)), Role::Owner, &ResumeToken::none());
    world.say(&binary(HELLO));
    world.sent.clear();
    world.say(&binary("0rm -rf"));
    world.say(&binary(r#"1{"columns":5,"rows":5}"#));
    for _ in 0..4 {
        world.say(&binary(vec![b'0'; MESSAGE_BYTES_MAX]));
    }
    world.output(b"seen");
    assert_eq!(world.shown(), b"seen");
    assert!(world.typed.is_empty() && world.id.is_some());
}

#[test]
fn failures_are_told() {
    let told = |mut preset: Preset, failure: &Failure| {
        preset.on_frame(&ServerFrame::Failure(failure.clone()).encode()).unwrap();
        std::iter::from_fn(|| preset.poll_message()).collect::<Vec<_>>()
    };
    let failure = Failure::with_text(FailureCode::Login, "no\u{1b}[2J entry");
    let close = Message::Close { code: 1000, reason: "no[2J entry".to_owned() };
    assert_eq!(told(Preset::huashengdun(Opening::Plain), &failure), std::slice::from_ref(&close));
    assert_eq!(told(Preset::ttyd(""), &failure), [binary("0\r\n\x1b[31mno[2J entry\x1b[0m\r\n"), close]);
    let long = Failure::with_text(FailureCode::Login, &"é".repeat(200));
    let messages = told(Preset::huashengdun(Opening::Plain), &long);
    assert!(matches!(&messages[0], Message::Close { reason, .. } if reason.len() == 122));
    let mut preset = Preset::ttyd("");
    assert_eq!(preset.on_frame(b"\x01").unwrap_err().kind(), ErrorKind::Misuse);
}

#[test]
fn output_that_is_gone_resets_the_terminal() {
    let mut preset = Preset::huashengdun(Opening::Plain);
    preset.on_frame(&ServerFrame::Gap { from: 0, to: 70 }.encode()).unwrap();
    assert_eq!(preset.poll_message(), Some(binary("\x1bc")));
    assert!(matches!(ClientFrame::decode(&preset.poll_frame().unwrap()), Ok(ClientFrame::Hello(_))));
    let ack = ClientFrame::decode(&preset.poll_frame().unwrap());
    assert_eq!(ack, Ok(ClientFrame::Ack { consumed: 70 }));
}

#[test]
fn huashengdun_speaks_json() {
    let mut world = World::new(Preset::huashengdun(Opening::Plain));
    world.settle();
    world.say(&text(r#"{"resize":[120,40]}"#));
    world.say(&text(r#"{"data":"é\u0003\r"}"#));
    for nothing in ["", "7", "[]", r#"{"data":7}"#, r#"{"resize":[1]}"#, r#"{"resize":["a","b"]}"#, "{"] {
        world.say(&text(nothing));
    }
    world.say(&binary(r#"{"data":"binary"}"#));
    assert_eq!((world.typed.as_slice(), world.sizes.last()), ("é\u{3}\r".as_bytes(), Some(&size(120, 40))));
    world.output(b"0plain");
    assert_eq!(world.sent, [binary("0plain")]);
    world.bridge.on_channel_closed(Duration::ZERO, ChannelEnd::Exited { status: 0 });
    world.settle();
    assert!(
        matches!(world.sent.back(), Some(Message::Close { code: 1000, reason }) if reason.contains("status 0"))
    );
}

#[test]
fn the_heartbeat_goes_through() {
    let mut preset = Preset::ttyd("");
    preset.on_frame(&ServerFrame::Ping { stamp: 77, rtt_ms: 1 }.encode()).unwrap();
    let Some(Message::Ping(stamp)) = preset.poll_message() else { panic!("no ping") };
    assert_eq!(preset.poll_frame(), None, "nobody answers for the browser");
    preset.on_message(&Message::Pong(stamp)).unwrap();
    assert_eq!(ClientFrame::decode(&preset.poll_frame().unwrap()), Ok(ClientFrame::Pong { stamp: 77 }));
    preset.on_message(&Message::Pong(Bytes::from_static(b"odd"))).unwrap();
    assert_eq!(preset.poll_frame(), None);
}

#[test]
fn the_form_becomes_a_login() {
    let policy = TargetPolicy::new(["lab.example:2222", "lab.example:22"]).unwrap();
    let key = b"-----BEGIN OPENSSH PRIVATE KEY-----\nx\n-----END OPENSSH PRIVATE KEY-----\n";
    let all: [(&str, &[u8]); 10] = [
        ("hostname", b" lab.example "),
        ("port", b"2222"),
        ("username", b"alice"),
        ("password", b"hunter2"),
        ("privatekey", key),
        ("passphrase", b"open"),
        ("totp", b"123456"),
        ("term", b"xterm-256color"),
        ("_xsrf", b"whatever"),
        ("password", b"hunter3"),
    ];
    let form = Form::from_fields(all).unwrap();
    let Admission::Allowed(target) = form.admit(&policy).unwrap() else { panic!("listed") };
    assert_eq!((target.to_string().as_str(), form.term()), ("alice@lab.example:2222", "xterm-256color"));
    let login = form.login().unwrap();
    let methods: Vec<_> = login.methods().iter().map(webssh_core::Credentials::method).collect();
    assert_eq!(methods, ["publickey", "password", "keyboard-interactive"]);
    assert!(!format!("{form:?}").contains("hunter"));

    let least: [(&str, &[u8]); 4] =
        [("hostname", b"lab.example"), ("username", b"a"), ("port", b""), ("totp", b"")];
    let form = Form::from_fields(least).unwrap();
    assert!(matches!(form.admit(&policy).unwrap(), Admission::Allowed(target) if target.port() == 22));
    assert!(form.login().unwrap().methods().is_empty());
    for bad in
        [("username", &b""[..]), ("port", b"70000"), ("hostname", b"\xff"), ("password", &[b'x'; 20_000])]
    {
        let fields: Vec<_> = least.into_iter().chain([bad]).collect();
        assert_eq!(Form::from_fields(fields).unwrap_err().kind(), ErrorKind::InvalidInput, "{}", bad.0);
    }
    assert_eq!(Reply::refuse("a \"no\"").to_json(), r#"{"encoding":"utf-8","id":null,"status":"a \"no\""}"#);
}

#[cfg(feature = "pump")]
#[tokio::test]
async fn the_form_answers_prompts() {
    use webssh_core::{Dialogue as _, Prompts};

    let fields: [(&str, &[u8]); 4] =
        [("hostname", b"a"), ("username", b"a"), ("password", b"p"), ("totp", b"123456")];
    let form = Form::from_fields(fields).unwrap();
    let ask = async |prompts: &[&str]| {
        let prompts = Prompts::new("", "", prompts.iter().map(|prompt| (prompt, false))).unwrap();
        form.dialogue().ask(&prompts).await.map(|answers| answers.len())
    };
    assert_eq!(ask(&["Password: ", "Verification code: "]).await, Some(2));
    assert_eq!(ask(&[]).await, Some(0));
    assert_eq!(ask(&["Favourite colour: "]).await, None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever a page sends, the bridge never calls it a breach of the wire, and no byte is lost or repeated.
    #[test]
    fn any_messages_and_any_output_go_through(
        ttyd in any::<bool>(),
        steps in prop::collection::vec((0_u8..8, prop::collection::vec(any::<u8>(), 0..600), any::<bool>()), 0..60),
    ) {
        let (mut world, prefix) = if ttyd {
            (World::ttyd(), b"0".to_vec())
        } else {
            let mut world = World::new(Preset::huashengdun(Opening::Plain));
            world.settle();
            (world, Vec::new())
        };
        let (mut typed, mut output) = (Vec::new(), Vec::new());
        for (step, bytes, flag) in steps {
            match step {
                0 | 1 if ttyd => {
                    typed.extend_from_slice(&bytes);
                    world.say(&binary([prefix.as_slice(), &bytes].concat()));
                }
                0 | 1 => {
                    let keys = String::from_utf8_lossy(&bytes);
                    typed.extend_from_slice(keys.as_bytes());
                    world.say(&text(&serde_json::json!({ "data": keys }).to_string()));
                }
                2 => world.say(&binary(if flag { "2" } else { "3" })),
                3 => world.takes = flag,
                4 => world.say(&binary([b"1", bytes.as_slice()].concat())),
                5 => world.say(&text(&format!("{{{}", String::from_utf8_lossy(&bytes)))),
                _ if world.bridge.wants_channel_read() => {
                    let ascii: Vec<u8> = bytes.iter().map(|byte| byte & 0x7f).collect();
                    output.extend_from_slice(&ascii);
                    world.output(&ascii);
                }
                _ => {}
            }
        }
        world.takes = true;
        world.say(&binary("3"));
        prop_assert_eq!(&world.typed, &typed);
        let shown: Vec<u8> = world.sent.iter().flat_map(|message| match message {
            Message::Binary(bytes) => bytes.strip_prefix(prefix.as_slice()).unwrap().to_vec(),
            other => panic!("{other:?}"),
        }).collect();
        prop_assert_eq!(&shown, &output);
    }
}
