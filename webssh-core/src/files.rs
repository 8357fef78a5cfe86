//! The files at a server, over SFTP version 3: lists, downloads and uploads that can be gone on with.
//!
//! The client is our own, and the same for every backend: a [`Backend`](crate::ssh::Backend) opens the
//! channel on an SSH connection of its own, so a transfer never stands in the way of a terminal. One task
//! owns the channel; [`Files`] are handles to it. Reads and writes are sent ahead up to a limit, so a long
//! line does not slow them down.
//!
//! ```
//! use webssh_core::files::{FileLimits, FilePath, Files, Received, Reply};
//! # use bytes::{Bytes, BytesMut};
//! # use webssh_core::files::packet::{Answer, Attrs, Call, ClientPacket, ServerPacket, Splitter, StatusCode};
//! # fn answer(call: &Call) -> Answer {
//! #     match call {
//! #         Call::Open { .. } => Answer::Handle(Bytes::from_static(b"h")),
//! #         Call::Stat { .. } | Call::Fstat { .. } => {
//! #             Answer::Attrs(Attrs { bytes: Some(5), mode: Some(0o100_644), ..Attrs::default() })
//! #         }
//! #         Call::Read { offset: 0, .. } => Answer::Data(Bytes::from_static(b"hello")),
//! #         Call::Read { .. } => Answer::status(StatusCode::EOF),
//! #         _ => Answer::status(StatusCode::OK),
//! #     }
//! # }
//! # async fn serve(mut port: webssh_core::ssh::ShellPort) {
//! #     let mut splitter = Splitter::new(1024);
//! #     while let Some(bytes) = port.recv_input().await {
//! #         splitter.push(&bytes);
//! #         let mut out = BytesMut::new();
//! #         while let Some(body) = splitter.next_body().expect("short packets") {
//! #             match ClientPacket::decode(body).expect("good packets") {
//! #                 ClientPacket::Init { .. } => ServerPacket::Version { version: 3, extensions: vec![] },
//! #                 ClientPacket::Call { id, call } => ServerPacket::Answer { id, answer: answer(&call) },
//! #             }
//! #             .encode(&mut out);
//! #         }
//! #         port.send_output(out.freeze()).await;
//! #     }
//! # }
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! # // With a server: `backend.files(&dial, &FileLimits::default()).await?`.
//! # let (channel, port) = webssh_core::ssh::Shell::pair();
//! # tokio::spawn(serve(port));
//!
//! let files = Files::open(channel, &FileLimits::default()).await?; // or `Backend::files`
//! let Reply::Done(mut download) = files.read(&FilePath::parse("greeting.txt")?, 0).await? else {
//!     panic!("it is there");
//! };
//! let mut text = Vec::new();
//! while let Received::Chunk { bytes, .. } = download.recv().await? {
//!     text.extend_from_slice(&bytes);
//!     println!("{} of {} bytes", text.len(), download.bytes_total());
//! }
//! assert_eq!(text, b"hello");
//! # Ok::<(), webssh_core::Error>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Uploads
//!
//! An upload grows as `.NAME.part` beside its place. When all of it is at the server it is written to the
//! disk (`fsync@openssh.com`) and renamed (`posix-rename@openssh.com`), so nobody ever sees half a file. If
//! the connection breaks, the part stays: [`Start::Resume`] goes on at [`Upload::from_bytes`].
//!
//! # Limits
//!
//! - [`FileLimits`] bound every file, list and transfer.
//! - The server's account decides what may be reached. Links are followed as the server follows them; in a
//!   list they are told as links.
//! - A server without `posix-rename@openssh.com` replaces in two steps: for a moment nothing is there.
//! - A name of more than 249 bytes has no room for its part on most file systems; the server refuses it.
//! - Two sessions that upload to the same path at the same time write the same part. One session refuses.
//! - Whether a part belongs to the file that is to be gone on with, the application has to know.

#[cfg(feature = "pump")]
mod caller;
#[cfg(feature = "pump")]
mod download;
#[cfg(feature = "pump")]
mod entry;
#[cfg(feature = "pump")]
mod fault;
#[cfg(feature = "pump")]
mod limits;
#[cfg(feature = "pump")]
mod mux;
#[cfg(feature = "pump")]
mod owner;
pub mod packet;
#[cfg(feature = "pump")]
mod path;
#[cfg(feature = "pump")]
mod reads;
#[cfg(feature = "pump")]
mod refusal;
#[cfg(feature = "pump")]
mod session;
#[cfg(feature = "pump")]
mod steps;
#[cfg(feature = "pump")]
mod upload;
#[cfg(feature = "pump")]
mod verbs;

#[cfg(feature = "pump")]
pub use download::{Download, Received};
#[cfg(feature = "pump")]
pub use entry::{About, Entry, FileKind, Listing};
#[cfg(feature = "pump")]
pub(crate) use fault::Fault;
#[cfg(feature = "pump")]
pub use limits::FileLimits;
#[cfg(feature = "pump")]
pub use path::{FilePath, Name};
#[cfg(feature = "pump")]
pub use refusal::{Refusal, Reply};
#[cfg(feature = "pump")]
pub use session::{Files, Start, Taken, WriteOptions};
#[cfg(feature = "pump")]
pub use upload::Upload;
