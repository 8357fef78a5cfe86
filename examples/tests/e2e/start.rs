//! Starting and stopping: what the demo says when something it needs is not there.

use std::net::TcpListener;
use std::process::Output;

use super::demo::{Demo, command};
use super::instances::free_addr;

fn refused(args: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let Output { status, stderr, .. } = command(folder.path()).args(args).output().unwrap();
    assert!(!status.success());
    String::from_utf8(stderr).unwrap()
}

#[test]
fn it_says_where_it_is_and_what_is_embedded_and_stops_cleanly() {
    let mut demo = Demo::start(&[]);
    let words = demo.words().join("\n");
    for expected in ["hanmeimei", "administrator", "embedded", "sandbox", "school.sqlite", "pinewood-2026"] {
        assert!(words.contains(expected), "{expected} is not in {words}");
    }
    assert!(demo.stop().success());
}

#[test]
fn a_taken_port_names_the_remedy() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let words = refused(&["--listen", &taken.local_addr().unwrap().to_string()]);
    assert!(words.contains("cannot listen") && words.contains("--listen"), "{words}");
}

#[test]
fn an_unreachable_redis_names_the_remedy_and_no_password() {
    let closed = free_addr();
    let url = format!("redis://user:topsecret@{closed}/");
    let words = refused(&["--listen", "127.0.0.1:0", "--redis-url", &url]);
    assert!(words.contains("REDIS_URL") && words.contains("redis-server"), "{words}");
    assert!(!words.contains("topsecret"), "{words}");
}

#[test]
fn a_database_of_another_kind_is_refused_by_name() {
    let words = refused(&["--listen", "127.0.0.1:0", "--database-url", "postgres://localhost/x"]);
    assert!(words.contains("`postgres:`") && words.contains("sqlite:PATH"), "{words}");
}

#[test]
fn a_public_url_with_a_path_is_refused() {
    let words = refused(&["--listen", "127.0.0.1:0", "--public-url", "http://a.example/school"]);
    assert!(words.contains("public address"), "{words}");
}
