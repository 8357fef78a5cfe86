//! Selection by name, the fields of a line, a small run of every figure, and a small chart.

use std::process::Command;

use benches::{Error, FIGURES, Options, plot, select};

/// The smallest run that has wins, refusals and several callers.
fn small() -> Options {
    let mut options = Options::default();
    (options.rounds, options.requests, options.callers) = (1, 320, Some(8));
    options
}

/// Runs all figures whose name begins so, unless a program that they need is left out on purpose.
fn runs_small(begin: &str, needs: &[&str]) {
    runs(begin, needs, &small());
}

fn runs(begin: &str, needs: &[&str], options: &Options) {
    if needs.iter().any(|program| testkit::skipped(program)) {
        return;
    }
    for figure in select(&[begin.to_owned()]).unwrap() {
        let line = figure.measure(options).unwrap();
        assert_eq!((line.figure, line.rounds), (figure.name, 1));
        assert!(line.ours > 0.0 && line.peer > 0.0 && line.ratio > 0.0, "{line:?}");
        let json: serde_json::Value = serde_json::from_str(&line.to_json().unwrap()).unwrap();
        for field in ["figure", "ours", "peer", "unit", "ratio", "ratio_min", "ratio_max", "rounds"] {
            assert!(!json[field].is_null(), "{field} is missing in {json}");
        }
        for field in ["ours_name", "peer_name", "callers", "requests"] {
            assert!(!json[field].is_null(), "{field} is missing in {json}");
        }
        let alone = ["seckill.memory", "sso.sign", "sso.verify", "payments", "rbac", "webssh"];
        let alone = alone.iter().any(|begin| figure.name.starts_with(begin));
        for field in ["redis", "server_ns_ours", "server_ns_peer"] {
            assert_eq!(json[field].is_null(), alone, "{field} in {json}");
        }
    }
}

#[test]
fn wins_beside_multiplexed() {
    runs_small("seckill.win.multiplexed", &["redis"]);
}

#[test]
fn wins_beside_deadpool() {
    runs_small("seckill.win.deadpool", &["redis"]);
}

#[test]
fn wins_beside_fred() {
    runs_small("seckill.win.fred", &["redis"]);
}

#[test]
fn wins_beside_ioredis() {
    runs_small("seckill.win.ioredis", &["redis", "npm"]);
}

#[test]
fn wins_beside_redis_py() {
    runs_small("seckill.win.redis_py", &["redis", "python3"]);
}

#[test]
fn replicated_wins() {
    runs_small("seckill.win.replicated", &["redis"]);
}

#[test]
fn refusals() {
    runs_small("seckill.soldout", &["redis"]);
}

#[test]
fn wins_without_a_server() {
    runs_small("seckill.memory", &[]);
}

#[test]
fn latencies() {
    runs_small("seckill.latency", &["redis"]);
}

#[test]
fn costs_of_the_server() {
    runs_small("seckill.limit", &["redis"]);
    // The server counts the buffers of its connections now and then only, and these are of some hundred
    // kilobytes: so many requests that it does not matter.
    let mut options = small();
    options.requests = 20_000;
    runs("seckill.bytes", &["redis"], &options);
}

#[test]
fn wins_of_a_cluster() {
    runs_small("seckill.cluster", &["redis"]);
}

#[test]
fn tokens_signed_and_verified() {
    runs_small("sso.sign", &[]);
    runs_small("sso.verify.", &[]);
}

#[test]
fn tokens_out_of_the_cache() {
    runs_small("sso.verify_cached", &["npm"]);
}

#[test]
fn sessions_checked() {
    runs_small("sso.session_check", &["redis"]);
}

#[test]
fn logins_under_a_policy() {
    runs_small("sso.login", &["redis"]);
}

#[test]
fn payments_signed_in_this_process() {
    runs_small("payments.sign.r", &[]);
}

#[test]
fn payments_signed_by_npm() {
    runs_small("payments.sign.alipay_sdk", &["npm"]);
}

#[test]
fn payments_signed_and_verified_by_python() {
    runs_small("payments.sign.wechatpayv3", &["python3"]);
    runs_small("payments.notify_verify", &["python3"]);
}

#[test]
fn payments_settled_in_sqlite() {
    runs_small("payments.settle.sqlite", &[]);
}

#[test]
fn payments_settled_in_postgres() {
    runs_small("payments.settle.postgres", &["postgres"]);
}

/// The same as `cargo figures rbac --rounds 1 --requests 320`. Our side is tried by the tests of the library.
#[test]
#[ignore = "it builds Cedar, which takes minutes"]
fn policies_beside_cedar_and_casbin() {
    runs_small("rbac", &["cargo"]);
}

#[test]
fn memory_of_a_policy_is_said_in_one_line() {
    let measure =
        |args: [&str; 2]| Command::new(env!("CARGO_BIN_EXE_policy_memory")).args(args).output().unwrap();
    let run = measure(["2000", "100"]);
    assert!(run.status.success());
    let line: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    assert!(
        line["live"].as_f64().unwrap() > 0.0
            && line["resident"].as_f64().unwrap() >= 0.0
            && line["peak"].as_f64() >= line["resident"].as_f64(),
        "{line}"
    );
    let wrong = measure(["many", "100"]);
    assert!(!wrong.status.success() && wrong.stdout.is_empty());
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("`many`"));
}

#[test]
fn terminals_read() {
    runs_small("webssh.read.ssh2", &["sshd"]);
    runs_small("webssh.read.pump", &["sshd"]);
    runs_small("webssh.read.russh", &["sshd"]);
    runs_small("webssh.read.paramiko", &["sshd", "python3"]);
}

#[test]
fn files_down_and_up() {
    runs_small("webssh.files", &["sshd"]);
}

#[test]
fn terminals_typed_into() {
    runs_small("webssh.echo", &["sshd"]);
    runs_small("webssh.ctrl_c", &["sshd"]);
}

#[test]
fn terminals_left_alone() {
    runs_small("webssh.idle", &["sshd"]);
    runs_small("webssh.resume", &["sshd"]);
}

#[test]
fn terminals_held_open() {
    runs_small("webssh.hold.sockets", &[]);
    runs_small("webssh.hold.sessions", &["sshd"]);
}

#[test]
fn the_process_of_terminals_says_what_is_wrong() {
    let run = Command::new(env!("CARGO_BIN_EXE_terminals")).arg("many").output().unwrap();
    assert!(!run.status.success());
    assert!(String::from_utf8_lossy(&run.stdout).contains("`many`"));
}

/// A figure without a small run above would never be tried.
#[test]
fn there_are_no_other_figures() {
    let tried = ["win.multiplexed", "win.deadpool", "win.fred", "win.ioredis", "win.redis_py"];
    let more = ["win.replicated", "soldout", "memory", "latency", "limit", "bytes", "cluster"];
    let seckill = tried.iter().chain(&more).map(|name| format!("seckill.{name}"));
    let sso =
        ["sign", "verify.", "verify_cached", "session_check", "login"].map(|name| format!("sso.{name}"));
    let payments = ["sign", "notify_verify", "settle"].map(|name| format!("payments.{name}"));
    let webssh =
        ["read", "files", "echo", "ctrl_c", "hold", "idle", "resume"].map(|name| format!("webssh.{name}"));
    let tried: Vec<_> = seckill.chain(sso).chain(payments).chain(webssh).chain(["rbac".to_owned()]).collect();
    assert_eq!(select(&tried).unwrap().len(), FIGURES.len());
}

#[test]
fn a_chart_is_drawn() {
    if ["redis", "npm", "python3"].iter().any(|program| testkit::skipped(program)) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("chart.svg");
    plot(&small(), &file).unwrap();
    let svg = std::fs::read_to_string(file).unwrap();
    assert_eq!(svg.matches("<polyline").count(), 6);
    assert!(svg.starts_with("<svg ") && svg.contains("prefers-color-scheme: dark"));
}

#[test]
fn names_select_by_their_beginning() {
    assert_eq!(select(&[]).unwrap().len(), FIGURES.len());
    let names = |begin: &str| {
        select(&[begin.to_owned()]).unwrap().iter().map(|figure| figure.name).collect::<Vec<_>>()
    };
    assert_eq!(names("seckill.soldout"), ["seckill.soldout.multiplexed", "seckill.soldout.latch"]);
    assert_eq!(names("seckill.latency.p99"), ["seckill.latency.p99", "seckill.latency.p99_8"]);
    let error = select(&["seckill".to_owned(), "nothing".to_owned()]).unwrap_err();
    assert!(matches!(&error, Error::UnknownFigure { name, known }
        if name == "nothing" && known.contains("seckill.memory")));
}

#[test]
fn unknown_name_exits_with_two_and_tells_the_names() {
    let run = Command::new(env!("CARGO_BIN_EXE_figures")).arg("nothing").output().unwrap();
    assert_eq!(run.status.code(), Some(2));
    assert!(run.stdout.is_empty());
    assert!(String::from_utf8_lossy(&run.stderr).contains("seckill.win.multiplexed"));
}

#[test]
fn list_measures_nothing() {
    let run = Command::new(env!("CARGO_BIN_EXE_figures")).arg("--list").output().unwrap();
    assert!(run.status.success());
    assert!(String::from_utf8_lossy(&run.stdout).starts_with("seckill.win.multiplexed: "));
}
