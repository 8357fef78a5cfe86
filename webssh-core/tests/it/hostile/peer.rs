//! A server by hand: it listens for one client, and goes as far in the protocol as it is told to.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::keys::{Gcm, Said, agree, host_key_blob, string};
use crate::contract::screen::DEADLINE;

/// How long a flood may find no room before it is over.
const STUCK: Duration = Duration::from_secs(1);

/// How far a connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    Connected,
    Version,
    KexInit,
    KexReply,
    NewKeys,
    Service,
    Login,
    Channel,
    Terminal,
    Shell,
}

impl Stage {
    pub(crate) const ALL: [Self; 10] = [
        Self::Connected,
        Self::Version,
        Self::KexInit,
        Self::KexReply,
        Self::NewKeys,
        Self::Service,
        Self::Login,
        Self::Channel,
        Self::Terminal,
        Self::Shell,
    ];
}

/// A server that runs a script for each of its clients, one after the other, in a thread of its own.
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    pub(crate) host_key_line: String,
    running: JoinHandle<()>,
}

/// The server's end of one connection.
pub(crate) struct Peer {
    stream: TcpStream,
    pair: Ed25519KeyPair,
    opening: Option<Gcm>,
    sealing: Option<Gcm>,
    /// The client's number of the channel.
    pub(crate) channel: u32,
    /// Whether the signature over the key exchange is of something else.
    pub(crate) lies: bool,
}

impl Server {
    pub(crate) fn start(clients: usize, script: impl Fn(Peer) + Send + 'static) -> Self {
        let seed = [7; 32];
        let pair = || Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let host_key = STANDARD.encode(host_key_blob(&pair()));
        let running = thread::spawn(move || {
            for _ in 0..clients {
                let (stream, _) = listener.accept().unwrap();
                stream.set_read_timeout(Some(DEADLINE)).unwrap();
                stream.set_write_timeout(Some(STUCK)).unwrap();
                stream.set_nodelay(true).unwrap();
                let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
                script(Peer { stream, pair, opening: None, sealing: None, channel: 0, lies: false });
            }
        });
        Self { addr, host_key_line: format!("[127.0.0.1]:{} ssh-ed25519 {host_key}", addr.port()), running }
    }

    /// Waits until the last script is over.
    pub(crate) fn join(self) {
        self.running.join().unwrap();
    }
}

impl Peer {
    pub(crate) fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    pub(crate) fn send(&mut self, payload: &[u8]) -> io::Result<()> {
        let packet = self.packet(payload);
        self.stream.write_all(&packet)
    }

    /// A packet as it goes over the wire (RFC 4253, section 6; RFC 5647, section 7.2).
    pub(crate) fn packet(&mut self, payload: &[u8]) -> Vec<u8> {
        let (block, counted) = if self.sealing.is_some() { (16, 1) } else { (8, 5) };
        let short = (counted + payload.len()) % block;
        let padding = if block - short < 4 { 2 * block - short } else { block - short };
        let mut packet = vec![u8::try_from(padding).unwrap()];
        packet.extend_from_slice(payload);
        packet.resize(packet.len() + padding, 0);
        match &mut self.sealing {
            Some(gcm) => gcm.seal(packet),
            None => string(&packet),
        }
    }

    pub(crate) fn recv(&mut self) -> io::Result<Vec<u8>> {
        let mut len = [0; 4];
        self.stream.read_exact(&mut len)?;
        let bytes = usize::try_from(u32::from_be_bytes(len)).unwrap();
        assert!(bytes <= 64 * 1024, "a client's packet has {bytes} bytes");
        let packet = match &mut self.opening {
            None => {
                let mut packet = vec![0; bytes];
                self.stream.read_exact(&mut packet)?;
                packet
            }
            Some(gcm) => {
                let mut sealed = vec![0; bytes + Gcm::TAG_BYTES];
                self.stream.read_exact(&mut sealed)?;
                gcm.open(len, sealed)?
            }
        };
        let padding = usize::from(packet[0]);
        Ok(packet[1..packet.len() - padding].to_vec())
    }

    /// Waits for a message of this kind; answers others as a server does.
    pub(crate) fn wait_for(&mut self, kind: u8) -> io::Result<Vec<u8>> {
        loop {
            let message = self.recv()?;
            match message[0] {
                found if found == kind => return Ok(message),
                // A request of the connection that wants an answer.
                80 => self.send(&[82])?,
                _ => {}
            }
        }
    }

    /// Plays an honest server up to this stage.
    pub(crate) fn play(&mut self, until: Stage) -> io::Result<()> {
        self.play_from(Stage::Connected, until)
    }

    /// Goes on from a stage that was reached, up to another.
    pub(crate) fn play_from(&mut self, from: Stage, until: Stage) -> io::Result<()> {
        let steps: [fn(&mut Self, &mut Said) -> io::Result<()>; 9] = [
            |peer, said| peer.version(said),
            |peer, said| peer.kexinit(said),
            |peer, said| peer.reply(said),
            // The client's own message belongs to the reply.
            |_, _| Ok(()),
            |peer, _| {
                peer.wait_for(5)?;
                peer.send(&[&[6][..], &string(b"ssh-userauth")].concat())
            },
            |peer, _| peer.login(),
            |peer, _| peer.open_channel(),
            |peer, _| peer.grant(b"pty-req"),
            |peer, _| peer.grant(b"shell"),
        ];
        let mut said = Said::default();
        for (step, stage) in steps.into_iter().zip(Stage::ALL.into_iter().skip(1)) {
            if stage > from && stage <= until {
                step(self, &mut said)?;
            }
        }
        Ok(())
    }

    fn version(&mut self, said: &mut Said) -> io::Result<()> {
        said.server_version = b"SSH-2.0-hostile".to_vec();
        self.raw(b"SSH-2.0-hostile\r\n")?;
        let mut byte = [0];
        loop {
            self.stream.read_exact(&mut byte)?;
            match byte[0] {
                b'\n' => return Ok(()),
                b'\r' => {}
                other => said.client_version.push(other),
            }
        }
    }

    fn kexinit(&mut self, said: &mut Said) -> io::Result<()> {
        let names = [
            "curve25519-sha256,kex-strict-s-v00@openssh.com",
            "ssh-ed25519",
            "aes128-gcm@openssh.com",
            "aes128-gcm@openssh.com",
            "hmac-sha2-256-etm@openssh.com",
            "hmac-sha2-256-etm@openssh.com",
            "none",
            "none",
            "",
            "",
        ];
        let lists = names.map(|list| string(list.as_bytes())).concat();
        said.server_kexinit = [&[20][..], &[0; 16], &lists, &[0; 5]].concat();
        self.send(&said.server_kexinit.clone())?;
        said.client_kexinit = self.recv()?;
        Ok(())
    }

    fn reply(&mut self, said: &Said) -> io::Result<()> {
        let init = self.wait_for(30)?;
        let agreed = agree(said, &init, &self.pair, self.lies)?;
        self.send(&agreed.reply)?;
        self.send(&[21])?;
        self.sealing = Some(agreed.sealing);
        let new_keys = self.recv()?;
        assert_eq!(new_keys, [21], "the client agrees");
        self.opening = Some(agreed.opening);
        Ok(())
    }

    /// Lets a password in, whatever it is.
    fn login(&mut self) -> io::Result<()> {
        self.wait_for_method(b"password")?;
        self.send(&[52])
    }

    /// Refuses all ways to log in but this one.
    pub(crate) fn wait_for_method(&mut self, name: &[u8]) -> io::Result<()> {
        while !self.wait_for(50)?.windows(name.len()).any(|window| window == name) {
            self.refuse()?;
        }
        Ok(())
    }

    /// Refuses a login, and names ways to go on.
    pub(crate) fn refuse(&mut self) -> io::Result<()> {
        self.send(&[&[51][..], &string(b"password,keyboard-interactive"), &[0]].concat())
    }

    fn open_channel(&mut self) -> io::Result<()> {
        let open = self.wait_for(90)?;
        let kind = usize::try_from(u32::from_be_bytes(open[1..5].try_into().unwrap())).unwrap();
        self.channel = u32::from_be_bytes(open[5 + kind..9 + kind].try_into().unwrap());
        let numbers = [self.channel, 0, 2 * 1024 * 1024, 32 * 1024].map(u32::to_be_bytes).concat();
        self.send(&[&[91][..], &numbers].concat())
    }

    /// Grants requests of the channel up to this one.
    fn grant(&mut self, name: &[u8]) -> io::Result<()> {
        loop {
            let request = self.wait_for(98)?;
            self.send(&self.about_channel(99))?;
            if request.windows(name.len()).any(|window| window == name) {
                return Ok(());
            }
        }
    }

    /// The start of a message about the channel.
    pub(crate) fn about_channel(&self, kind: u8) -> Vec<u8> {
        [&[kind][..], &self.channel.to_be_bytes()].concat()
    }

    /// Sends a message again and again, until it was sent so often, or finds no room.
    pub(crate) fn flood(&mut self, payload: &[u8], times: usize) {
        for _ in 0..times {
            if self.send(payload).is_err() {
                return;
            }
        }
    }
}
