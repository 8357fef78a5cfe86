//! The files of a home over SFTP: with our own client, with OpenSSH's, and with paths that try to get out.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use tokio::time::timeout;
use webssh_core::files::{
    FileKind, FileLimits, FilePath, Files, Received, Refusal, Reply, Taken, WriteOptions,
};
use webssh_core::ssh::{Backend as _, ConnectOptions, Connected, Dial, Libssh2};
use webssh_core::{
    Admission, Credentials, Error, HostKeys, KnownHosts, Login, NoDialogue, Resolved, Secret, TargetPolicy,
};

use super::place::{DEADLINE, Place, text, until, usual};

/// A session of files of a learner.
async fn files(place: &Place, learner: &str) -> Files {
    let addr = place.target.addr();
    let policy = TargetPolicy::new([addr.to_string().as_str()]).unwrap();
    let Admission::Allowed(target) = policy.admit("127.0.0.1", addr.port(), learner).unwrap() else {
        panic!("it is listed");
    };
    let Resolved::At(destination) = policy.destination(&target, &[addr]) else { panic!("it is allowed") };
    let pem = Secret::new(place.target.client_key_pem().to_owned());
    let login = Login::new([Credentials::key(pem, None).unwrap()]);
    let hosts = HostKeys::strict(KnownHosts::parse(&place.target.known_hosts_line()).unwrap());
    let mut options = ConnectOptions::default();
    // Within the deadline of the test.
    options.connect_secs_max = 60;
    let dial = Dial {
        destination: &destination,
        login: &login,
        hosts: &hosts,
        dialogue: &NoDialogue,
        options: &options,
        jump: None,
    };
    match timeout(DEADLINE, Libssh2.files(&dial, &FileLimits::default())).await.unwrap().unwrap() {
        Connected::Open(files) => files,
        refused => panic!("{refused:?}"),
    }
}

async fn done<T: std::fmt::Debug>(asking: impl Future<Output = Result<Reply<T>, Error>>) -> T {
    timeout(DEADLINE, asking).await.unwrap().unwrap().done().unwrap()
}

async fn refused<T: std::fmt::Debug>(asking: impl Future<Output = Result<Reply<T>, Error>>) -> Refusal {
    timeout(DEADLINE, asking).await.unwrap().unwrap().done().unwrap_err()
}

fn path(path: impl AsRef<[u8]>) -> FilePath {
    FilePath::parse(path).unwrap()
}

async fn read(files: &Files, name: &str) -> Vec<u8> {
    let mut download = done(files.read(&path(name), 0)).await;
    let mut all = Vec::new();
    loop {
        match timeout(DEADLINE, download.recv()).await.unwrap().unwrap() {
            Received::Chunk { bytes, .. } => all.extend_from_slice(&bytes),
            Received::End { .. } => return all,
            Received::Refused(refusal) => panic!("{refusal}"),
        }
    }
}

async fn write(files: &Files, name: &str, bytes: &[u8], options: &WriteOptions) {
    let mut upload = done(files.write(&path(name), options)).await;
    for piece in bytes.chunks(50_000) {
        done(upload.send(piece.to_vec().into())).await;
    }
    done(upload.finish()).await;
}

/// The home of a learner, and a shell in it.
async fn home(place: &Place, learner: &str) -> PathBuf {
    place.console(learner, usual()).await.home().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_go_and_come_and_are_the_learners() {
    let place = Place::new().await;
    let home = home(&place, "ming").await;
    let files = files(&place, "ming").await;
    assert_eq!(done(files.real_path(&path("."))).await, path("/"));
    let bytes: Vec<u8> = (0..3_000_000_u32).flat_map(|n| (n / 7).to_be_bytes()).take(3_000_000).collect();
    write(&files, "第一课.bin", &bytes, &WriteOptions::default()).await;
    assert!(fs::read(home.join("第一课.bin")).unwrap() == bytes);
    assert!(read(&files, "/第一课.bin").await == bytes);
    // Whoever runs this test: the shell may do with the file what it wants.
    let of_home = fs::metadata(&home).unwrap().uid();
    assert_eq!(fs::metadata(home.join("第一课.bin")).unwrap().uid(), of_home);
    done(files.make_dir(&path("src"))).await;
    assert_eq!(fs::metadata(home.join("src")).unwrap().uid(), of_home);
    let mut replace = WriteOptions::default();
    replace.taken = Taken::Replace;
    write(&files, "src/main.rs", b"fn main() {}", &WriteOptions::default()).await;
    write(&files, "src/main.rs", b"fn main() { }", &replace).await;
    assert_eq!(read(&files, "src/../src/./main.rs").await, b"fn main() { }");
    assert_eq!(refused(files.write(&path("src/main.rs"), &WriteOptions::default())).await, Refusal::Exists);
    assert_eq!(refused(files.remove(&path("src"))).await, Refusal::NotEmpty);
    done(files.rename(&path("src/main.rs"), &path("src/lib.rs"))).await;
    let listing = done(files.list(&path("src"))).await;
    assert_eq!(listing.entries.len(), 1);
    assert_eq!((listing.entries[0].name.to_string(), listing.entries[0].about.bytes), ("lib.rs".into(), 13));
    done(files.remove(&path("src/lib.rs"))).await;
    done(files.remove(&path("src"))).await;
    for n in 0..350 {
        fs::write(home.join(format!("n{n}")), "").unwrap();
    }
    let listing = done(files.list(&path("/"))).await;
    let names: Vec<_> = listing.entries.iter().filter_map(|entry| entry.name.as_str()).collect();
    assert!((0..350).all(|n| names.contains(&format!("n{n}").as_str())), "{names:?}");
    place.target.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_path_leads_out_of_the_home() {
    let place = Place::new().await;
    let home = home(&place, "ming").await;
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    let at = |name: &str| outside.path().join(name);
    symlink(at("secret"), home.join("absolute")).unwrap();
    symlink(outside.path(), home.join("folder")).unwrap();
    let up = "../".repeat(20) + at("secret").strip_prefix("/").unwrap().to_str().unwrap();
    symlink(&up, home.join("up")).unwrap();
    symlink("loop2", home.join("loop1")).unwrap();
    symlink("loop1", home.join("loop2")).unwrap();
    fs::create_dir(home.join("inside")).unwrap();
    fs::write(home.join("inside/file"), "mine").unwrap();
    let of_home = fs::metadata(&home).unwrap();
    chown(home.join("inside/file"), Some(of_home.uid()), Some(of_home.gid())).unwrap();
    symlink("inside", home.join("near")).unwrap();
    // A second name of a file that is somebody else's, as far as this machine lets anybody make one.
    let foreign = fs::hard_link("/etc/hostname", home.join("foreign")).is_ok();

    let files = files(&place, "ming").await;
    assert_eq!(read(&files, "near/file").await, b"mine");
    let secret = at("secret");
    for name in
        ["absolute", "folder/secret", "up", &up, secret.to_str().unwrap(), "loop1", "loop1/x", "/etc/passwd"]
    {
        let no = refused(files.read(&path(name), 0)).await;
        assert!(matches!(no, Refusal::NotFound | Refusal::Denied), "{name}: {no:?}");
    }
    for name in ["folder", "folder/", "../li", "/etc", "up/..", "near/../../.."] {
        match timeout(DEADLINE, files.list(&path(name))).await.unwrap().unwrap() {
            Reply::Done(listing) => {
                // It is the home again.
                let names: Vec<_> = listing.entries.iter().map(|entry| entry.name.to_string()).collect();
                assert!(names.contains(&"inside".to_owned()), "{name}: {names:?}");
            }
            Reply::Refused(no) => {
                assert!(matches!(no, Refusal::NotFound | Refusal::Denied), "{name}: {no:?}")
            }
        }
    }
    let usual = WriteOptions::default();
    for name in ["folder/new", "../new", "/../../tmp/new-by-ming", &up.replace("secret", "new")] {
        match timeout(DEADLINE, files.write(&path(name), &usual)).await.unwrap().unwrap() {
            Reply::Done(upload) => {
                done(upload.finish()).await;
            }
            Reply::Refused(no) => {
                assert!(matches!(no, Refusal::NotFound | Refusal::Denied), "{name}: {no:?}")
            }
        }
    }
    for (from, to) in [("inside/file", "folder/file"), ("folder/secret", "taken"), ("../li", "li")] {
        let no = refused(files.rename(&path(from), &path(to))).await;
        assert!(matches!(no, Refusal::NotFound | Refusal::Denied), "{from} {to}: {no:?}");
    }
    assert!(!matches!(files.remove(&path("folder/secret")).await.unwrap(), Reply::Done(())));
    assert!(!matches!(files.make_dir(&path("folder/new")).await.unwrap(), Reply::Done(())));
    assert_eq!(left(outside.path()), ["secret"]);
    assert!(!Path::new("/tmp/new-by-ming").exists());
    // A link is seen as a link, and may be removed: what it leads to stays.
    let listing = done(files.list(&path("/"))).await;
    let link = listing.entries.iter().find(|entry| entry.name.as_str() == Some("absolute")).unwrap();
    assert_eq!(link.about.kind, FileKind::Link);
    done(files.remove(&path("absolute"))).await;
    assert_eq!(left(outside.path()), ["secret"]);
    if foreign && fs::metadata("/etc/hostname").unwrap().uid() != of_home.uid() {
        assert_eq!(refused(files.read(&path("foreign"), 0)).await, Refusal::Denied);
    }
    // The home itself stays.
    assert!(!matches!(files.remove(&path(".")).await.unwrap(), Reply::Done(())));
    place.target.shutdown().await.unwrap();
}

fn left(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_file_and_what_is_too_long_is_refused() {
    let place = Place::new().await;
    let home = home(&place, "ming").await;
    assert!(Command::new("mkfifo").arg(home.join("pipe")).status().unwrap().success());
    let files = files(&place, "ming").await;
    assert_eq!(refused(files.read(&path("pipe"), 0)).await, Refusal::NotAFile);
    assert_eq!(refused(files.read(&path("/"), 0)).await, Refusal::NotAFile);
    let mut upload = done(files.write(&path("long"), &WriteOptions::default())).await;
    let no = loop {
        if let Reply::Refused(no) =
            timeout(DEADLINE, upload.send(vec![7; 1 << 20].into())).await.unwrap().unwrap()
        {
            break no;
        }
    };
    assert!(matches!(&no, Refusal::Failed { words } if words.contains("10 MiB")), "{no:?}");
    drop(upload);
    assert!(fs::metadata(home.join(".long.part")).unwrap().len() <= 10 << 20);
    place.target.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn opensshs_client_is_served_too() {
    let place = Place::new().await;
    let home = home(&place, "ming").await;
    let here = place.dir.path().join("up.txt");
    fs::write(&here, vec![b'x'; 300_000]).unwrap();
    let batch = place.dir.path().join("batch");
    let down = place.dir.path().join("down.txt");
    let script = format!(
        "put {0} a.txt\nmkdir d\nrename a.txt d/b.txt\nls -l d\nget d/b.txt {1}\nrm d/b.txt\nrmdir d\npwd\n",
        here.display(),
        down.display()
    );
    fs::write(&batch, script).unwrap();
    let mut args = place.args("ming");
    // Its flag of the port is another one, and so is that of the user.
    let at = args.iter().position(|arg| arg == "-p").unwrap();
    args[at] = "-P".into();
    let at = args.iter().position(|arg| arg == "-l").unwrap();
    args.drain(at..at + 2);
    let mut sftp = tokio::process::Command::new("sftp");
    sftp.args(args).arg("-b").arg(&batch).arg("ming@127.0.0.1").kill_on_drop(true);
    let output = timeout(DEADLINE, sftp.output()).await.unwrap();
    let output = output.expect("`sftp` did not start: apt-get install openssh-client");
    assert!(output.status.success(), "{output:?}");
    assert!(text(&output.stdout).contains("Remote working directory: /"), "{output:?}");
    assert_eq!(fs::read(&down).unwrap().len(), 300_000);
    let left = left(&home);
    assert!(!left.contains(&"a.txt".to_owned()) && !left.contains(&"d".to_owned()), "{left:?}");
    place.target.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_end_with_the_target_and_with_the_client() {
    let place = Place::new().await;
    let home = home(&place, "ming").await;
    let first = files(&place, "ming").await;
    let mut upload = done(first.write(&path("file"), &WriteOptions::default())).await;
    done(upload.send(vec![7; 1000].into())).await;
    // What is at the server is seen by other sessions; the first one ends, and nothing of it is lost.
    until("the part is written", || {
        fs::metadata(home.join(".file.part")).is_ok_and(|part| part.len() == 1000)
    })
    .await;
    drop((first, upload));
    let second = files(&place, "ming").await;
    assert_eq!(done(second.part_bytes(&path("file"))).await, 1000);
    place.target.shutdown().await.unwrap();
    let error = timeout(DEADLINE, second.list(&path("."))).await.unwrap().unwrap_err();
    assert!(error.is_transient(), "{error:?}");
}
