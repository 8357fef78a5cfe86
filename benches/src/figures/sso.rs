//! `sso.sign.*` and `sso.verify*`: whole tokens on one thread, by its own processor time.

use super::on_one_thread;
use crate::contest::Contest;
use crate::ours::token::{Cached, Sign, Verify};
use crate::peers::{fast_jwt, jsonwebtoken, raw};
use crate::shift::{Shift, Task};
use crate::tokens::Tokens;
use crate::{Error, Line, Options, Sample};

/// Slow work gets fewer requests, so that a round takes half a second.
const SIGNATURES_MAX: u32 = 2_000;
const VERIFICATIONS_MAX: u32 = 30_000;

/// Signatures beside jsonwebtoken's.
pub(super) fn sign_jsonwebtoken(name: &'static str, options: &Options) -> Result<Line, Error> {
    let tokens = Tokens::draw()?;
    let peer = jsonwebtoken::Sign::new(&tokens)?;
    contest(name, &tokens, (Sign::new(&tokens)?, peer), options.requests.min(SIGNATURES_MAX), options)
}

/// Signatures beside bare ones.
pub(super) fn sign_raw(name: &'static str, options: &Options) -> Result<Line, Error> {
    let tokens = Tokens::draw()?;
    let peer = raw::Sign::new(&tokens)?;
    contest(name, &tokens, (Sign::new(&tokens)?, peer), options.requests.min(SIGNATURES_MAX), options)
}

/// Verification beside jsonwebtoken's.
pub(super) fn verify_jsonwebtoken(name: &'static str, options: &Options) -> Result<Line, Error> {
    let tokens = Tokens::draw()?;
    let peer = jsonwebtoken::Verify::new(&tokens)?;
    contest(name, &tokens, (Verify::new(&tokens)?, peer), options.requests.min(VERIFICATIONS_MAX), options)
}

/// Verification beside the bare one.
pub(super) fn verify_raw(name: &'static str, options: &Options) -> Result<Line, Error> {
    let tokens = Tokens::draw()?;
    let peer = raw::Verify::new(&tokens)?;
    contest(name, &tokens, (Verify::new(&tokens)?, peer), options.requests.min(VERIFICATIONS_MAX), options)
}

/// Hits of our cache beside hits of fast-jwt's.
pub(super) fn verify_cached(name: &'static str, options: &Options) -> Result<Line, Error> {
    let tokens = Tokens::draw()?;
    let peer = fast_jwt::Cached::new(&tokens)?;
    contest(name, &tokens, (Cached::new(&tokens)?, peer), options.requests, options)
}

fn contest(
    name: &'static str,
    tokens: &Tokens,
    (ours, peer): (impl Task + 'static, impl Task + 'static),
    requests: u32,
    options: &Options,
) -> Result<Line, Error> {
    let (ours, peers) = (Shift::alone(ours, requests), vec![Shift::alone(peer, requests)]);
    let metric = |sample: &Sample| Some(sample.timing.rate);
    let contest = Contest { name, unit: "tokens/s", metric, ours, peers };
    let line = on_one_thread(contest.run(options))?;
    Ok(line.with("token_bytes", tokens.bytes()).with("clock", "processor time of the thread"))
}
