//! What is refused: by the server, by the limits, and by what a file is.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use bytes::Bytes;
use webssh_core::ErrorKind;
use webssh_core::files::{FileLimits, FilePath, Received, Refusal, Reply, Taken, WriteOptions};

use super::place::{Place, files, in_time, noise, open, options, refusal, send};
use crate::contract::for_each_backend;
use crate::contract::lab::{AnyBackend, Call, password, server};
use crate::contract::played::{PASSWORD, Played, Then, Wants};

for_each_backend!(
    what_is_not_there_is_not_found,
    what_is_no_file_is_not_read,
    the_servers_permissions_count,
    a_file_over_the_limit_is_refused_before_and_meanwhile,
    transfers_are_counted,
    an_upload_keeps_to_its_announced_length,
    a_full_disk_refuses,
    a_server_without_sftp_says_so,
    a_login_that_is_refused_says_so,
    complaints_do_not_come_between_the_packets,
);

async fn what_is_not_there_is_not_found(backend: AnyBackend) {
    let place = Place::new(&backend).await;
    let path = place.there("gone");
    assert_eq!(refusal(place.files.read(&path, 0)).await, Refusal::NotFound);
    assert_eq!(refusal(place.files.stat(&path)).await, Refusal::NotFound);
    assert_eq!(open(place.files.part_bytes(&path)).await, 0);
    let deep = place.there("gone/file");
    assert_eq!(refusal(place.files.write(&deep, &WriteOptions::default())).await, Refusal::NotFound);
    symlink("loop2", place.here("loop1")).unwrap();
    symlink("loop1", place.here("loop2")).unwrap();
    for name in ["loop1", "loop1/file"] {
        assert_eq!(refusal(place.files.read(&place.there(name), 0)).await, Refusal::NotFound, "{name}");
    }
    // The loop itself is only a link.
    open(place.files.remove(&place.there("loop1"))).await;
    let folder = FilePath::parse("/").unwrap();
    assert_eq!(refusal(place.files.write(&folder, &WriteOptions::default())).await, Refusal::NotAFile);
}

async fn what_is_no_file_is_not_read(backend: AnyBackend) {
    let place = Place::new(&backend).await;
    let made = Command::new("mkfifo").arg(place.here("pipe")).status().unwrap();
    assert!(made.success());
    // Nobody writes to the pipe: to open it would be to wait for ever.
    for path in [place.there("pipe"), FilePath::parse("/dev/zero").unwrap(), place.there("")] {
        assert_eq!(refusal(place.files.read(&path, 0)).await, Refusal::NotAFile, "{path}");
    }
}

async fn the_servers_permissions_count(backend: AnyBackend) {
    let place = Place::new(&backend).await;
    // Also root may write nothing here.
    let sys = FilePath::parse("/proc/sys/kernel/ostype").unwrap();
    let options = options(|options| options.taken = Taken::Replace);
    let refused = [
        refusal(place.files.write(&sys, &options)).await,
        refusal(place.files.make_dir(&FilePath::parse("/proc/sys/folder").unwrap())).await,
        refusal(place.files.remove(&sys)).await,
    ];
    for refused in &refused {
        assert!(matches!(refused, Refusal::Denied | Refusal::NotFound), "{refused:?}");
    }
    assert!(refused.contains(&Refusal::Denied), "{refused:?}");
}

async fn a_file_over_the_limit_is_refused_before_and_meanwhile(backend: AnyBackend) {
    let mut limits = FileLimits::default();
    limits.file_bytes_max = 100_000;
    let place = Place::with(&backend, &limits).await;
    let too_large = Refusal::TooLarge { bytes_max: 100_000 };
    // Down.
    let path = place.put("file", &noise(100_001));
    assert_eq!(refusal(place.files.read(&path, 0)).await, too_large);
    place.put("file", &noise(100_000));
    assert_eq!(place.download("file").await.len(), 100_000);
    let mut download = open(place.files.read(&path, 0)).await;
    place.put("file", &noise(300_000));
    let end = loop {
        match in_time(download.recv()).await.unwrap() {
            Received::Chunk { offset, bytes } => {
                assert!(offset + u64::try_from(bytes.len()).unwrap() <= 100_000)
            }
            end => break end,
        }
    };
    assert_eq!(end, Received::Refused(too_large.clone()));
    // Up.
    let path = place.there("up");
    let options = options(|options| options.bytes = Some(100_001));
    assert_eq!(refusal(place.files.write(&path, &options)).await, too_large);
    let mut upload = open(place.files.write(&path, &WriteOptions::default())).await;
    send(&mut upload, &noise(100_000)).await;
    assert_eq!(refusal(upload.send(Bytes::from_static(b"x"))).await, too_large);
    assert_eq!(refusal(upload.finish()).await, too_large);
    assert_eq!(place.names(), [".up.part", "file"]);
}

async fn transfers_are_counted(backend: AnyBackend) {
    let mut limits = FileLimits::default();
    limits.transfers_max = 2;
    let place = Place::with(&backend, &limits).await;
    let path = place.put("file", b"x");
    let up = place.there("up");
    let options = WriteOptions::default();
    let upload = open(place.files.write(&up, &options)).await;
    assert_eq!(refusal(place.files.write(&up, &options)).await, Refusal::Busy, "the same part");
    let download = open(place.files.read(&path, 0)).await;
    assert_eq!(refusal(place.files.read(&path, 0)).await, Refusal::Busy);
    drop(upload);
    let again = open(place.files.write(&up, &options)).await;
    drop((download, again));
    // What is given up is closed: many more than the server would keep open.
    for _ in 0..300 {
        drop(open(place.files.read(&path, 0)).await);
    }
}

async fn an_upload_keeps_to_its_announced_length(backend: AnyBackend) {
    let place = Place::new(&backend).await;
    let path = place.there("file");
    let options = options(|options| options.bytes = Some(10));
    let mut upload = open(place.files.write(&path, &options)).await;
    send(&mut upload, b"12345").await;
    assert_eq!(refusal(upload.finish()).await, Refusal::Incomplete { bytes: 5, bytes_expected: 10 });
    let mut upload = open(place.files.write(&path, &options)).await;
    send(&mut upload, b"1234567890").await;
    let more = refusal(upload.send(Bytes::from_static(b"x"))).await;
    assert_eq!(more, Refusal::Incomplete { bytes: 11, bytes_expected: 10 });
    assert_eq!(place.names(), [".file.part"]);
    drop(upload);
    // Somebody writes to the part meanwhile.
    let mut upload = open(place.files.write(&path, &options)).await;
    send(&mut upload, b"1234567890").await;
    let late = fs::OpenOptions::new().write(true).open(place.here(".file.part")).unwrap();
    late.set_len(100).unwrap();
    assert_eq!(refusal(upload.finish()).await, Refusal::Incomplete { bytes: 100, bytes_expected: 10 });
    assert_eq!(place.names(), [".file.part"]);
}

async fn a_full_disk_refuses(backend: AnyBackend) {
    // No file of this server grows beyond a block, as if the disk were full.
    let line = "ForceCommand trap '' XFSZ; ulimit -f 1; exec /usr/lib/openssh/sftp-server";
    let sshd = server().line(line).start().unwrap();
    let files = files(&Call::sshd(&sshd), &backend, &FileLimits::default()).await;
    let place = Place { files, dir: tempfile::tempdir().unwrap(), sshd };
    let mut upload = open(place.files.write(&place.there("file"), &WriteOptions::default())).await;
    let refused = loop {
        if let Reply::Refused(refused) = in_time(upload.send(noise(100_000).into())).await.unwrap() {
            break refused;
        }
    };
    assert!(matches!(refused, Refusal::Failed { .. }), "{refused:?}");
    assert_eq!(refusal(upload.finish()).await, refused);
    assert_eq!(place.names(), [".file.part"]);
}

async fn a_server_without_sftp_says_so(backend: AnyBackend) {
    let connected = |line: &'static str| {
        let backend = backend.clone();
        async move {
            let sshd = server().line(line).start().unwrap();
            let call = Call::sshd(&sshd);
            in_time(backend.files(&call.dial(None), &FileLimits::default())).await.unwrap_err()
        }
    };
    // The account's startup files print something, as some do.
    let noisy = connected("ForceCommand echo Welcome to this machine; cat").await;
    assert_eq!(noisy.kind(), ErrorKind::PeerMisbehaved, "{noisy:?}");
    let source = std::error::Error::source(&noisy).unwrap().to_string();
    assert!(source.contains("startup files"), "{source}");
    let gone = connected("ForceCommand /nonexistent/sftp-server").await;
    assert_eq!(gone.kind(), ErrorKind::Unavailable, "{gone:?}");
}

async fn a_login_that_is_refused_says_so(backend: AnyBackend) {
    let sshd = server().start().unwrap();
    let stranger = crate::contract::lab::Keys::new().stranger();
    let mut call = Call::sshd(&sshd);
    call.login = webssh_core::Login::new([stranger]);
    let refused = in_time(backend.files(&call.dial(None), &FileLimits::default())).await.unwrap();
    assert!(matches!(refused, webssh_core::ssh::Connected::LoginRefused { .. }), "{refused:?}");
}

/// sshd keeps the standard error of a subsystem back; other servers need not.
async fn complaints_do_not_come_between_the_packets(backend: AnyBackend) {
    let server = Played::start(Wants::Password, Then::Echoes).await;
    let call = Call::new(server.addr, "visitor", &server.host_key_line, [password(PASSWORD)]);
    let files = files(&call, &backend, &FileLimits::default()).await;
    for _ in 0..20 {
        assert_eq!(refusal(files.stat(&FilePath::parse("x").unwrap())).await, Refusal::Unsupported);
    }
}
