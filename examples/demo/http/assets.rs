//! Assets: our own files, embedded in the binary, and the browser libraries that npm brought when it was built.

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use webssh_core::client;

use super::problem::Problem;
use crate::vendor::vendor;

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// One of our own files, with its media type.
fn own(path: &str) -> Option<(&'static [u8], &'static str)> {
    Some(match path {
        "school.css" => (include_bytes!("../assets/school.css"), "text/css; charset=utf-8"),
        "sale.js" => (include_bytes!("../assets/sale.js"), SCRIPT),
        "checkout.js" => (include_bytes!("../assets/checkout.js"), SCRIPT),
        "leave.js" => (include_bytes!("../assets/leave.js"), SCRIPT),
        "order.js" => (include_bytes!("../assets/order.js"), SCRIPT),
        "office.js" => (include_bytes!("../assets/office.js"), SCRIPT),
        "matrix.js" => (include_bytes!("../assets/matrix.js"), SCRIPT),
        "office.css" => (include_bytes!("../assets/office.css"), "text/css; charset=utf-8"),
        "lab.js" => (include_bytes!("../assets/lab.js"), SCRIPT),
        "lab_desk.js" => (include_bytes!("../assets/lab_desk.js"), SCRIPT),
        "lab_files.js" => (include_bytes!("../assets/lab_files.js"), SCRIPT),
        "lab_replay.js" => (include_bytes!("../assets/lab_replay.js"), SCRIPT),
        "lab_watch.js" => (include_bytes!("../assets/lab_watch.js"), SCRIPT),
        "lab_xterm.js" => (include_bytes!("../assets/lab_xterm.js"), SCRIPT),
        "lab.css" => (include_bytes!("../assets/lab.css"), "text/css; charset=utf-8"),
        "icon.svg" => (include_bytes!("../assets/icon.svg"), "image/svg+xml"),
        _ => return None,
    })
}

/// `GET /assets/{*path}`: the file with its type and an ETag; 304 for a client that has it.
pub(crate) async fn asset(Path(path): Path<String>, request: HeaderMap) -> Response {
    let found = match path.split_once('/') {
        Some(("vendor", name)) => vendor(name),
        Some(("webssh", name)) => client::file(name).map(|file| (file.text.as_bytes(), file.media_type)),
        _ => own(&path),
    };
    match found {
        Some((bytes, mime)) => file(bytes, mime, &request),
        None => Problem::not_found().into_response(),
    }
}

fn file(bytes: &'static [u8], mime: &'static str, request: &HeaderMap) -> Response {
    let digest = Sha256::digest(bytes);
    let tag: String = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{tag}\"");
    let mut headers = HeaderMap::new();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    for (name, value) in [(header::ETAG, tag.as_str()), (header::CONTENT_TYPE, mime)] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    if request.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, bytes).into_response()
}
