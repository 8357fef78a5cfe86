//! Clients that nobody here wrote sign in at the provider, and refuse what they must.

use std::process::Command;

use super::install::{authlib_client, openid_client};
use super::server::{BYE, RETURN, Server};

/// Runs a client against a server of its own. It ends with 0 when everything was as it expects.
fn run(client: fn() -> Command) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = runtime.block_on(Server::start());
    let mut command = client();
    command
        .env("ISSUER", &server.issuer)
        .env("CLIENT_SECRET", server.secret.expose())
        .env("RETURN_URL", RETURN)
        .env("BYE_URL", BYE)
        .env("ROBOT_KID", server.robot.kid())
        .env("ROBOT_KEY", server.robot.to_pkcs8_pem().unwrap().as_str());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{complained}");
    // It says so at its end: a program that did nothing proves nothing.
    assert!(said.trim_end().ends_with("all is well"), "{said}\n{complained}");
}

#[test]
fn openid_client_of_npm_signs_in() {
    if testkit::skipped("npm") {
        return;
    }
    run(openid_client);
}

#[test]
fn authlib_of_pypi_signs_in() {
    if testkit::skipped("python3") {
        return;
    }
    run(authlib_client);
}
