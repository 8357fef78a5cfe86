//! Free ports on 127.0.0.1, and starting a server on one in spite of the race for it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with, sockopt};

use crate::Error;
use crate::process::Process;

/// How often a start may lose the race for its port.
const ATTEMPTS_MAX: usize = 5;

pub(crate) fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// A port that was free a moment ago. Somebody else may take it before the server does.
fn free() -> Result<u16, Error> {
    TcpListener::bind(local(0))
        .and_then(|listener| listener.local_addr())
        .map(|addr| addr.port())
        .map_err(|e| Error::io("find a free port", e))
}

/// Calls `start` with a free port, and with another one as long as the server finds its port taken.
pub(crate) fn retry<T>(mut start: impl FnMut(u16) -> Result<T, Error>) -> Result<T, Error> {
    let mut attempts_left = ATTEMPTS_MAX;
    loop {
        attempts_left -= 1;
        match start(free()?) {
            Err(e) if e.is_port_taken() && attempts_left > 0 => {}
            other => return other,
        }
    }
}

/// Starts a server on a free port, and says on which.
pub(crate) fn start(mut launch: impl FnMut(u16) -> Result<Process, Error>) -> Result<(u16, Process), Error> {
    retry(|port| Ok((port, launch(port)?)))
}

/// Keeps a free port with a socket that does not listen: connections are refused, and nobody is given the port but who
/// asks for its number with `SO_REUSEADDR`, as a server does.
pub(crate) fn hold(port: u16) -> Result<OwnedFd, Error> {
    let held = || -> rustix::io::Result<OwnedFd> {
        // Closed in children: a server that had it would keep the port for ever.
        let socket = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        sockopt::set_socket_reuseaddr(&socket, true)?;
        bind(&socket, &local(port))?;
        Ok(socket)
    };
    held().map_err(|e| Error::io(format!("hold port `{port}`"), e.into()))
}

/// A port that is in use, and what uses it.
#[cfg(test)]
pub(crate) fn taken() -> (TcpListener, u16) {
    let listener = TcpListener::bind(local(0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_taken_port_is_worth_another_and_not_for_ever() {
        let mut tries = 0;
        let mut lose = |times: usize| {
            tries = 0;
            retry(|_| {
                tries += 1;
                if tries > times { Ok(tries) } else { Err(Error::port_taken("redis-server", String::new())) }
            })
        };
        assert_eq!(lose(2).unwrap(), 3);
        assert!(lose(ATTEMPTS_MAX).unwrap_err().is_port_taken());
        assert_eq!(tries, ATTEMPTS_MAX);
        let mut asked = 0;
        let other: Result<(), Error> = retry(|_| {
            asked += 1;
            Err(Error::invalid("no"))
        });
        assert_eq!((other.is_err(), asked), (true, 1));
    }
}
