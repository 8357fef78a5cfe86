//! What the client does about a connection that is cut: when it comes back, and with what.

use webssh_core::ResumeToken;
use webssh_core::frame::{Caps, ClientFrame, Failure, FailureCode, Opening, Role, ServerFrame};

use super::kit::{
    TOKEN, acks, after, data, input_ack, inputs, opened, run, run_with, sent, serve, states, welcome,
    welcome_frame,
};
use super::no_node;

/// The first pause is at most 250 ms, so by then the client has dialled again.
const BACK: &str = "cut(); notes.push('cut'); await pass(250);\n";

/// The steps in which the server knows the session again.
fn resumed(output_from: u64, input_received: u64) -> String {
    let mut frame = welcome_frame();
    (frame.output_from, frame.input_received) = (output_from, input_received);
    welcome(frame)
}

#[test]
fn after_a_cut_nothing_is_lost_and_nothing_is_said_twice() {
    if no_node() {
        return;
    }
    let steps = [
        opened(),
        "term.held = [];\n".to_owned(),
        data(0, 10),
        "term.fireData('ab'); term.fireData('cdef');\n".to_owned(),
        BACK.to_owned(),
        "term.fireData('gh');\n".to_owned(),
        // The server has "ab" and a part of "cdef"; the shell has taken "a".
        resumed(10, 3),
        "notes.push('welcomed');\n".to_owned(),
        input_ack(1),
        "notes.push('parsed'); for (const done of term.held) done(); await pass(100);\n".to_owned(),
        data(10, 5),
        "term.held.at(-1)(); await pass(100);".to_owned(),
    ];
    let notes = run(&steps.concat());
    let back = after(&notes, "cut");
    let hello = sent(back).into_iter().next().unwrap();
    let ClientFrame::Hello(hello) = hello else { panic!("{hello:?}") };
    assert_eq!(hello.opening, Opening::Resume { token: ResumeToken::from_bytes(TOKEN), received: 10 });
    // The known part is trimmed, and what was typed while away follows.
    assert_eq!(inputs(back), [(3, b"def".to_vec()), (6, b"gh".to_vec())]);
    assert_eq!(inputs(after(&notes, "welcomed")).len(), 2, "not before the window is known");
    // What `received` has acknowledged is not acknowledged again.
    assert_eq!(acks(after(&notes, "parsed")), [15]);
    assert_eq!(states(&notes).pop().unwrap()["resumed"], true);
}

#[test]
fn the_window_counts_from_what_the_shell_has_taken() {
    if no_node() {
        return;
    }
    let mut frame = welcome_frame();
    (frame.input_received, frame.input_bytes_max) = (50_000, 20_000);
    let steps = [
        welcome(frame),
        "term.fireData('p'.repeat(20000)); notes.push('typed');\n".to_owned(),
        input_ack(40_000),
        "notes.push('behind');\n".to_owned(),
        input_ack(50_000),
    ];
    let notes = run(&steps.concat());
    let lens =
        |notes: &[String]| inputs(notes).iter().map(|(seq, bytes)| (*seq, bytes.len())).collect::<Vec<_>>();
    assert_eq!(lens(&notes), [(50_000, 16_384), (66_384, 3616)]);
    assert_eq!(lens(after(&notes, "behind")).len(), 2, "26,384 bytes would have been more than 20,000");
}

#[test]
fn a_lower_acknowledgement_later_changes_nothing() {
    if no_node() {
        return;
    }
    let steps = [opened(), "term.fireData('abcd');\n".to_owned(), input_ack(4), input_ack(2), data(0, 1)];
    let notes = run(&steps.concat());
    assert_eq!(states(&notes).pop().unwrap()["name"], "open");
}

#[test]
fn a_gap_clears_the_screen_and_is_acknowledged() {
    if no_node() {
        return;
    }
    let steps = [
        opened(),
        data(0, 5),
        BACK.to_owned(),
        resumed(5, 0),
        serve(&ServerFrame::Gap { from: 5, to: 900 }),
        data(900, 5),
        "await pass(100);".to_owned(),
    ];
    let notes = run(&steps.concat());
    let back = after(&notes, "cut");
    let wrote: Vec<&String> = back.iter().filter(|note| note.starts_with("wrote")).collect();
    assert_eq!(wrote, [r#"wrote "\u001bc""#, "wrote 5"]);
    assert_eq!(acks(back), [905]);
    assert!(states(back).iter().any(|state| state["text"].as_str().is_some_and(|text| text.contains("895"))));
}

#[test]
fn a_server_that_forgot_is_left() {
    if no_node() {
        return;
    }
    let typed = opened() + &data(0, 9) + "term.fireData('abc');\n" + &input_ack(2) + BACK;
    for (output_from, input_received) in [(8, 3), (9, 1), (9, 4)] {
        let notes = run(&(typed.clone() + &resumed(output_from, input_received)));
        assert_eq!(states(&notes).pop().unwrap()["reason"], "protocol", "{output_from} {input_received}");
    }
}

#[test]
fn who_was_replaced_does_not_come_back_but_who_was_silent_does() {
    if no_node() {
        return;
    }
    let told = |code| {
        let failure = serve(&ServerFrame::Failure(Failure::new(code)));
        let notes = run(&(opened() + &failure + "cut(); notes.push('told'); await pass(120000);"));
        after(&notes, "told").iter().filter(|note| *note == "dialled").count()
    };
    for code in [FailureCode::Replaced, FailureCode::Kicked, FailureCode::Gone, FailureCode::NotAllowed] {
        assert_eq!(told(code), 0, "{code:?}");
    }
    for code in [FailureCode::Silent, FailureCode::Busy] {
        assert!(told(code) > 0, "{code:?}");
    }
}

#[test]
fn pauses_grow_by_chance_and_end() {
    if no_node() {
        return;
    }
    let steps = opened()
        + "cut(); for (let n = 0; n < 60; n += 1) { await pass(15000); if (socket.readyState === 1) cut(); }";
    let notes = run(&steps);
    let pauses: Vec<f64> = states(&notes).iter().filter_map(|state| state["retryMs"].as_f64()).collect();
    assert!(pauses.len() > 8, "{pauses:?}");
    let longest = (0..).map(|tries| (250.0 * 2.0_f64.powi(tries)).min(15_000.0));
    let parts: Vec<f64> = pauses.iter().zip(longest).map(|(pause, longest)| pause / longest).collect();
    assert!(parts.iter().all(|part| (0.5..=1.0).contains(part)), "{pauses:?}");
    assert!(parts.iter().any(|part| (part - parts[0]).abs() > 0.01), "chance has a part in it: {pauses:?}");
    let last = states(&notes).pop().unwrap();
    assert_eq!((&last["name"], &last["reason"]), (&"closed".into(), &"lost".into()), "not for ever");
}

#[test]
fn a_network_that_is_back_is_used_at_once() {
    if no_node() {
        return;
    }
    let steps = opened() + "cut(); cut(); notes.push('cut'); heard.online(); await settle();";
    assert_eq!(after(&run(&steps), "cut")[..1], ["dialled"]);
    // With a connection there is nothing to hurry for.
    let steps = opened() + "notes.push('open'); heard.online(); await settle();";
    assert!(!after(&run(&steps), "open").contains(&"dialled".to_owned()));
}

#[test]
fn silence_counts_as_a_cut() {
    if no_node() {
        return;
    }
    let ping = serve(&ServerFrame::Ping { stamp: 1, rtt_ms: 5 });
    let steps = opened()
        + "await pass(50000);\n"
        + &ping
        + "await pass(59000); notes.push('still'); await pass(3000);";
    let notes = run(&steps);
    let all = states(&notes);
    assert!(states(after(&notes, "still")).iter().any(|state| state["name"] == "cut"), "{all:?}");
    assert_eq!(all.iter().filter(|state| state["name"] == "cut").count(), 1, "{all:?}");
    // A connection that never opens is given up sooner; one that a login takes long on is not.
    let never = run("notes.push('dialling'); await pass(17000);");
    assert_eq!(states(&never).pop().unwrap()["reason"], "lost");
    let login = run("socket.onopen(); await pass(30000);");
    assert_eq!(states(&login).pop().unwrap()["name"], "connecting");
}

#[test]
fn a_session_without_a_way_back_ends_with_its_connection() {
    if no_node() {
        return;
    }
    let mut sole = welcome_frame();
    sole.caps = Caps::WATCH;
    let notes = run(&(welcome(sole) + "cut(); await pass(60000);"));
    assert_eq!(states(&notes).pop().unwrap()["reason"], "lost");
    assert_eq!(notes.iter().filter(|note| *note == "dialled").count(), 1);
}

#[test]
fn an_observer_comes_back_with_a_new_ticket_to_an_empty_screen() {
    if no_node() {
        return;
    }
    let mut observer = welcome_frame();
    (observer.role, observer.token, observer.output_from) = (Role::Observer, ResumeToken::none(), 40);
    let first = welcome(observer.clone());
    observer.output_from = 90;
    let steps =
        [first, data(40, 5), BACK.to_owned(), welcome(observer), data(90, 3), "await pass(100);".to_owned()];
    let notes = run_with("{ ticket: async () => 'ticket-' + dials }", &steps.concat());
    let back = after(&notes, "cut");
    let ClientFrame::Hello(hello) = sent(back).remove(0) else { panic!("{back:?}") };
    assert!(matches!(hello.opening, Opening::Ticket(ticket) if ticket.as_str() == "ticket-1"));
    let wrote: Vec<&String> = back.iter().filter(|note| note.starts_with("wrote")).collect();
    assert_eq!(wrote, [r#"wrote "\u001bc""#, "wrote 3"]);
    assert_eq!(acks(back), [93]);
}

#[test]
fn what_an_observer_parses_late_is_not_acknowledged_to_the_next_connection() {
    if no_node() {
        return;
    }
    let mut observer = welcome_frame();
    (observer.role, observer.token) = (Role::Observer, ResumeToken::none());
    let welcomed = welcome(observer);
    let steps = [
        welcomed.clone(),
        "term.held = [];\n".to_owned(),
        data(0, 20_000),
        BACK.to_owned(),
        welcomed,
        "const late = term.held; term.held = null; for (const done of late) done();\n".to_owned(),
        "await pass(100);".to_owned(),
        data(0, 7),
        "await pass(100);".to_owned(),
    ];
    let notes = run_with("{ ticket: async () => 'ticket' }", &steps.concat());
    assert_eq!(acks(after(&notes, "cut")), [7], "{notes:?}");
}

#[test]
fn an_observer_waits_for_the_network_that_its_ticket_needs() {
    if no_node() {
        return;
    }
    let mut observer = welcome_frame();
    (observer.role, observer.token) = (Role::Observer, ResumeToken::none());
    let steps = [
        welcome(observer.clone()),
        "globalThis.away = new TypeError('no network'); cut(); await settle(); await pass(2000);\n"
            .to_owned(),
        "notes.push('back'); globalThis.away = null; await pass(5000);\n".to_owned(),
        welcome(observer),
    ];
    let options =
        "{ ticket: async () => { if (globalThis.away) throw globalThis.away; return 'ticket-' + dials; } }";
    let notes = run_with(options, &steps.concat());
    let named = |notes: &[String]| -> Vec<String> {
        states(notes).iter().map(|state| state["name"].as_str().unwrap().to_owned()).collect()
    };
    let all = named(&notes);
    assert!(all.iter().filter(|name| *name == "cut").count() >= 3, "{all:?}");
    assert_eq!(named(after(&notes, "back")).last().unwrap(), "open");
    // A site that refuses is not asked again.
    let refused = options.replace("throw globalThis.away", "throw new Error('not enrolled')");
    let notes = run_with(&refused, &steps[..2].concat());
    assert_eq!(states(&notes).pop().unwrap()["text"], "not enrolled");
}

#[test]
fn a_page_without_a_network_says_so_at_once() {
    if no_node() {
        return;
    }
    let notes = run_with("{ ticket: async () => { throw new TypeError('no network'); } }", "");
    let last = states(&notes).pop().unwrap();
    assert_eq!((&last["reason"], &last["text"]), (&"ticket".into(), &"no network".into()));
}

#[test]
fn the_time_away_counts_from_the_last_cut() {
    if no_node() {
        return;
    }
    let mut frame = welcome_frame();
    frame.detached_secs_max = 10;
    let ping = serve(&ServerFrame::Ping { stamp: 1, rtt_ms: 5 });
    let steps = [
        welcome(frame.clone()),
        BACK.to_owned(),
        welcome(frame),
        format!("for (let n = 0; n < 8; n += 1) {{ await pass(30_000); {ping} }}\n"),
        "notes.push('later'); cut();\n".to_owned(),
    ];
    let notes = run(&steps.concat());
    assert_eq!(states(after(&notes, "later"))[0]["name"], "cut", "{notes:?}");
}
