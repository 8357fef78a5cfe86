//! The small programs, run as a reader would run them.

use std::io::{BufRead as _, BufReader, Read as _, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

use testkit::Sshd;

fn said(command: &mut Command) -> String {
    let output = command.output().unwrap();
    answer(&output)
}

fn answer(output: &std::process::Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn login_roles_and_pay_tell_their_story() {
    let login = said(&mut Command::new(env!("CARGO_BIN_EXE_login")));
    for words in ["__Host-sid=", "known: alice", "reason: SignedOut", "Ok(Verified(", "\"kty\":\"RSA\""] {
        assert!(login.contains(words), "{words} is not in {login}");
    }
    let roles = said(&mut Command::new(env!("CARGO_BIN_EXE_roles")));
    for words in [
        "edit: true, approve: false",
        "which ended at 2026-01-02T00:00:00Z",
        "\"course\".\"department\" IN ($1)",
        "too many for separation of duty `refunds`",
        "`mei` → `trainee` → 拒绝 `course:edit`，优先于",
    ] {
        assert!(roles.contains(words), "{words} is not in {roles}");
    }
    let pay = said(&mut Command::new(env!("CARGO_BIN_EXE_pay")));
    for words in ["delivery 1: Paid", "delivery 2: Duplicate", "the order is PartiallyRefunded"] {
        assert!(pay.contains(words), "{words} is not in {pay}");
    }
}

#[test]
fn a_terminal_passes_the_keys_on_and_refuses_a_stranger() {
    if testkit::skipped("sshd") {
        return;
    }
    let sshd = Sshd::options().line("SetEnv HOME=/nonexistent").start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let hosts = folder.path().join("known_hosts");
    let (place, key) = (sshd.addr().to_string(), sshd.client_key().to_str().unwrap());
    let program = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_terminal"));
        command.args([place.as_str(), sshd.user(), key, hosts.to_str().unwrap()]);
        command
    };
    std::fs::write(&hosts, "").unwrap();
    let stranger = program().output().unwrap();
    assert!(String::from_utf8_lossy(&stranger.stderr).contains("the host key was refused"), "{stranger:?}");
    std::fs::write(&hosts, sshd.host_key_line()).unwrap();
    let mut child = program().stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.as_mut().unwrap().write_all(b"echo sum-$((40+2)); exit 5\n").unwrap();
    let story = answer(&child.wait_with_output().unwrap());
    assert!(story.contains("sum-42") && story.contains("Exited { status: 5 }"), "{story}");
}

/// A server that ends with the test.
struct Served {
    process: Child,
    addr: SocketAddr,
}

impl Served {
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_login_hyper"));
        let mut process = command.arg("127.0.0.1:0").stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let addr = line.trim().trim_start_matches("http://").trim_end_matches('/').parse().unwrap();
        Self { process, addr }
    }

    /// The whole answer to one request, as text.
    fn ask(&self, line: &str, cookie: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(self.addr).unwrap();
        let length = body.len();
        write!(
            stream,
            "{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: {cookie}\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn guess(&self, password: &str, cookie: &str) -> String {
        self.ask("POST /login", cookie, &format!("name=alice&password={password}"))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.process.kill().and_then(|()| self.process.wait()).unwrap();
    }
}

/// The cookies that an answer sets, as the next request brings them.
fn cookies(answer: &str) -> Vec<&str> {
    let set = answer.lines().filter_map(|line| line.strip_prefix("set-cookie: "));
    set.filter_map(|cookie| cookie.split(';').next()).collect()
}

#[test]
fn signing_in_needs_no_framework() {
    let server = Served::start();
    assert!(server.ask("GET /", "", "").contains("401 Unauthorized"));
    let welcome = server.guess("correct+horse", "");
    let &[session, device] = cookies(&welcome).as_slice() else { panic!("{welcome}") };
    assert!(server.ask("GET /", &format!("x=y; {session}"), "").ends_with("alice\n"));

    // After six guesses the waits grow, so that one of the next comes too early; the known device is let in.
    let refused = (0..50).map(|_| server.guess("wrong", "")).find(|answer| !answer.contains("401")).unwrap();
    assert!(refused.contains("429 Too Many Requests") && refused.contains("retry-after: "), "{refused}");
    assert!(server.guess("correct+horse", device).contains("200 OK"));

    assert!(server.ask("POST /logout", session, "").contains("__Host-sid=; "));
    assert!(server.ask("GET /", session, "").ends_with("signed_out\n"));
    assert!(server.ask("GET /nowhere", "", "").contains("404 Not Found"));
}
