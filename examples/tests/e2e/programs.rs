//! The small programs, run as a reader would run them.

use std::io::Write;
use std::process::{Command, Stdio};

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
    for words in ["__Host-sid=", "known: alice", "Ended(SignedOut)", "Ok(Verified(", "\"kty\":\"RSA\""] {
        assert!(login.contains(words), "{words} is not in {login}");
    }
    let roles = said(&mut Command::new(env!("CARGO_BIN_EXE_roles")));
    assert!(roles.contains("may not `course:edit`") && roles.contains("`mei` may `course:edit`"), "{roles}");
    let pay = said(&mut Command::new(env!("CARGO_BIN_EXE_pay")));
    assert!(pay.contains("delivery 1: Paid") && pay.contains("delivery 2: Duplicate"), "{pay}");
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
