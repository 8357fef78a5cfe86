//! A file over SFTP, down and up: by our client, and by that of OpenSSH.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::time::timeout;
use webssh_core::files::{Download, FilePath, Files, Received, Reply, Taken, WriteOptions};

use super::{Library, Place, read, wrong};
use crate::contest::Load;
use crate::shift::Task;
use crate::side::Local;
use crate::{Error, Timing};

/// The longest wait for a file.
const DEADLINE: Duration = Duration::from_secs(60);

/// What an upload is given at once.
const PIECE_BYTES: usize = 256 * 1024;

/// What the client of OpenSSH is told to say when a file is there.
const DONE: &str = "done";

/// A server with a file, and a folder beside it for what goes up and comes down.
pub(crate) struct FilesPlace {
    place: Place,
    pub(crate) text: Bytes,
}

/// Where a file goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Down,
    Up,
}

/// Our client.
pub(crate) struct Ours {
    at: Rc<FilesPlace>,
    library: Library,
    direction: Direction,
    files: Option<Files>,
}

/// The client of OpenSSH.
pub(crate) struct Client {
    at: Rc<FilesPlace>,
    direction: Direction,
    program: Option<Sftp>,
}

/// A client that waits for commands.
struct Sftp {
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl FilesPlace {
    pub(crate) fn start(bytes: usize) -> Result<Self, Error> {
        let place = Place::of_files()?;
        let text = read::text(bytes);
        fs::write(place.file(), &text)?;
        Ok(Self { place, text })
    }

    /// Where a file of a side arrives; each round writes over the one before.
    fn arrived(&self, side: &str) -> PathBuf {
        self.place.folder().join(side)
    }

    /// Compares what has arrived, when the clock has stopped.
    fn timing(&self, side: &str, wall: Duration) -> Result<Timing, Error> {
        if fs::read(self.arrived(side))? != self.text {
            return Err(wrong("other bytes", "the text of the file"));
        }
        let mib = f64::from(u32::try_from(self.text.len()).unwrap_or(u32::MAX)) / f64::from(1 << 20);
        Ok(Timing { rate: mib / wall.as_secs_f64(), p50: None, p99: None })
    }
}

impl Ours {
    pub(crate) fn new(at: &Rc<FilesPlace>, library: Library, direction: Direction) -> Self {
        Self { at: Rc::clone(at), library, direction, files: None }
    }

    async fn transfer(&self) -> Result<Timing, Error> {
        let files = self.files.as_ref().ok_or_else(|| wrong("no connection", "one"))?;
        let started = Instant::now();
        match self.direction {
            Direction::Down => self.download(files).await?,
            Direction::Up => self.upload(files).await?,
        }
        self.at.timing("ours", started.elapsed())
    }

    async fn download(&self, files: &Files) -> Result<(), Error> {
        let mut download: Download = done(files.read(&remote(&self.at.place.file())?, 0).await?)?;
        let mut file = fs::File::create(self.at.arrived("ours"))?;
        loop {
            match download.recv().await? {
                Received::Chunk { bytes, .. } => file.write_all(&bytes)?,
                Received::End { .. } => return Ok(()),
                Received::Refused(refusal) => return Err(wrong(refusal.to_string(), "the file")),
            }
        }
    }

    async fn upload(&self, files: &Files) -> Result<(), Error> {
        let mut options = WriteOptions::default();
        options.taken = Taken::Replace;
        let mut upload = done(files.write(&remote(&self.at.arrived("ours"))?, &options).await?)?;
        let mut rest = self.at.text.clone();
        while !rest.is_empty() {
            let piece = rest.split_to(rest.len().min(PIECE_BYTES));
            done(upload.send(piece).await?)?;
        }
        done(upload.finish().await?).map(drop)
    }
}

fn remote(path: &Path) -> Result<FilePath, Error> {
    Ok(FilePath::parse(path.display().to_string())?)
}

fn done<T>(reply: Reply<T>) -> Result<T, Error> {
    match reply {
        Reply::Done(value) => Ok(value),
        Reply::Refused(refusal) => Err(wrong(refusal.to_string(), "the file")),
    }
}

impl Client {
    pub(crate) fn new(at: &Rc<FilesPlace>, direction: Direction) -> Self {
        Self { at: Rc::clone(at), direction, program: None }
    }

    async fn transfer(&mut self) -> Result<Timing, Error> {
        let program = self.program.as_mut().ok_or_else(|| wrong("no connection", "one"))?;
        let (file, arrived) = (self.at.place.file(), self.at.arrived("peer"));
        let command = match self.direction {
            Direction::Down => format!("get {} {}", file.display(), arrived.display()),
            // Ours is on the disk of the server when it is done; `-f` asks for the same.
            Direction::Up => format!("put -f {} {}", file.display(), arrived.display()),
        };
        let started = Instant::now();
        program.command(&command).await?;
        self.at.timing("peer", started.elapsed())
    }
}

impl Sftp {
    async fn start(place: &Place) -> Result<Self, Error> {
        let mut command = tokio::process::Command::from(place.sftp());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(wrong("a client without pipes", "both"));
        };
        let mut program = Self { input, output: BufReader::new(output).lines(), _child: child };
        program.command("pwd").await?;
        Ok(program)
    }

    /// Has a command done. The client ends at the first that fails.
    async fn command(&mut self, command: &str) -> Result<(), Error> {
        let lines = format!("{command}\n!echo {DONE}\n");
        self.input.write_all(lines.as_bytes()).await?;
        self.input.flush().await?;
        let said = async {
            while let Some(line) = self.output.next_line().await? {
                if line == DONE {
                    return Ok(());
                }
            }
            Err(wrong("the end of the client", command))
        };
        timeout(DEADLINE, said).await.unwrap_or_else(|_| Err(wrong("nothing in a minute", command)))
    }
}

impl Task for Ours {
    fn prepare(&mut self) -> Local<'_, Result<(), Error>> {
        Box::pin(async {
            if self.files.is_none() {
                self.files = Some(self.at.place.dialer().files(self.library.backend()).await?);
            }
            Ok(())
        })
    }

    fn run(&mut self, _load: Load) -> Local<'_, Result<Timing, Error>> {
        Box::pin(self.transfer())
    }

    fn about(&self) -> String {
        format!("webssh-core, files over {}", self.library.about())
    }
}

impl Task for Client {
    fn prepare(&mut self) -> Local<'_, Result<(), Error>> {
        Box::pin(async {
            if self.program.is_none() {
                self.program = Some(Sftp::start(&self.at.place).await?);
            }
            Ok(())
        })
    }

    fn run(&mut self, _load: Load) -> Local<'_, Result<Timing, Error>> {
        Box::pin(self.transfer())
    }

    fn about(&self) -> String {
        format!("the sftp client of {}", super::line::client_version())
    }
}
