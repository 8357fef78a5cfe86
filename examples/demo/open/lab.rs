//! The lab: a given SSH server, or the embedded one with its throw-away keys.

use std::fs;
use std::path::PathBuf;

use webssh_core::Secret;

use super::Part;
use crate::config::Config;
use crate::lab::{Key, Lab, Server};
use crate::shell_target::{ShellTarget, ShellTargetOptions};
use crate::start_error::StartError;

/// What the lab needs.
pub(super) struct Bench {
    pub(super) lab: Lab,
    pub(super) shell_target: Option<ShellTarget>,
    pub(super) part: Part,
}

/// Opens it, for pages of these origins.
pub(super) async fn open(config: &Config, origins: &[String]) -> Result<Bench, StartError> {
    let broken = "lab";
    let lab = |server| {
        let folder = config.data_dir.join("recordings");
        Lab::new(server, config.lab_terminals_max, origins, folder).map_err(StartError::part(broken))
    };
    if let Some(addr) = config.lab_ssh_addr {
        let pem = Secret::new(read("--lab-ssh-key-file", config.lab_ssh_key_file.as_ref())?);
        let hosts = read("--lab-known-hosts-file", config.lab_known_hosts_file.as_ref())?;
        let key = Key { user: config.lab_ssh_user.clone(), pem };
        let server = Server::new(addr, &hosts, key).map_err(StartError::part(broken))?;
        let part = Part { name: "lab", external: true, words: format!("ssh server at {addr}") };
        return Ok(Bench { lab: lab(server)?, shell_target: None, part });
    }
    // The lab counts its terminals itself; beside each there may be a session of files.
    let shells_max = config.lab_terminals_max.saturating_mul(2);
    let options = ShellTargetOptions { shells_max, ..ShellTargetOptions::default() };
    let target = ShellTarget::start(options).await.map_err(StartError::part(broken))?;
    let key = Key { user: None, pem: Secret::new(target.client_key_pem().to_owned()) };
    let server = Server::new(target.addr(), &target.known_hosts_line(), key);
    let server = server.map_err(StartError::part(broken))?;
    let words = format!("ssh server at {}, host key pinned", target.addr());
    let part = Part { name: "lab", external: false, words };
    Ok(Bench { lab: lab(server)?, shell_target: Some(target), part })
}

fn read(flag: &'static str, path: Option<&PathBuf>) -> Result<String, StartError> {
    let path = path.cloned().unwrap_or_default();
    fs::read_to_string(&path).map_err(|cause| StartError::File { flag, path, cause })
}
