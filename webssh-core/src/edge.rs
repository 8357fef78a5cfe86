//! Ready halves of a browser's connection for the pump: one small file a transport, each a feature.
//!
//! | module | feature | joins |
//! |---|---|---|
//! | `duplex` | `pump` | any `AsyncRead + AsyncWrite`, with a length before each frame |
//! | `axum` | `axum` | a WebSocket of axum |
//! | `tungstenite` | `tungstenite` | a WebSocket of tokio-tungstenite, and so of most servers on hyper |
//! | `actix` | `actix` | a WebSocket of actix-ws |
//!
//! Each module has a function that splits a connection into a [`FrameSource`](crate::pump::FrameSource)
//! and a [`FrameSink`](crate::pump::FrameSink). WebSocket messages above
//! [`CLIENT_FRAME_BYTES_MAX`](crate::frame::CLIENT_FRAME_BYTES_MAX) are to be refused by the WebSocket
//! layer, before they are read; the modules have a helper for that where their layer can be told.

#[cfg(feature = "actix")]
pub mod actix;
#[cfg(feature = "axum")]
pub mod axum;
pub mod duplex;
#[cfg(feature = "tungstenite")]
pub mod tungstenite;

#[cfg(any(feature = "actix", feature = "axum", feature = "tungstenite"))]
use std::{future::Future, time::Duration};

use crate::CloseReason;

/// How long the close frame may take to leave.
#[cfg(any(feature = "actix", feature = "axum", feature = "tungstenite"))]
const GOODBYE_MAX: Duration = Duration::from_secs(5);

/// The WebSocket close code for a connection that ended so (RFC 6455, section 7.4.1).
///
/// The page learns the exact reason from the last frame; the code is for logs and proxies in between.
///
/// ```
/// use webssh_core::{ChannelEnd, CloseReason, edge};
///
/// assert_eq!(edge::close_code(&CloseReason::Ended(ChannelEnd::Exited { status: 0 })), 1000);
/// assert_eq!(edge::close_code(&CloseReason::Idle), 1008);
/// ```
#[must_use]
pub fn close_code(reason: &CloseReason) -> u16 {
    match reason {
        CloseReason::Ended(_) | CloseReason::Undrained(_) | CloseReason::PeerClosed => 1000,
        CloseReason::Protocol(_) => 1002,
        _ => 1008,
    }
}

/// Sends the close frame of a transport. Whoever does not take it is gone, which is what it says.
#[cfg(any(feature = "actix", feature = "axum", feature = "tungstenite"))]
async fn goodbye<E>(sending: impl Future<Output = Result<(), E>>) {
    let _told = tokio::time::timeout(GOODBYE_MAX, sending).await;
}
