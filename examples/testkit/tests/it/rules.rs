//! Waiting and errors, without a server.

use std::time::Duration;

use testkit::{ErrorKind, Nginx, until};

#[test]
fn until_asks_at_least_once_and_stops_asking_when_it_is_true() {
    let mut asked = 0;
    until(Duration::ZERO, "one question", || {
        asked += 1;
        true
    })
    .unwrap();
    assert_eq!(asked, 1);
}

#[test]
fn until_gives_up_and_says_on_what() {
    let late = until(Duration::from_millis(20), "the impossible", || false).unwrap_err();
    assert_eq!(late.kind(), ErrorKind::PeerMisbehaved);
    assert!(late.is_transient());
    assert_eq!(format!("{late:?}"), "waited 20ms in vain for: the impossible");
}

#[test]
fn nginx_without_an_upstream_is_the_callers_mistake() {
    assert_eq!(Nginx::start(&[]).unwrap_err().kind(), ErrorKind::InvalidInput);
}
