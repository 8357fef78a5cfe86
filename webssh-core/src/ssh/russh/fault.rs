//! Why a session of russh failed, and who is to blame.

use std::io;

use russh::client::RemoteDisconnectInfo;

use crate::error::{Error, ErrorKind, Inner, quoted};

/// What the handler of a session fails with.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Ssh(#[from] russh::Error),
    /// The judge said no; the verdict is on its way by itself.
    #[error("the host key was refused")]
    HostRefused,
    #[error("the server has no strict key exchange and agrees on a cipher that needs it")]
    NotStrict,
    #[error("the server sent a packet of {bytes} bytes, over the limit of {bytes_max}")]
    PacketTooLarge { bytes: usize, bytes_max: usize },
    #[error("the server asked {0} times and had not enough")]
    TooManyRounds(usize),
    #[error("the server asks questions that cannot be shown")]
    Questions(#[source] Error),
    #[error("the server refused to {0}")]
    Denied(&'static str),
    #[error("the server said goodbye: {0}")]
    Disconnected(String),
    #[error("the connection ended")]
    Ended,
}

impl Fault {
    pub(super) fn disconnected(info: &RemoteDisconnectInfo) -> Self {
        Self::Disconnected(quoted(&info.message))
    }

    /// The error of a session that failed while doing something.
    pub(super) fn during(self, doing: &'static str) -> Error {
        match self {
            Self::NotStrict => Inner::NotStrict.into(),
            fault => Inner::Session { doing, kind: fault.kind(), source: Box::new(fault) }.into(),
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::Ssh(error) => kind(error),
            Self::Disconnected(_) | Self::Ended => ErrorKind::Unavailable,
            Self::HostRefused
            | Self::NotStrict
            | Self::PacketTooLarge { .. }
            | Self::TooManyRounds(_)
            | Self::Questions(_)
            | Self::Denied(_) => ErrorKind::PeerMisbehaved,
        }
    }
}

/// A connection that broke is nobody's fault; whatever else russh complains of, the server sent.
fn kind(error: &russh::Error) -> ErrorKind {
    use russh::Error as E;
    match error {
        E::IO(error) if error.kind() == io::ErrorKind::InvalidData => ErrorKind::PeerMisbehaved,
        E::IO(_)
        | E::HUP
        | E::Disconnect
        | E::ConnectionTimeout
        | E::KeepaliveTimeout
        | E::InactivityTimeout
        | E::SendError
        | E::RecvError
        | E::Join(_)
        | E::Elapsed(_) => ErrorKind::Unavailable,
        _ => ErrorKind::PeerMisbehaved,
    }
}
