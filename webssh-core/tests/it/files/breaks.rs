//! Servers that are killed or stopped, and sessions that nobody uses.

use testkit::until;
use webssh_core::ErrorKind;
use webssh_core::files::{FileLimits, Received, WriteOptions};

use super::place::{DEADLINE, MEBIBYTE, Place, assert_gone, in_time, noise, open, path};
use crate::contract::for_each_backend;
use crate::contract::lab::AnyBackend;
use crate::contract::processes::Below;

for_each_backend!(
    a_server_that_is_killed_ends_everything,
    a_server_that_stops_answering_is_given_up,
    a_session_that_nobody_uses_is_closed,
    a_session_ends_with_its_last_handle,
);

async fn a_server_that_is_killed_ends_everything(backend: AnyBackend) {
    let place = Place::new(&backend).await;
    let path = place.put("file", &noise(8 * MEBIBYTE));
    let mut download = open(place.files.read(&path, 0)).await;
    let mut upload = open(place.files.write(&place.there("up"), &WriteOptions::default())).await;
    assert!(matches!(in_time(download.recv()).await.unwrap(), Received::Chunk { .. }));
    open(upload.send(noise(MEBIBYTE).into())).await;
    Below::server(&place.sshd).kill();
    let error = loop {
        match in_time(download.recv()).await {
            Ok(Received::Chunk { .. }) => {}
            Ok(end) => panic!("{end:?}"),
            Err(error) => break error,
        }
    };
    assert_gone(&error);
    assert!(std::error::Error::source(&error).is_some(), "it says why");
    assert_gone(&in_time(upload.finish()).await.unwrap_err());
    assert_gone(&in_time(place.files.stat(&path)).await.unwrap_err());
}

async fn a_server_that_stops_answering_is_given_up(backend: AnyBackend) {
    let mut limits = FileLimits::default();
    limits.answer_secs_max = 8;
    let place = Place::with(&backend, &limits).await;
    let path = place.put("file", b"x");
    open(place.files.stat(&path)).await;
    let below = Below::server(&place.sshd);
    below.stop();
    let error = in_time(place.files.stat(&path)).await.unwrap_err();
    assert_gone(&error);
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("did not answer for 8 seconds"), "{source}");
}

async fn a_session_that_nobody_uses_is_closed(backend: AnyBackend) {
    let mut limits = FileLimits::default();
    limits.idle_secs_max = 5;
    let place = Place::with(&backend, &limits).await;
    let path = path(place.dir.path());
    // Whoever asks all the time is not idle; then nothing is asked until the server's processes are gone.
    open(place.files.list(&path)).await;
    wait_ended(&place);
    let error = in_time(place.files.list(&path)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("nothing was asked for 5 seconds"), "{source}");
}

async fn a_session_ends_with_its_last_handle(backend: AnyBackend) {
    let mut place = Place::new(&backend).await;
    let path = place.put("file", b"x");
    let other = place.files.clone();
    let mut download = open(other.read(&path, 0)).await;
    place.files = other;
    assert!(matches!(in_time(download.recv()).await.unwrap(), Received::Chunk { .. }));
    let Place { files, sshd, .. } = place;
    drop(files);
    assert_eq!(in_time(download.recv()).await.unwrap(), Received::End { bytes: 1 });
    drop(download);
    until(DEADLINE, "the session ends", || !Below::is_busy(&sshd)).unwrap();
}

fn wait_ended(place: &Place) {
    until(DEADLINE, "the session is closed", || !Below::is_busy(&place.sshd)).unwrap();
}
