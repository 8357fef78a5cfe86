//! Showing credentials to a server whose host key was accepted, one after the other.

use std::error::Error as StdError;
use std::path::Path;
use std::sync::Arc;

use russh::client::{AuthResult, KeyboardInteractiveAuthResponse as Round, Prompt};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{Algorithm, HashAlg, PrivateKeyWithHashAlg, PublicKey, decode_secret_key};
use russh::{MethodKind, MethodSet};
use tokio::net::UnixStream;
use tokio::task::spawn_blocking;

use super::dial::Session;
use super::fault::Fault;
use crate::auth::Kind;
use crate::error::{Error, Inner};
use crate::ssh::Dial;
use crate::ssh::patience::Patience;
use crate::{Credentials, Dialogue as _, Prompts, Secret};

/// What goes on, for messages.
const DOING: &str = "logging in";

/// Rounds of questions in one login by keyboard-interactive.
const ROUNDS_MAX: usize = 16;

/// Keys of an agent that are shown; OpenSSH ends a connection after six refusals.
const AGENT_KEYS_MAX: usize = 6;

pub(super) enum Login {
    Accepted(Session),
    Refused { tried: Vec<&'static str>, offered: Vec<String> },
}

/// What the server says to one method.
enum Answer {
    Accepted,
    /// Not yet, or no; it names what it would go on with.
    Refused(MethodSet),
    /// There was nothing to show.
    Nothing,
    /// The person does not answer: there is no going on.
    Declined,
}

/// The login on one session.
struct Attempt<'a> {
    session: Session,
    user: &'a str,
    patience: &'a Patience<'a>,
}

/// Logs in. A method that the server does not offer is left for later: it may offer it once another one was
/// accepted.
pub(super) async fn login(
    session: Session,
    dial: &Dial<'_>,
    patience: &Patience<'_>,
) -> Result<Login, Error> {
    let user = dial.destination.target().user();
    let mut attempt = Attempt { session, user, patience };
    let mut waiting: Vec<&Credentials> = dial.login.methods().iter().collect();
    let mut tried = Vec::new();
    let mut offered = match attempt.offers().await? {
        Answer::Refused(methods) => methods,
        Answer::Accepted => return Ok(Login::Accepted(attempt.session)),
        Answer::Nothing | Answer::Declined => MethodSet::empty(),
    };
    let is_offered = |offered: &MethodSet, method: &Credentials| {
        offered.iter().any(|kind| <&str>::from(kind) == method.method())
    };
    while let Some(next) = waiting.iter().position(|method| is_offered(&offered, method)) {
        let method = waiting.remove(next);
        tried.push(method.method());
        match attempt.show(method).await? {
            Answer::Accepted => return Ok(Login::Accepted(attempt.session)),
            Answer::Refused(methods) => offered = methods,
            Answer::Nothing => {}
            Answer::Declined => break,
        }
        if attempt.session.handle.is_closed() {
            attempt.ended().await?;
            break;
        }
    }
    Ok(Login::Refused { tried, offered: offered.iter().map(String::from).collect() })
}

impl Attempt<'_> {
    /// The methods that the server would go on with. Asking is a login with no method, which a server
    /// without any protection accepts.
    async fn offers(&mut self) -> Result<Answer, Error> {
        let asked = self.session.handle.authenticate_none(self.user).await;
        let answer = self.answer(asked).await?;
        if self.session.handle.is_closed() {
            self.ended().await?;
        }
        Ok(answer)
    }

    async fn show(&mut self, credentials: &Credentials) -> Result<Answer, Error> {
        let user = self.user;
        let result = match credentials.kind() {
            Kind::Password(password) => {
                self.session.handle.authenticate_password(user, password.reveal()).await
            }
            Kind::Key { private, passphrase } => {
                let key = Arc::new(open(private, passphrase.as_ref()).await?);
                let hash = self.hash(key.public_key()).await?;
                let key = PrivateKeyWithHashAlg::new(key, hash);
                self.session.handle.authenticate_publickey(user, key).await
            }
            Kind::Interactive => return self.interactive().await,
            Kind::Agent { socket } => return self.agent(socket).await,
        };
        self.answer(result).await
    }

    async fn answer(&mut self, result: Result<AuthResult, russh::Error>) -> Result<Answer, Error> {
        match result {
            Ok(result) => Ok(answer(result)),
            Err(error) => Err(self.session.broken(error).await.during(DOING)),
        }
    }

    /// Questions of the server, until it has had enough.
    async fn interactive(&mut self) -> Result<Answer, Error> {
        let started =
            self.session.handle.authenticate_keyboard_interactive_start(self.user, None::<String>).await;
        let mut round = self.round(started).await?;
        for _ in 0..ROUNDS_MAX {
            let (name, instructions, prompts) = match round {
                Round::Success => return Ok(Answer::Accepted),
                Round::Failure { remaining_methods, .. } => return Ok(Answer::Refused(remaining_methods)),
                Round::InfoRequest { name, instructions, prompts } => (name, instructions, prompts),
            };
            let Some(answers) = self.ask(&name, &instructions, &prompts).await? else {
                return Ok(Answer::Declined);
            };
            let answered = self.session.handle.authenticate_keyboard_interactive_respond(answers).await;
            round = self.round(answered).await?;
        }
        match round {
            Round::Success => Ok(Answer::Accepted),
            Round::Failure { remaining_methods, .. } => Ok(Answer::Refused(remaining_methods)),
            Round::InfoRequest { .. } => Err(Fault::TooManyRounds(ROUNDS_MAX).during(DOING)),
        }
    }

    /// A session that ends in the middle of the questions may have ended because of the answers.
    async fn round(&mut self, round: Result<Round, russh::Error>) -> Result<Round, Error> {
        match round {
            Ok(round) => Ok(round),
            Err(error) if self.session.handle.is_closed() => {
                self.ended().await.map_err(|_| Fault::Ssh(error).during(DOING))?;
                Ok(Round::Failure { remaining_methods: MethodSet::empty(), partial_success: false })
            }
            Err(error) => Err(Fault::Ssh(error).during(DOING)),
        }
    }

    /// Nobody has to be asked for nothing.
    async fn ask(
        &self,
        name: &str,
        instruction: &str,
        prompts: &[Prompt],
    ) -> Result<Option<Vec<String>>, Error> {
        if prompts.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let asked = prompts.iter().map(|prompt| (prompt.prompt.as_str(), prompt.echo));
        let round =
            Prompts::new(name, instruction, asked).map_err(|error| Fault::Questions(error).during(DOING))?;
        let answers = self.patience.ask(&round).await.filter(|answers| answers.len() == prompts.len());
        Ok(answers.map(|answers| answers.iter().map(|answer| answer.reveal().to_owned()).collect()))
    }

    /// The keys of an agent, one after the other.
    async fn agent(&mut self, socket: &Path) -> Result<Answer, Error> {
        let stream = UnixStream::connect(socket).await.map_err(agent_error("connecting"))?;
        let mut agent = AgentClient::connect(stream);
        let identities = agent.request_identities().await.map_err(agent_error("asking for its keys"))?;
        let mut last = Answer::Nothing;
        for identity in identities.into_iter().take(AGENT_KEYS_MAX) {
            last = self.agent_key(&mut agent, identity).await?;
            let goes_on = match &last {
                Answer::Refused(methods) => methods.contains(&MethodKind::PublicKey),
                Answer::Accepted | Answer::Nothing | Answer::Declined => false,
            };
            if !goes_on {
                break;
            }
        }
        Ok(last)
    }

    async fn agent_key(
        &mut self,
        agent: &mut AgentClient<UnixStream>,
        identity: AgentIdentity,
    ) -> Result<Answer, Error> {
        let user = self.user;
        let result = match identity {
            AgentIdentity::PublicKey { key, .. } => {
                let hash = self.hash(&key).await?;
                self.session.handle.authenticate_publickey_with(user, key, hash, agent).await
            }
            AgentIdentity::Certificate { certificate, .. } => {
                self.session.handle.authenticate_certificate_with(user, certificate, None, agent).await
            }
        };
        result.map(answer).map_err(agent_error("signing"))
    }

    /// RSA signs with the best digest that the server knows; other keys have one of their own.
    async fn hash(&mut self, key: &PublicKey) -> Result<Option<HashAlg>, Error> {
        if !matches!(key.algorithm(), Algorithm::Rsa { .. }) {
            return Ok(None);
        }
        match self.session.handle.best_supported_rsa_hash().await {
            Ok(best) => Ok(best.flatten().or(Some(HashAlg::Sha512))),
            Err(error) => Err(self.session.broken(error).await.during(DOING)),
        }
    }

    /// Tells a server that has had enough tries from a connection that broke.
    async fn ended(&mut self) -> Result<(), Error> {
        match self.session.broken(russh::Error::Disconnect).await {
            Fault::Ssh(russh::Error::NoAuthMethod) | Fault::Disconnected(_) => Ok(()),
            fault => Err(fault.during(DOING)),
        }
    }
}

/// Opening an encrypted key takes a while, on purpose.
async fn open(private: &Secret, passphrase: Option<&Secret>) -> Result<russh::keys::PrivateKey, Error> {
    let (private, passphrase) = (private.clone(), passphrase.cloned());
    let opened =
        spawn_blocking(move || decode_secret_key(private.reveal(), passphrase.as_ref().map(Secret::reveal)));
    opened.await.map_err(|source| Inner::Cancelled { doing: DOING, source })?.map_err(|_| {
        let rule = "its format is not supported, or the passphrase is wrong";
        Inner::Credential { part: "private key", rule }.into()
    })
}

fn answer(result: AuthResult) -> Answer {
    match result {
        AuthResult::Success => Answer::Accepted,
        AuthResult::Failure { remaining_methods, .. } => Answer::Refused(remaining_methods),
    }
}

fn agent_error<E: StdError + Send + Sync + 'static>(doing: &'static str) -> impl Fn(E) -> Error {
    move |source| Inner::Agent { doing, source: Box::new(source) }.into()
}
