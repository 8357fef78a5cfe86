//! The files in a learner's home: a list, downloads, and uploads that can be gone on with.

use std::io;
use std::pin::Pin;
use std::time::Duration;

use axum::Json as Reply;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt as _};
use serde_json::json;
use tokio::time::timeout;
use webssh_core::files::{
    Download, Entry, FileKind, FilePath, Files, Name, Received, Refusal, Reply as Answer, Start, Taken,
    WriteOptions,
};

use super::admitted;
use super::socket::{Need, expelled};
use crate::app::{App, Shared};
use crate::http::problem::{ApiResult, Problem};
use crate::http::visitor::Visitor;
use crate::lab::file_limits;

/// How long an upload may be silent.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// How long it may take in all.
const UPLOAD_MAX: Duration = Duration::from_mins(10);
/// What a file name in a header is not to hold as it is (RFC 8187, `attr-char` is what may stay).
const PLAIN: &[u8] = b"!#$&+-.^_`|~";

/// A file, as pages show it.
#[derive(Debug, serde::Serialize)]
struct FileView {
    /// The name to ask by; none for one that is no text.
    name: Option<String>,
    /// The name to read, with nothing in it that could deceive.
    shown: String,
    is_file: bool,
    bytes: u64,
    modified_secs: u64,
}

impl FileView {
    fn of(entry: &Entry) -> Self {
        Self {
            name: entry.name.as_str().map(str::to_owned),
            shown: entry.name.to_string(),
            is_file: entry.about.kind == FileKind::File,
            bytes: entry.about.bytes,
            modified_secs: entry.about.modified_secs,
        }
    }
}

/// `GET /api/v1/lab/{slug}/files`: what is in the visitor's home, without what hides behind a dot.
pub(crate) async fn list(State(app): State<Shared>, visitor: Visitor, Path(slug): Path<String>) -> ApiResult {
    let files = home(&app, &visitor, &slug).await?;
    let mut listing = done(files.list(&folder()?).await)?;
    listing.entries.retain(|entry| !entry.name.as_bytes().starts_with(b"."));
    listing.entries.sort_by(|one, other| one.name.cmp(&other.name));
    let entries: Vec<_> = listing.entries.iter().map(FileView::of).collect();
    let file_bytes_max = file_limits().file_bytes_max;
    let list =
        json!({ "files": entries, "is_complete": listing.is_complete, "file_bytes_max": file_bytes_max });
    Ok(Reply(list).into_response())
}

/// `GET /api/v1/lab/{slug}/files/{name}`: one of them, in a stream that breaks off when the visitor may no longer
/// have it.
pub(crate) async fn download(
    State(app): State<Shared>,
    visitor: Visitor,
    Path((slug, name)): Path<(String, String)>,
) -> ApiResult {
    let files = home(&app, &visitor, &slug).await?;
    let download = done(files.read(&place(&name)?, 0).await)?;
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename*=UTF-8''{}", encoded(&name))),
    ];
    tracing::info!(user = visitor.account.id, bytes = download.bytes_total(), "file taken from the lab");
    let gone = async move { expelled(&app, &visitor, &Need::Course(slug)).await };
    Ok((headers, Body::from_stream(sending(download, Box::pin(gone)))).into_response())
}

/// The bytes of a download, until `gone` says that it is over.
fn sending(
    download: Download,
    gone: Pin<Box<dyn Future<Output = ()> + Send>>,
) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::try_unfold((download, gone), |(mut download, mut gone)| async move {
        let received = tokio::select! {
            received = download.recv() => received.map_err(io::Error::other)?,
            () = &mut gone => return Err(io::ErrorKind::PermissionDenied.into()),
        };
        match received {
            Received::Chunk { bytes, .. } => Ok(Some((bytes, (download, gone)))),
            Received::End { .. } => Ok(None),
            Received::Refused(refusal) => Err(io::Error::other(refusal.to_string())),
        }
    })
}

/// `GET /api/v1/lab/{slug}/parts/{name}`: how much of an upload has arrived that was not finished.
pub(crate) async fn part(
    State(app): State<Shared>,
    visitor: Visitor,
    Path((slug, name)): Path<(String, String)>,
) -> ApiResult {
    let files = home(&app, &visitor, &slug).await?;
    let bytes = done(files.part_bytes(&place(&name)?).await)?;
    Ok(Reply(json!({ "bytes": bytes })).into_response())
}

/// An upload: the bytes from `from` on of a file of `bytes` bytes.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct Sent {
    from: u64,
    bytes: u64,
    /// Whether a file that is there already gives way.
    #[serde(default)]
    replace: bool,
}

/// `PUT /api/v1/lab/{slug}/uploads/{name}?from=0&bytes=5`: a file into the visitor's home. It is there when all of it
/// is; what arrived of one that was cut stays, to be gone on with.
pub(crate) async fn upload(
    State(app): State<Shared>,
    visitor: Visitor,
    Path((slug, name)): Path<(String, String)>,
    sent: Result<Query<Sent>, QueryRejection>,
    body: Body,
) -> ApiResult {
    let Query(sent) = sent.map_err(|cause| Problem::bad_request("invalid_query", cause.body_text()))?;
    let files = home(&app, &visitor, &slug).await?;
    let path = place(&name)?;
    let need = Need::Course(slug);
    let received = tokio::select! {
        received = timeout(UPLOAD_MAX, receive(&files, &path, &sent, body)) => received,
        () = expelled(&app, &visitor, &need) => return Err(Problem::forbidden("this lab is no longer open to you")),
    };
    let bytes = received.map_err(|_| slow())??;
    tracing::info!(user = visitor.account.id, bytes, "file brought to the lab");
    Ok((StatusCode::CREATED, Reply(json!({ "bytes": bytes }))).into_response())
}

async fn receive(files: &Files, path: &FilePath, sent: &Sent, body: Body) -> Result<u64, Problem> {
    if sent.bytes > files.limits().file_bytes_max {
        return Err(refused(&Refusal::TooLarge { bytes_max: files.limits().file_bytes_max }));
    }
    let mut options = WriteOptions::default();
    options.taken = if sent.replace { Taken::Replace } else { Taken::Refuse };
    options.start = if sent.from > 0 { Start::Resume } else { Start::Anew };
    options.bytes = Some(sent.bytes);
    let mut upload = done(files.write(path, &options).await)?;
    if upload.from_bytes() != sent.from {
        let words = format!("{} bytes of it are there: go on from there, or begin anew", upload.from_bytes());
        return Err(Problem::conflict("part_differs", words));
    }
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = timeout(SILENCE_MAX, chunks.next()).await.map_err(|_| slow())? {
        let chunk = chunk.map_err(|_| Problem::bad_request("cut", "the upload was cut; go on with it"))?;
        done(upload.send(chunk).await)?;
    }
    done(upload.finish().await)
}

/// The visitor's files, if the lab is theirs.
async fn home(app: &App, visitor: &Visitor, slug: &str) -> Result<Files, Problem> {
    admitted(app, visitor, slug).await?;
    app.lab.files(&visitor.account.id).await.map_err(|failure| {
        let words = format!("the files cannot be reached: {}; try again in a moment", failure.text());
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "files_unavailable", words)
    })
}

fn folder() -> Result<FilePath, Problem> {
    FilePath::parse(".").map_err(|cause| broken(&cause))
}

/// The path of a name in the home; never one that leads out of it.
fn place(name: &str) -> Result<FilePath, Problem> {
    let bad = || {
        Problem::bad_request("invalid_name", "a file name is 1 to 255 bytes without `/`, and not `.` or `..`")
    };
    let name = Name::parse(name).filter(|name| name.as_bytes().len() <= 255).ok_or_else(bad)?;
    folder()?.join(&name).map_err(|cause| broken(&cause))
}

/// What came of a request to the server of the files.
fn done<T>(answer: Result<Answer<T>, webssh_core::Error>) -> Result<T, Problem> {
    answer.map_err(|cause| broken(&cause))?.done().map_err(|refusal| refused(&refusal))
}

fn refused(refusal: &Refusal) -> Problem {
    let (status, code) = match refusal {
        Refusal::NotFound => (StatusCode::NOT_FOUND, "not_found"),
        Refusal::Denied => (StatusCode::FORBIDDEN, "denied"),
        Refusal::Exists => (StatusCode::CONFLICT, "exists"),
        Refusal::NotAFile => (StatusCode::CONFLICT, "not_a_file"),
        Refusal::Incomplete { .. } => (StatusCode::CONFLICT, "incomplete"),
        Refusal::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
        Refusal::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
        _ => (StatusCode::BAD_GATEWAY, "server_refused"),
    };
    Problem::new(status, code, refusal.to_string())
}

fn broken(cause: &webssh_core::Error) -> Problem {
    Problem::broken("lab server", cause.is_transient(), cause)
}

fn slow() -> Problem {
    Problem::new(StatusCode::REQUEST_TIMEOUT, "too_slow", "the upload takes too long; go on with it")
}

/// A file name for a header (RFC 8187, 3.2).
fn encoded(name: &str) -> String {
    let encode = |byte: u8| {
        let plain = byte.is_ascii_alphanumeric() || PLAIN.contains(&byte);
        if plain { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    name.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_in_the_home() {
        assert_eq!(place("诗.txt").unwrap().to_string(), "./诗.txt");
        for bad in ["", ".", "..", "a/b", "/etc", "a\0", &"x".repeat(256)] {
            assert_eq!(place(bad).unwrap_err().code, "invalid_name", "{bad}");
        }
    }

    #[test]
    fn a_name_in_a_header_is_plain() {
        assert_eq!(encoded("a b\"\r\n诗.txt"), "a%20b%22%0D%0A%E8%AF%97.txt");
    }
}
