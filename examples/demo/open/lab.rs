//! The lab: a given SSH server, or the embedded one with its throw-away keys.

use std::fs;
use std::path::PathBuf;

use zeroize::Zeroizing;

use super::Part;
use crate::config::Config;
use crate::lab::Lab;
use crate::shell_target::{ShellTarget, ShellTargetOptions};
use crate::start_error::StartError;

/// What the lab needs.
pub(super) struct Bench {
    pub(super) lab: Lab,
    pub(super) shell_target: Option<ShellTarget>,
    pub(super) part: Part,
}

/// Opens it.
pub(super) async fn open(config: &Config) -> Result<Bench, StartError> {
    let broken = "lab";
    if let Some(addr) = config.lab_ssh_addr {
        let key = Zeroizing::new(read("--lab-ssh-key-file", config.lab_ssh_key_file.as_ref())?);
        let hosts = read("--lab-known-hosts-file", config.lab_known_hosts_file.as_ref())?;
        let user = config.lab_ssh_user.clone();
        let lab =
            Lab::new(addr, &hosts, user, key, config.lab_terminals_max).map_err(StartError::part(broken))?;
        let part = Part { name: "lab", external: true, words: format!("ssh server at {addr}") };
        return Ok(Bench { lab, shell_target: None, part });
    }
    let options =
        ShellTargetOptions { shells_max: config.lab_terminals_max, ..ShellTargetOptions::default() };
    let target = ShellTarget::start(options).await.map_err(StartError::part(broken))?;
    let key = Zeroizing::new(target.client_key_pem().to_owned());
    let lab = Lab::new(target.addr(), &target.known_hosts_line(), None, key, config.lab_terminals_max)
        .map_err(StartError::part(broken))?;
    let words = format!("ssh server at {}, host key pinned", target.addr());
    let part = Part { name: "lab", external: false, words };
    Ok(Bench { lab, shell_target: Some(target), part })
}

fn read(flag: &'static str, path: Option<&PathBuf>) -> Result<String, StartError> {
    let path = path.cloned().unwrap_or_default();
    fs::read_to_string(&path).map_err(|cause| StartError::File { flag, path, cause })
}
