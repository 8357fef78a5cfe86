//! Folders and names: what is listed, made, renamed and removed.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;

use webssh_core::files::{FileKind, FileLimits, FilePath, Name, Refusal};

use super::place::{Place, open, path, refusal};
use crate::contract::for_each_backend;
use crate::contract::lab::AnyBackend;

for_each_backend!(
    a_folder_is_listed,
    a_big_folder_is_listed_up_to_the_limit,
    names_are_bytes_and_shown_without_danger,
    folders_are_made_and_removed,
    files_are_renamed_and_never_over_others,
    paths_begin_in_the_folder_of_the_login,
);

async fn a_folder_is_listed(backend: AnyBackend) {
    let place = Place::new(&backend).await;
    place.put("file", b"12345");
    fs::create_dir(place.here("folder")).unwrap();
    symlink("nowhere", place.here("link")).unwrap();
    let listing = open(place.files.list(&path(place.dir.path()))).await;
    assert!(listing.is_complete && listing.unusable == 0);
    let mut kinds: Vec<_> =
        listing.entries.iter().map(|entry| (entry.name.to_string(), entry.about.kind)).collect();
    kinds.sort_by(|a, b| a.0.cmp(&b.0));
    let wanted = [("file", FileKind::File), ("folder", FileKind::Folder), ("link", FileKind::Link)];
    assert_eq!(kinds, wanted.map(|(name, kind)| (name.to_owned(), kind)));
    let file = listing.entries.iter().find(|entry| entry.name.as_str() == Some("file")).unwrap();
    let here = fs::metadata(place.here("file")).unwrap();
    let modified = here.modified().unwrap().duration_since(std::time::UNIX_EPOCH).unwrap();
    assert_eq!((file.about.bytes, file.about.modified_secs), (5, modified.as_secs()));
    assert_eq!(file.about.mode & 0o600, 0o600);
    assert_eq!(open(place.files.stat(&place.there("file"))).await, file.about);
    assert_eq!(open(place.files.stat(&place.there("folder"))).await.kind, FileKind::Folder);
}

async fn a_big_folder_is_listed_up_to_the_limit(backend: AnyBackend) {
    let mut limits = FileLimits::default();
    limits.entries_max = 1200;
    let place = Place::with(&backend, &limits).await;
    let here = path(place.dir.path());
    for n in 0..1200 {
        place.put(&format!("a file with quite a long name, of which there are many: {n}"), b"");
    }
    let listing = open(place.files.list(&here)).await;
    assert_eq!((listing.entries.len(), listing.is_complete), (1200, true));
    let names: std::collections::HashSet<_> = listing.entries.iter().map(|entry| &entry.name).collect();
    assert_eq!(names.len(), 1200);
    place.put("one more", b"");
    let listing = open(place.files.list(&here)).await;
    assert_eq!((listing.entries.len(), listing.is_complete), (1200, false));
}

async fn names_are_bytes_and_shown_without_danger(backend: AnyBackend) {
    let place = Place::new(&backend).await;
    let names: [&[u8]; 5] =
        ["第一课 作业.txt".as_bytes(), b"a\x1b[2J\nb", b"\xff\xfe", "a\u{202e}gpj.exe".as_bytes(), b"-rf *"];
    for name in names {
        fs::write(place.dir.path().join(OsStr::from_bytes(name)), name).unwrap();
    }
    let folder = path(place.dir.path());
    let listing = open(place.files.list(&folder)).await;
    let mut shown: Vec<_> = listing.entries.iter().map(|entry| entry.name.to_string()).collect();
    shown.sort();
    let wanted = ["-rf *", r"\xff\xfe", r"a\u{1b}[2J\nb", r"a\u{202e}gpj.exe", "第一课 作业.txt"];
    assert_eq!(shown, wanted);
    for entry in &listing.entries {
        let path = folder.join(&entry.name).unwrap();
        let mut download = open(place.files.read(&path, 0)).await;
        assert_eq!(super::place::drain(&mut download, 0).await, entry.name.as_bytes());
        let to = folder.join(&Name::parse([entry.name.as_bytes(), b"2"].concat()).unwrap()).unwrap();
        open(place.files.rename(&path, &to)).await;
        open(place.files.remove(&to)).await;
    }
    assert!(place.names().is_empty());
}

async fn folders_are_made_and_removed(backend: AnyBackend) {
    let place = Place::new(&backend).await;
    let folder = place.there("folder");
    open(place.files.make_dir(&folder)).await;
    assert_eq!(refusal(place.files.make_dir(&folder)).await, Refusal::Exists);
    assert_eq!(refusal(place.files.make_dir(&place.there("no/folder"))).await, Refusal::NotFound);
    place.put("folder/file", b"");
    assert_eq!(refusal(place.files.remove(&folder)).await, Refusal::NotEmpty);
    assert_eq!(refusal(place.files.list(&place.there("folder/file"))).await, Refusal::NotFound);
    open(place.files.remove(&place.there("folder/file"))).await;
    open(place.files.remove(&folder)).await;
    assert_eq!(refusal(place.files.remove(&folder)).await, Refusal::NotFound);
    assert_eq!(refusal(place.files.list(&folder)).await, Refusal::NotFound);
    // Of a link to a folder the link is removed.
    fs::create_dir(place.here("kept")).unwrap();
    symlink("kept", place.here("link")).unwrap();
    open(place.files.remove(&place.there("link"))).await;
    assert_eq!(place.names(), ["kept"]);
}

async fn files_are_renamed_and_never_over_others(backend: AnyBackend) {
    let place = Place::new(&backend).await;
    let (from, to) = (place.put("from", b"moved"), place.there("to"));
    open(place.files.rename(&from, &to)).await;
    assert_eq!(fs::read(place.here("to")).unwrap(), b"moved");
    place.put("from", b"second");
    assert_eq!(refusal(place.files.rename(&from, &to)).await, Refusal::Exists);
    assert_eq!(fs::read(place.here("to")).unwrap(), b"moved");
    assert_eq!(refusal(place.files.rename(&place.there("gone"), &place.there("x"))).await, Refusal::NotFound);
}

async fn paths_begin_in_the_folder_of_the_login(backend: AnyBackend) {
    let place = Place::new(&backend).await;
    let home = open(place.files.real_path(&FilePath::parse(".").unwrap())).await;
    assert!(home.as_bytes().starts_with(b"/"), "{home}");
    fs::create_dir(place.here("folder")).unwrap();
    let around = place.there("folder/../folder/./");
    let real = fs::canonicalize(place.here("folder")).unwrap();
    assert_eq!(open(place.files.real_path(&around)).await, path(&real));
}
