//! sshd, nginx and chromedriver.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Output, Stdio};
use std::thread;

use testkit::{Chromium, ErrorKind, Nginx, Sshd, skipped};

use crate::gone::drop_and_check;
use crate::http::{get, post};

fn ssh(sshd: &Sshd, known_hosts: &str, more: &[&str]) -> Output {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "{known_hosts}").unwrap();
    Command::new("ssh")
        .args(["-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"])
        .args(["-o", "IdentitiesOnly=yes", "-p", &sshd.addr().port().to_string()])
        .arg("-o")
        .arg(format!("UserKnownHostsFile={}", file.path().display()))
        .args(more)
        .args(["-l", sshd.user(), "127.0.0.1", "echo", "from the shell"])
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[test]
fn sshd_lets_its_key_in_and_leaves_nothing() {
    if skipped("sshd") {
        return;
    }
    let sshd = Sshd::start().unwrap();
    let key = sshd.client_key().to_str().unwrap().to_owned();
    let output = ssh(&sshd, &sshd.host_key_line(), &["-i", &key]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "from the shell\n", "{output:?}");
    let (pid, addr) = (sshd.pid(), sshd.addr());
    drop_and_check(sshd, pid, addr);
}

#[test]
fn sshd_lets_nobody_in_without_the_key_and_has_its_own_host_key() {
    if skipped("sshd") {
        return;
    }
    let (sshd, other) = (Sshd::start().unwrap(), Sshd::start().unwrap());
    let wrong_key = other.client_key().to_str().unwrap();
    assert!(!ssh(&sshd, &sshd.host_key_line(), &["-i", wrong_key]).status.success());
    let other_host = other.host_key_line();
    let forged = format!("[127.0.0.1]:{} {}", sshd.addr().port(), other_host.split_once(' ').unwrap().1);
    let key = sshd.client_key().to_str().unwrap();
    assert!(!ssh(&sshd, &forged, &["-i", key]).status.success());
}

#[test]
fn a_line_that_sshd_refuses_fails_with_its_log() {
    if skipped("sshd") {
        return;
    }
    let refused = Sshd::options().line("NoSuchKeyword yes").start().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::PeerMisbehaved);
    assert!(refused.to_string().contains("NoSuchKeyword"), "{refused}");
}

/// Answers `requests` requests with `name` and the value of their Upgrade header, one connection each.
fn upstream(name: &'static str, requests: usize) -> (SocketAddr, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let serve = move || {
        for _ in 0..requests {
            let (mut stream, _) = listener.accept().unwrap();
            let mut upgrade = String::from("none");
            for line in BufReader::new(stream.try_clone().unwrap()).lines() {
                let line = line.unwrap();
                if line.is_empty() {
                    break;
                }
                if let Some(value) = line.strip_prefix("Upgrade: ") {
                    upgrade = value.to_owned();
                }
            }
            let body = format!("{name} {upgrade}");
            let length = body.len();
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
                .unwrap();
        }
    };
    (addr, thread::spawn(serve))
}

#[test]
fn nginx_takes_the_upstreams_in_turn_and_leaves_nothing() {
    if skipped("nginx") {
        return;
    }
    let ((a, serving_a), (b, serving_b)) = (upstream("a", 3), upstream("b", 2));
    let nginx = Nginx::start(&[a, b]).unwrap();
    let replies: Vec<String> = (0..4).map(|_| get(nginx.addr(), "/", "")).collect();
    assert_eq!(replies, ["a none", "b none", "a none", "b none"]);
    let upgraded = get(nginx.addr(), "/", "Connection: upgrade\r\nUpgrade: websocket\r\n");
    assert_eq!(upgraded, "a websocket");
    assert_eq!(nginx.url(), format!("http://{}", nginx.addr()));
    serving_a.join().unwrap();
    serving_b.join().unwrap();
    let (pid, addr) = (nginx.pid(), nginx.addr());
    drop_and_check(nginx, pid, addr);
}

#[test]
fn chromedriver_is_ready_and_leaves_nothing() {
    if skipped("chromium") {
        return;
    }
    let chromium = Chromium::start().unwrap();
    let status = get(chromium.addr(), "/status", "");
    assert!(status.contains("\"ready\":true"), "{status}");
    assert_ne!(chromium.capabilities(), chromium.capabilities(), "every session has its own profile");
    let (pid, addr) = (chromium.pid(), chromium.addr());
    drop_and_check(chromium, pid, addr);
}

#[test]
fn a_browser_opens_a_page_and_ends_with_its_driver() {
    if skipped("chromium") {
        return;
    }
    let chromium = Chromium::start().unwrap();
    let wanted = format!(r#"{{"capabilities":{{"alwaysMatch":{}}}}}"#, chromium.capabilities());
    let session = post(chromium.addr(), "/session", &wanted);
    let id = text_after(&session, "\"sessionId\":\"");
    let page = r#"{"url":"data:text/html,<title>A page</title>"}"#;
    post(chromium.addr(), &format!("/session/{id}/url"), page);
    let title = get(chromium.addr(), &format!("/session/{id}/title"), "");
    assert_eq!(title, r#"{"value":"A page"}"#);
    let profile = text_after(&session, "\"userDataDir\":\"").to_owned();
    assert_ne!(browsers(&profile), 0);
    drop(chromium);
    assert_eq!(browsers(&profile), 0);
    assert!(!std::path::Path::new(&profile).exists());
}

fn text_after<'a>(reply: &'a str, mark: &str) -> &'a str {
    reply.split_once(mark).unwrap().1.split('"').next().unwrap()
}

/// How many processes have `profile` in their command line.
fn browsers(profile: &str) -> usize {
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| std::fs::read(entry.ok()?.path().join("cmdline")).ok())
        .filter(|line| String::from_utf8_lossy(line).contains(profile))
        .count()
}
