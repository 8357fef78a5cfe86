//! The JavaScript client, run by Node.js with a WebSocket, a terminal and a clock that are not real.

mod kit;
mod resume;

use webssh_core::WinSize;
use webssh_core::frame::{
    Caps, ClientFrame, Failure, FailureCode, Hello, HostKeyFrame, Opening, PromptField, PromptFrame, Role,
    ServerFrame, TicketText, VERSION,
};

use kit::{
    acks, after, data, input_ack, inputs, opened, run, run_with, sent, serve, states, welcome, welcome_frame,
};

fn no_node() -> bool {
    testkit::skipped("node")
}

#[test]
fn the_client_speaks_the_wire() {
    if no_node() {
        return;
    }
    let steps = [
        opened(),
        "term.fireResize({ cols: 4000, rows: 0 }); term.fireData('hé'); term.fireBinary('\\u00ff');\n"
            .to_owned(),
        serve(&ServerFrame::Ping { stamp: u64::MAX - 1, rtt_ms: 1 }),
        serve(&ServerFrame::Exit { status: 3 }),
        "term.fireData('late'); socket.onclose();".to_owned(),
    ];
    let notes = run(&steps.concat());
    let size = WinSize::new(100, 30).unwrap();
    let frames = sent(&notes);
    assert_eq!(
        frames[0],
        ClientFrame::Hello(Hello { version: VERSION, caps: Caps::ALL, size, opening: Opening::Plain })
    );
    assert_eq!(
        frames[1..3],
        [ClientFrame::Resize(size), ClientFrame::Resize(WinSize::new(1000, 1).unwrap())]
    );
    assert_eq!(inputs(&notes), [(0, "hé".as_bytes().to_vec()), (3, vec![0xff])]);
    assert_eq!(frames.last(), Some(&ClientFrame::Pong { stamp: u64::MAX - 1 }));
    let states = states(&notes);
    assert_eq!(states[0]["name"], "connecting");
    assert_eq!((&states[1]["name"], &states[1]["role"]), (&"open".into(), &"owner".into()));
    assert_eq!(states[2]["status"], 3);
    assert_eq!(states.len(), 3, "closed once, and nothing after it");
}

#[test]
fn consumed_output_is_acknowledged_soon_or_by_16_kib() {
    if no_node() {
        return;
    }
    let steps =
        [opened(), data(0, 20_000), data(20_000, 10), "notes.push('later'); await pass(50);".to_owned()];
    let notes = run(&steps.concat());
    assert_eq!(acks(&notes), [20_000, 20_010]);
    assert_eq!(acks(after(&notes, "later")), [20_010]);
}

#[test]
fn a_paste_waits_for_the_window() {
    if no_node() {
        return;
    }
    let mut small = welcome_frame();
    small.input_bytes_max = 32 << 10;
    let steps = [
        welcome(small),
        "term.fireData('p'.repeat(50000)); notes.push('waiting');\n".to_owned(),
        input_ack(16_384),
        input_ack(32_768),
    ];
    let notes = run(&steps.concat());
    let all: Vec<_> = inputs(&notes).iter().map(|(seq, bytes)| (*seq, bytes.len())).collect();
    assert_eq!(all, [(0, 16_384), (16_384, 16_384), (32_768, 16_384), (49_152, 848)]);
    assert_eq!(inputs(after(&notes, "waiting")).len(), 2);
}

#[test]
fn a_server_that_breaks_the_protocol_is_left() {
    if no_node() {
        return;
    }
    let refused = ServerFrame::Failure(Failure::new(FailureCode::Login));
    let plus = |more: &str| opened() + more;
    for (steps, reason) in [
        (data(0, 1), "protocol"),
        (plus(&data(5, 1)), "protocol"),
        (plus("serve('8200');"), "protocol"),
        (plus("serve('99');"), "protocol"),
        (plus("socket.onmessage({ data: 'text' });"), "protocol"),
        (plus(&input_ack(1)), "protocol"),
        (plus(&serve(&ServerFrame::Gap { from: 1, to: 2 })), "protocol"),
        (serve(&refused), "failure"),
        ("cut();".to_owned(), "lost"),
        (plus("session.detach();"), "left"),
    ] {
        let notes = run(&steps);
        let last = states(&notes).pop().unwrap();
        assert_eq!(
            (&last["name"], &last["reason"]),
            (&"closed".into(), &reason.into()),
            "{steps}: {notes:?}"
        );
    }
}

#[test]
fn leaving_ends_the_session_and_detaching_does_not() {
    if no_node() {
        return;
    }
    let left = |notes: &[String]| sent(notes).contains(&ClientFrame::Leave);
    assert!(left(&run(&(opened() + "session.close();"))));
    assert!(!left(&run(&(opened() + "session.detach();"))));
    let mut observer = welcome_frame();
    observer.role = Role::Observer;
    assert!(!left(&run(&(welcome(observer) + "session.close();"))), "an observer may not end it");
}

#[test]
fn questions_of_a_login_are_answered() {
    if no_node() {
        return;
    }
    let fields = vec![PromptField::new("Password: ", false), PromptField::new("Code: ", true)];
    let prompt = serve(&ServerFrame::Prompt(PromptFrame::new(9, "sshd", "Who are you?", fields).unwrap()));
    let asked = run_with(
        "{ onPrompt: async (q) => { notes.push('asked ' + JSON.stringify(q)); return ['sécret', '']; } }",
        &format!("socket.onopen();\n{prompt}await settle();"),
    );
    let question = r#"asked {"name":"sshd","instruction":"Who are you?","prompts":[{"echo":false,"text":"Password: "},{"echo":true,"text":"Code: "}]}"#;
    assert!(asked.iter().any(|note| note == question), "{asked:?}");
    let Some(ClientFrame::Answer(answer)) = sent(&asked).pop() else { panic!("{asked:?}") };
    assert_eq!((answer.id(), answer.into_secrets().len()), (9, 2));

    // Who gives no answer, or a wrong number of them, or one that is too long, leaves.
    for answers in ["null", "['one']", "['x'.repeat(5000), '']"] {
        let notes = run_with(
            &format!("{{ onPrompt: async () => {answers} }}"),
            &format!("socket.onopen();\n{prompt}await settle();"),
        );
        assert_eq!(sent(&notes).pop(), Some(ClientFrame::Leave), "{answers}: {notes:?}");
        assert_eq!(states(&notes).pop().unwrap()["reason"], "left");
    }
}

#[test]
fn an_unknown_host_is_asked_about() {
    if no_node() {
        return;
    }
    let question = serve(&ServerFrame::HostKey(HostKeyFrame::new(4, "db1", "ssh-ed25519", "SHA256:abc")));
    for (answer, accept) in [("true", true), ("false", false), ("'yes'", false)] {
        let options = format!(
            "{{ onHostKey: async (q) => {{ notes.push('asked ' + q.fingerprint); return {answer}; }} }}"
        );
        let notes = run_with(&options, &format!("socket.onopen();\n{question}await settle();"));
        assert!(notes.iter().any(|note| note == "asked SHA256:abc"), "{notes:?}");
        assert_eq!(sent(&notes).pop(), Some(ClientFrame::HostAnswer { id: 4, accept }));
    }
    // An answer that comes after its connection is gone does not go to the next one.
    let stale = serve(&ServerFrame::Failure(Failure::new(FailureCode::Ticket)));
    let late = run_with(
        "{ ticket: async () => 'ticket', onHostKey: () => new Promise((resolve) => { globalThis.answer = resolve; }) }",
        &format!(
            "socket.onopen();\n{question}{stale}await settle();\nsocket.onopen(); answer(true); await settle();"
        ),
    );
    assert_eq!(late.iter().filter(|note| *note == "dialled").count(), 2, "{late:?}");
    assert!(!sent(&late).iter().any(|frame| matches!(frame, ClientFrame::HostAnswer { .. })), "{late:?}");
}

#[test]
fn watchers_are_counted_and_observers_follow_the_size() {
    if no_node() {
        return;
    }
    let watched = run_with(
        "{ onWatchers: (n) => notes.push('watchers ' + n) }",
        &(opened() + &serve(&ServerFrame::Watchers { count: 2 })),
    );
    assert_eq!(watched.last().unwrap(), "watchers 2");

    let mut observer = welcome_frame();
    (observer.role, observer.size) = (Role::Observer, WinSize::new(90, 20).unwrap());
    let steps = [
        welcome(observer),
        "session.send('no'); term.fireData?.('no'); term.fireResize?.({ cols: 1, rows: 1 });\n".to_owned(),
        serve(&ServerFrame::Resized(WinSize::new(70, 10).unwrap())),
    ];
    let notes = run(&steps.concat());
    let sizes: Vec<&String> = notes.iter().filter(|note| note.starts_with("resized")).collect();
    assert_eq!(sizes, ["resized 90x20", "resized 70x10"]);
    assert_eq!(sent(&notes).len(), 1, "the hello alone: {notes:?}");
}

#[test]
fn a_ticket_is_shown_and_a_stale_one_is_replaced_once() {
    if no_node() {
        return;
    }
    let stale = serve(&ServerFrame::Failure(Failure::new(FailureCode::Ticket)));
    let steps = format!("socket.onopen();\n{stale}await settle();\nsocket.onopen();\n{stale}await settle();");
    let notes = run_with("{ ticket: async () => 'ticket-' + dials }", &steps);
    let openings: Vec<Opening> = sent(&notes)
        .into_iter()
        .filter_map(|frame| match frame {
            ClientFrame::Hello(hello) => Some(hello.opening),
            _ => None,
        })
        .collect();
    let ticket = |text| Opening::Ticket(TicketText::new(text).unwrap());
    assert_eq!(openings, [ticket("ticket-0"), ticket("ticket-1")]);
    assert_eq!(states(&notes).pop().unwrap()["code"], 16);

    let refused = run_with("{ ticket: async () => { throw new Error('not enrolled'); } }", "");
    assert_eq!(states(&refused).pop().unwrap()["text"], "not enrolled");
    assert!(!refused.iter().any(|note| note == "dialled"));
}
