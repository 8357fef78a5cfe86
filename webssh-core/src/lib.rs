//! The pump between a terminal in a browser and a shell behind SSH, without a web framework.
//!
//! A browser speaks small binary [frames](frame), the far end speaks SSH. In between stands a
//! [`Bridge`]: a state machine that numbers both byte streams, hands out credit, cuts output between
//! characters, keeps every buffer bounded and ends idle sessions. It does no I/O and reads no clock:
//!
//! ```
//! use std::time::Duration;
//! use webssh_core::frame::{Caps, ClientFrame, Hello, VERSION};
//! use webssh_core::{Action, Bridge, Limits, WinSize};
//!
//! let mut bridge = Bridge::new(Limits::default(), Duration::ZERO);
//! let hello = Hello { version: VERSION, caps: Caps::NONE, size: WinSize::new(100, 30)? };
//! bridge.on_frame(Duration::from_millis(5), &ClientFrame::Hello(hello).encode());
//! while let Some(action) = bridge.poll() {
//!     match action {
//!         Action::ResizeChannel(size) => assert_eq!(size.to_string(), "100x30"),
//!         Action::SendFrame(bytes) => assert_eq!(bytes[0], 0x81), // Welcome
//!         other => unreachable!("nothing was typed: {other:?}"),
//!     }
//! }
//! # Ok::<(), webssh_core::Error>(())
//! ```
//!
//! # The nouns
//!
//! - [`frame`]: the wire, with its table; [`WinSize`]; [`Limits`].
//! - [`Bridge`], [`Action`], [`CloseReason`]: one session.
//! - [`TargetPolicy`] and [`Target`]: which servers may be reached; none by default.
//! - [`KnownHosts`], [`HostKey`], [`HostVerdict`]: whether a server is who it was.
//! - [`Credentials`], [`Secret`]: what is shown to a server, after its key was accepted.
//! - `ssh::Shell` (feature `pump`): a shell as two handles; `ssh::Libssh2` (feature `ssh2`) opens one.
//! - `pump::run` (feature `pump`): drives a bridge until it closes.
//!
//! # Missing on purpose
//!
//! No WebSocket: two small traits of `pump` join any. No login of the browser's user, no name
//! resolution, no ticket: the application decides who gets which [`Target`]. No trust on first use: an
//! unknown host key is a verdict to show, and adding a line is a person's decision. No host
//! certificates, no compression, no port or agent forwarding.

mod auth;
mod bridge;
mod error;
mod flow;
pub mod frame;
mod known_hosts;
mod limits;
#[cfg(feature = "pump")]
pub mod pump;
mod ring;
#[cfg(feature = "pump")]
pub mod ssh;
mod target;
mod utf8;
mod winsize;

pub use auth::{Credentials, Secret};
pub use bridge::{Action, Bridge, ChannelEnd, CloseReason, ProtocolError};
pub use error::{Error, ErrorKind};
pub use known_hosts::{Fingerprint, HostKey, HostVerdict, KnownHost, KnownHosts, SkipReason};
pub use limits::{Limits, LimitsConfig};
pub use target::{Admission, Target, TargetPolicy};
pub use winsize::WinSize;

#[cfg(all(doctest, feature = "ssh2"))]
#[doc = include_str!("../README.md")]
struct Readme;
