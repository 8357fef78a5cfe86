//! Files up and down: all their bytes, whatever is in the way.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use bytes::Bytes;
use testkit::{Proxy, until};
use webssh_core::files::{FileLimits, FilePath, Received, Refusal, Reply, Start, Taken, WriteOptions};

use super::place::{
    DEADLINE, MEBIBYTE, Place, assert_gone, assert_same, drain, files, in_time, noise, open, options,
    refusal, send,
};
use crate::contract::for_each_backend;
use crate::contract::lab::{AnyBackend, Call, server, sshd};
use crate::contract::processes::Below;

for_each_backend!(
    a_file_comes_whole,
    a_file_goes_whole,
    several_files_go_and_come_at_once,
    transfers_survive_key_exchanges,
    a_download_goes_on_where_it_was_cut,
    an_upload_goes_on_where_it_was_cut,
    what_is_there_is_replaced_only_on_request,
    a_file_that_grows_is_read_to_its_end,
);

async fn a_file_comes_whole(backend: AnyBackend) {
    let place = Place::new(&backend).await;
    for bytes in [0, 1, 64 * 1024, 64 * 1024 + 1, 8 * MEBIBYTE + 17] {
        let wanted = noise(bytes);
        place.put("file", &wanted);
        assert_same(&place.download("file").await, &wanted);
    }
}

async fn a_file_goes_whole(backend: AnyBackend) {
    let place = Place::new(&backend).await;
    let options = options(|options| {
        options.taken = Taken::Replace;
        options.mode = 0o600;
    });
    for bytes in [0, 1, 64 * 1024, 8 * MEBIBYTE + 17] {
        let wanted = noise(bytes);
        let length = u64::try_from(bytes).unwrap();
        assert_eq!(place.upload("file", &wanted, &options).await, Reply::Done(length));
        assert_same(&fs::read(place.here("file")).unwrap(), &wanted);
        assert_eq!(place.names(), ["file"], "no part is left");
    }
    let mode = fs::metadata(place.here("file")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

fn usual() -> WriteOptions {
    WriteOptions::default()
}

async fn several_files_go_and_come_at_once(backend: AnyBackend) {
    let place = Place::new(&backend).await;
    let wanted = noise(2 * MEBIBYTE);
    place.put("down1", &wanted);
    place.put("down2", &wanted[MEBIBYTE..]);
    let options = usual();
    let (down1, down2, up1, up2) = tokio::join!(
        place.download("down1"),
        place.download("down2"),
        place.upload("up1", &wanted, &options),
        place.upload("up2", &wanted, &options),
    );
    assert_same(&down1, &wanted);
    assert_same(&down2, &wanted[MEBIBYTE..]);
    for (name, sent) in [("up1", up1), ("up2", up2)] {
        sent.done().unwrap();
        assert_same(&fs::read(place.here(name)).unwrap(), &wanted);
    }
}

async fn transfers_survive_key_exchanges(backend: AnyBackend) {
    let sshd = server().line("RekeyLimit 1M").start().unwrap();
    let files = files(&Call::sshd(&sshd), &backend, &FileLimits::default()).await;
    let place = Place { files, dir: tempfile::tempdir().unwrap(), sshd };
    let wanted = noise(8 * MEBIBYTE);
    place.upload("file", &wanted, &usual()).await.done().unwrap();
    assert_same(&place.download("file").await, &wanted);
}

async fn a_download_goes_on_where_it_was_cut(backend: AnyBackend) {
    let sshd = sshd();
    let proxy = Proxy::start(sshd.addr()).unwrap();
    let call = Call::sshd_at(&sshd, proxy.addr());
    let first = files(&call, &backend, &FileLimits::default()).await;
    let place = Place { files: first, dir: tempfile::tempdir().unwrap(), sshd };
    let wanted = noise(8 * MEBIBYTE);
    let path = place.put("file", &wanted);
    let mut download = open(place.files.read(&path, 0)).await;
    let mut came = Vec::new();
    let error = loop {
        match in_time(download.recv()).await {
            Ok(Received::Chunk { bytes, .. }) => came.extend_from_slice(&bytes),
            Ok(other) => panic!("{other:?}"),
            Err(error) => break error,
        }
        if came.len() > 3 * MEBIBYTE {
            proxy.cut_all().unwrap();
        }
    };
    assert_gone(&error);
    assert_gone(&in_time(place.files.stat(&path)).await.unwrap_err());
    assert!(came.len() < wanted.len());
    proxy.heal().unwrap();
    let again = files(&call, &backend, &FileLimits::default()).await;
    let from = u64::try_from(came.len()).unwrap();
    let mut download = open(again.read(&path, from)).await;
    assert_eq!(download.bytes_total(), u64::try_from(wanted.len()).unwrap());
    came.extend(drain(&mut download, from).await);
    assert_same(&came, &wanted);
}

async fn an_upload_goes_on_where_it_was_cut(backend: AnyBackend) {
    let sshd = sshd();
    let proxy = Proxy::start(sshd.addr()).unwrap();
    let call = Call::sshd_at(&sshd, proxy.addr());
    let first = files(&call, &backend, &FileLimits::default()).await;
    let mut place = Place { files: first, dir: tempfile::tempdir().unwrap(), sshd };
    let wanted = noise(8 * MEBIBYTE);
    let path = place.there("file");
    let mut upload = open(place.files.write(&path, &usual())).await;
    send(&mut upload, &wanted[..4 * MEBIBYTE]).await;
    proxy.cut_all().unwrap();
    let error = loop {
        if let Err(error) = in_time(upload.send(Bytes::from_static(b"more"))).await {
            break error;
        }
    };
    assert_gone(&error);
    drop(upload);
    // Until then, the server may still write what came before the cut.
    until(DEADLINE, "the session ends", || !Below::is_busy(&place.sshd)).unwrap();
    assert_eq!(place.names(), [".file.part"], "what came is kept, and not shown as the file");
    proxy.heal().unwrap();
    place.files = files(&call, &backend, &FileLimits::default()).await;
    let part = open(place.files.part_bytes(&path)).await;
    let full = 4 * u64::try_from(MEBIBYTE).unwrap();
    assert!(part > 0 && part <= full + 4096, "{part}");
    // What was sent last is not of the file: the application knows where its own bytes end.
    fs::OpenOptions::new()
        .write(true)
        .open(place.here(".file.part"))
        .unwrap()
        .set_len(part.min(full))
        .unwrap();
    let length = u64::try_from(wanted.len()).unwrap();
    let options = options(|options| {
        options.start = Start::Resume;
        options.bytes = Some(length);
    });
    let upload = open(place.files.write(&path, &options)).await;
    assert_eq!(upload.from_bytes(), part.min(full));
    drop(upload);
    assert_eq!(place.upload("file", &wanted, &options).await, Reply::Done(length));
    assert_same(&fs::read(place.here("file")).unwrap(), &wanted);
    assert_eq!(place.names(), ["file"]);
    // A part that is longer than the file is none of it.
    place.put(".other.part", &wanted);
    let options = super::place::options(|options| {
        options.start = Start::Resume;
        options.bytes = Some(5);
    });
    assert_eq!(place.upload("other", b"other", &options).await, Reply::Done(5));
    assert_eq!(fs::read(place.here("other")).unwrap(), b"other");
}

async fn what_is_there_is_replaced_only_on_request(backend: AnyBackend) {
    let place = Place::new(&backend).await;
    let path = place.put("file", b"old");
    assert_eq!(refusal(place.files.write(&path, &usual())).await, Refusal::Exists);
    // It may come into being while the upload is under way.
    let late = place.there("late");
    let mut upload = open(place.files.write(&late, &usual())).await;
    send(&mut upload, b"new").await;
    place.put("late", b"somebody else's");
    assert_eq!(refusal(upload.finish()).await, Refusal::Exists);
    assert_eq!(fs::read(place.here("late")).unwrap(), b"somebody else's");
    // Until it is finished, what is there stays.
    let replace = options(|options| options.taken = Taken::Replace);
    let mut upload = open(place.files.write(&path, &replace)).await;
    send(&mut upload, b"new").await;
    assert_eq!(fs::read(place.here("file")).unwrap(), b"old");
    open(upload.finish()).await;
    assert_eq!(fs::read(place.here("file")).unwrap(), b"new");
    // A link is replaced itself, not what it leads to.
    std::os::unix::fs::symlink(place.here("file"), place.here("link")).unwrap();
    place.upload("link", b"own", &replace).await.done().unwrap();
    assert_eq!(fs::read(place.here("file")).unwrap(), b"new");
    assert!(fs::symlink_metadata(place.here("link")).unwrap().is_file());
    fs::create_dir(place.here("folder")).unwrap();
    assert_eq!(refusal(place.files.write(&place.there("folder"), &replace)).await, Refusal::NotAFile);
}

async fn a_file_that_grows_is_read_to_its_end(backend: AnyBackend) {
    let place = Place::new(&backend).await;
    let wanted = noise(MEBIBYTE);
    let path = place.put("file", &wanted[..1000]);
    let mut download = open(place.files.read(&path, 0)).await;
    place.put("file", &wanted);
    assert_same(&drain(&mut download, 0).await, &wanted);
    assert_eq!(
        in_time(download.recv()).await.unwrap(),
        Received::End { bytes: u64::try_from(wanted.len()).unwrap() }
    );
    // The system makes this one up, and tells no length.
    let status = FilePath::parse("/proc/self/status").unwrap();
    let mut download = open(place.files.read(&status, 0)).await;
    assert_eq!(download.bytes_total(), 0);
    assert!(drain(&mut download, 0).await.starts_with(b"Name:"));
}
