//! A shell over SSH with a verified host key: what comes in here goes there, and back.
//!
//! `cargo run -p examples --bin terminal -- HOST:PORT USER KEY_FILE KNOWN_HOSTS_FILE`

use std::error::Error;
use std::io::Write;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncReadExt;
use webssh_core::ssh::{Backend, ConnectOptions, Connected, Dial, Libssh2, Output};
use webssh_core::{
    Admission, Credentials, HostKeys, KnownHosts, Login, NoDialogue, Resolved, Secret, TargetPolicy,
};

#[tokio::main]
#[expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [place, user, key, known_hosts] = args.as_slice() else {
        return Err("give HOST:PORT USER KEY_FILE KNOWN_HOSTS_FILE".into());
    };
    // Only what is listed can be reached; here the list is the one place that was asked for.
    let (host, port) = place.rsplit_once(':').ok_or("give the host with its port")?;
    let policy = TargetPolicy::new([place.as_str()])?;
    let Admission::Allowed(target) = policy.admit(host, port.parse()?, user)? else {
        return Err("the target is not listed".into());
    };
    // Every address of the name is checked, and one of them is dialled.
    let destination = match policy.resolve(&target, Duration::from_secs(5)).await? {
        Resolved::At(destination) => destination,
        Resolved::Refused(refusal) => return Err(refusal.to_string().into()),
    };
    let hosts = HostKeys::strict(KnownHosts::parse(&std::fs::read_to_string(known_hosts)?)?);
    let login = Login::new([Credentials::key(Secret::new(std::fs::read_to_string(key)?), None)?]);
    let options = ConnectOptions::default();
    let dial = Dial {
        destination: &destination,
        login: &login,
        hosts: &hosts,
        dialogue: &NoDialogue,
        options: &options,
        jump: None,
    };
    let shell = match Libssh2.shell(&dial).await? {
        Connected::Open(shell) => shell,
        refused => return Err(refused.to_string().into()),
    };
    let (input, mut output) = shell.split();
    let typing = tokio::spawn(async move {
        let mut buffer = vec![0_u8; 4096];
        let mut stdin = tokio::io::stdin();
        while let Ok(read @ 1..) = stdin.read(&mut buffer).await {
            let typed = buffer.get(..read).map(Bytes::copy_from_slice).unwrap_or_default();
            if input.send(typed).await.is_err() {
                return;
            }
        }
        // The end of the input is a Ctrl-D; the shell ends when it has read so far. Dropping `input` would hang up.
        if input.send(Bytes::from_static(b"\x04")).await.is_ok() {
            std::future::pending::<()>().await;
        }
    });
    loop {
        match output.recv().await {
            Output::Bytes(bytes) => std::io::stdout().write_all(&bytes)?,
            Output::Ended(end) => {
                println!("\n{end:?}");
                break;
            }
        }
        std::io::stdout().flush()?;
    }
    typing.abort();
    Ok(())
}
