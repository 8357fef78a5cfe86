//! The pump between a terminal in a browser and a shell behind SSH, without a web framework.
//!
//! A browser speaks small binary [frames](frame), the far end speaks SSH. In between stands a
//! [`Bridge`]: a state machine that numbers both byte streams, hands out credit, cuts output between
//! characters, keeps every buffer bounded, outlives a cut connection and ends idle sessions. It does no I/O
//! and reads no clock:
//!
//! ```
//! use std::time::Duration;
//! use webssh_core::frame::{Hello, Role};
//! use webssh_core::{Action, Bridge, Limits, ResumeToken, Send, WinSize};
//!
//! let mut bridge = Bridge::new(Limits::default(), Duration::ZERO);
//! let hello = Hello::plain(WinSize::new(100, 30)?);
//! let token = ResumeToken::from_bytes([7; 32]); // random bytes, outside of an example
//! let tab = bridge.attach(Duration::from_millis(5), &hello, Role::Owner, &token);
//! let Some(Action::ResizeChannel(size)) = bridge.poll() else { unreachable!("the shell learns the size") };
//! assert_eq!(size.to_string(), "100x30");
//! let Some(Send::Frame(welcome)) = bridge.poll_connection(tab) else { unreachable!("a hello is answered") };
//! assert_eq!(welcome[0], 0x81);
//! # Ok::<(), webssh_core::Error>(())
//! ```
//!
//! # The nouns
//!
//! - [`frame`]: the wire, with its [table](docs::wire); [`WinSize`]; [`Limits`].
//! - [`Bridge`], [`Action`], [`CloseReason`]: one session; [`Send`], [`ConnectionId`], [`ResumeToken`]: its
//!   connections.
//! - [`TargetPolicy`], [`Target`], [`Destination`]: which servers may be reached, and at which of their
//!   addresses; none by default.
//! - [`KnownHosts`], [`HostKey`], [`HostVerdict`]: whether a server is who it was. `HostKeys` (feature
//!   `pump`) asks a person about a new one, or stores it.
//! - [`Login`], [`Credentials`], [`Secret`]: what is shown to a server, after its key was accepted;
//!   [`Prompts`]: what it asks. [`Throttle`]: how often somebody may guess.
//! - `ssh::Shell` (feature `pump`): a shell as two handles; `ssh::Libssh2` (feature `ssh2`) and
//!   `ssh::Russh` (feature `russh`) open one.
//! - `files::Files` (feature `pump`): the files at a server over SFTP; [`files::packet`], its packets.
//! - [`transcript`]: recordings; `record` (feature `pump`) makes one while a session runs.
//! - [`audit`]: the commands of a session, before the shell gets them.
//! - [`ticket`]: who may open what, once; `hub::Hub` (feature `pump`): all sessions of a service, with their
//!   limits and a budget of memory. `pump::run` drives one bridge over one connection, without a hub.
//! - `edge` (feature `pump`): the WebSockets of axum, tungstenite and actix, each behind its feature; [`Origins`]:
//!   which pages may open one. [`preset`]: the front ends of ttyd and webssh; [`client`]: one of our own.
//!
//! [What it defends against](docs::threat_model), with the test of each attack; [coming from webssh, ttyd or
//! wetty](docs::coming_from).
//!
//! # Missing on purpose
//!
//! No login of the browser's user: the application knows who somebody is, and decides by an `Opener` which
//! [`Target`] they get and with which [`Login`]. No server and no page: a page embeds the modules of [`client`].
//! No compression, which would tell an eavesdropper what is typed. No port, agent or X11 forwarding.

pub mod audit;
mod auth;
#[cfg(feature = "pump")]
mod boxed;
mod bridge;
pub mod client;
mod dialogue;
pub mod docs;
#[cfg(feature = "pump")]
pub mod edge;
mod error;
pub mod files;
mod flow;
pub mod frame;
#[cfg(feature = "pump")]
mod hosts;
#[cfg(feature = "pump")]
pub mod hub;
mod known_hosts;
mod limits;
mod lossy;
mod origin;
pub mod preset;
#[cfg(feature = "pump")]
pub mod pump;
#[cfg(feature = "pump")]
pub mod record;
mod resume;
mod ring;
#[cfg(feature = "pump")]
pub mod ssh;
mod target;
mod throttle;
pub mod ticket;
pub mod transcript;
mod utf8;
mod vt;
mod winsize;

pub use auth::{Credentials, Login, Secret};
#[cfg(feature = "pump")]
pub use boxed::BoxFuture;
pub use bridge::{
    Action, Bridge, ChannelEnd, CloseReason, ConnectionId, ConnectionView, ProtocolError, Send,
};
#[cfg(feature = "pump")]
pub use dialogue::{Dialogue, NoDialogue};
pub use dialogue::{HostQuestion, Prompt, Prompts};
pub use error::{Error, ErrorKind};
pub use frame::Role;
#[cfg(feature = "pump")]
pub use hosts::{Added, FileHosts, HostKeys, HostStore, MemoryHosts};
pub use known_hosts::{
    CertificateFault, Fingerprint, HostKey, HostVerdict, KnownHost, KnownHosts, SkipReason,
};
#[cfg(feature = "host-certificates")]
pub use known_hosts::{CertificateVerdict, HostCertificate};
pub use limits::{Limits, LimitsConfig};
pub use origin::Origins;
pub use resume::ResumeToken;
pub use target::{
    AddressCheck, AddressRange, AddressRefusal, Admission, Destination, Ports, Resolved, Target,
    TargetPolicy, TargetPolicyBuilder,
};
pub use throttle::{Attempt, Throttle, ThrottleConfig, Throttled};
pub use winsize::WinSize;

#[cfg(all(doctest, feature = "ssh2"))]
#[doc = include_str!("../README.md")]
struct Readme;
