//! One nginx that divides requests among upstreams in turn, websockets included.

use std::net::SocketAddr;

use crate::home::Home;
use crate::process::Process;
use crate::program::Program;
use crate::{Error, account, port};

const SERVER: Program = Program::new("nginx", "nginx-light");
const READY: &str = "start worker process";
/// The directories for request and response bodies that do not fit into memory.
const TEMP_PATHS: [&str; 5] =
    ["client_body_temp_path", "proxy_temp_path", "fastcgi_temp_path", "uwsgi_temp_path", "scgi_temp_path"];

/// An nginx of its own on 127.0.0.1 before some upstreams, stopped on drop.
///
/// ```
/// # fn main() -> Result<(), testkit::Error> {
/// # if testkit::skipped("nginx") { return Ok(()); }
/// let upstream = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
/// let nginx = testkit::Nginx::start(&[upstream.local_addr().expect("an address")])?;
/// assert!(nginx.url().starts_with("http://127.0.0.1:"));
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Nginx {
    process: Process,
    _home: Home,
    port: u16,
}

impl Nginx {
    /// Starts a server that sends one request to each upstream in turn (one worker, so the turn is strict).
    ///
    /// # Errors
    ///
    /// `InvalidInput` without an upstream, `Unavailable` when nginx is not installed, `PeerMisbehaved` when it
    /// ends or does not get ready.
    pub fn start(upstreams: &[SocketAddr]) -> Result<Self, Error> {
        if upstreams.is_empty() {
            return Err(Error::invalid("nginx needs an upstream; pass at least one address"));
        }
        let home = Home::new("nginx")?;
        let (port, process) = port::start(|port| launch(&home, upstreams, port))?;
        Ok(Self { process, _home: home, port })
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr())
    }

    /// Where the server listens.
    pub fn addr(&self) -> SocketAddr {
        port::local(self.port)
    }

    /// The id of the master process.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }
}

fn launch(home: &Home, upstreams: &[SocketAddr], port: u16) -> Result<Process, Error> {
    let config = home.write("nginx.conf", &config(home, upstreams, port))?;
    let mut command = SERVER.command()?;
    command.arg("-p").arg(home.path()).arg("-c").arg(config).args(["-e", "stderr"]);
    Process::start(SERVER, command, &home.join("nginx.log"), READY)
}

fn config(home: &Home, upstreams: &[SocketAddr], port: u16) -> String {
    let user = if account::is_root() { "user root;" } else { "" };
    let servers: String = upstreams.iter().map(|addr| format!("server {addr}; ")).collect();
    let temp_paths: String =
        TEMP_PATHS.iter().map(|name| format!("    {name} {};\n", home.text(name))).collect();
    let pid = home.text("nginx.pid");
    format!(
        "{user}
daemon off;
worker_processes 1;
pid {pid};
error_log stderr notice;
events {{ worker_connections 4096; }}
http {{
    access_log off;
{temp_paths}
    map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
    upstream app {{ {servers}}}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://app;
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_buffering off;
        }}
    }}
}}
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_recognised() {
        if crate::skipped("nginx") {
            return;
        }
        let (_listener, taken) = port::taken();
        let home = Home::new("nginx").unwrap();
        assert!(launch(&home, &[port::local(9)], taken).unwrap_err().is_port_taken());
    }
}
