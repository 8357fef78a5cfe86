//! Selection by name, the fields of a line, and a small run of every figure.

use std::process::Command;

use benches::{Error, FIGURES, Options, select};

#[test]
fn names_select_by_their_beginning() {
    assert_eq!(select(&[]).unwrap().len(), FIGURES.len());
    let names = |begin: &str| {
        select(&[begin.to_owned()]).unwrap().iter().map(|figure| figure.name).collect::<Vec<_>>()
    };
    assert_eq!(names("seckill.reserve"), ["seckill.reserve", "seckill.reserve.multiplexed"]);
    assert_eq!(names("seckill.reserve.m"), ["seckill.reserve.multiplexed"]);
    let error = select(&["seckill".to_owned(), "nothing".to_owned()]).unwrap_err();
    assert!(matches!(&error, Error::UnknownFigure { name, known }
        if name == "nothing" && known.contains("seckill.reserve")));
}

#[test]
fn every_figure_runs_small() {
    if testkit::skipped("redis") {
        return;
    }
    let mut options = Options::default();
    (options.rounds, options.requests, options.callers) = (1, 200, 8);
    for figure in FIGURES {
        let line = (figure.run)(&options).unwrap();
        assert_eq!((line.figure, line.rounds), (figure.name, 1));
        assert!(line.ours > 0.0 && line.peer > 0.0 && line.ratio > 0.0, "{line:?}");
        let json: serde_json::Value = serde_json::from_str(&line.to_json().unwrap()).unwrap();
        for field in ["figure", "ours", "peer", "unit", "ratio", "rounds", "peer_name"] {
            assert!(!json[field].is_null(), "{field} is missing in {json}");
        }
        let checkout = (figure.name == "seckill.reserve").then_some("UNWATCH+PING per checkout");
        assert_eq!(json["peer_checkout"].as_str(), checkout);
    }
}

#[test]
fn unknown_name_exits_with_two_and_tells_the_names() {
    let run = Command::new(env!("CARGO_BIN_EXE_figures")).arg("nothing").output().unwrap();
    assert_eq!(run.status.code(), Some(2));
    assert!(run.stdout.is_empty());
    assert!(String::from_utf8_lossy(&run.stderr).contains("seckill.reserve"));
}

#[test]
fn list_measures_nothing() {
    let run = Command::new(env!("CARGO_BIN_EXE_figures")).arg("--list").output().unwrap();
    assert!(run.status.success());
    assert!(String::from_utf8_lossy(&run.stdout).starts_with("seckill.reserve: "));
}
