//! The small programs, run as a reader would run them.

use std::io::Write;
use std::process::{Command, Stdio};

use testkit::{Redis, Sshd};

fn said(command: &mut Command) -> String {
    let output = command.env_remove("REDIS_URL").output().unwrap();
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
fn a_flash_sale_sells_its_stock_in_memory_and_in_redis() {
    if testkit::skipped("redis") {
        return;
    }
    let program = || Command::new(env!("CARGO_BIN_EXE_flash_sale"));
    let redis = Redis::start().unwrap();
    let memory = said(program().args(["2000", "40"]));
    let stored = answer(&program().args(["2000", "40"]).env("REDIS_URL", redis.url()).output().unwrap());
    for story in [memory, stored] {
        assert!(story.contains("40 won, 40 second clicks answered again, 3920 sold out"), "{story}");
        assert!(story.contains("conserved: true"), "{story}");
    }
    let refused = program().args(["many"]).output().unwrap();
    assert!(!refused.status.success());
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
