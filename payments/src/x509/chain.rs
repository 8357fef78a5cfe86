//! From a certificate to a configured root: signatures, roles and dates of every member of the path.

use super::Certificate;
use super::parts::Role;
use crate::UnixMillis;
use crate::error::{Cause, Error};

/// Certificates between the leaf and the root, at most.
const INTERMEDIATES_MAX: usize = 4;
/// Signatures that one search may check: a bundle of look-alikes must not cost more.
const CHECKS_MAX: u32 = 64;

/// What a path may be built of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trust<'a> {
    /// Where a path ends. Their own signatures are not asked; their dates are.
    pub(crate) roots: &'a [Certificate],
    /// Intermediates from a file of ours. One that does not say whether it is a CA is taken, because Alipay's
    /// sandbox has such a one.
    pub(crate) configured: &'a [Certificate],
    /// Intermediates that came with a message: they have to say that they are CAs. The certificates of merchants
    /// come from the same CA and say nothing; were they taken, every merchant could sign for the gateway.
    pub(crate) given: &'a [Certificate],
    /// Whether a member may be signed with SHA-1, as those of UnionPay's test environment are.
    pub(crate) sha1: bool,
}

/// Checks `leaf` against roots of ours: at most four intermediates, each a CA by its own words.
///
/// # Errors
/// `Unverified`, with the reason.
pub(crate) fn check_chain(
    leaf: &Certificate,
    intermediates: &[Certificate],
    roots: &[Certificate],
    at: UnixMillis,
) -> Result<(), Error> {
    Trust { roots, configured: &[], given: intermediates, sha1: true }.check(leaf, at)
}

impl Trust<'_> {
    /// Checks `leaf`.
    ///
    /// # Errors
    /// `Unverified`, with the reason.
    pub(crate) fn check(&self, leaf: &Certificate, at: UnixMillis) -> Result<(), Error> {
        let refused = |why| Err(Cause::Unverified { what: "certificate", why }.into());
        if at < leaf.not_before() {
            return refused("it is not valid yet");
        }
        if at > leaf.not_after() {
            return refused("it has expired");
        }
        let mut search = Search { trust: self, at, checks: 0 };
        let mut path = vec![leaf];
        match search.reaches_root(&mut path) {
            true => Ok(()),
            false if search.checks >= CHECKS_MAX => refused("too many certificates could have issued it"),
            false => refused("no chain of valid CA certificates leads from it to a configured root"),
        }
    }
}

struct Search<'a> {
    trust: &'a Trust<'a>,
    at: UnixMillis,
    checks: u32,
}

impl<'a> Search<'a> {
    /// Depth first; a path is never longer than the limit, so the depth of the calls is not either.
    fn reaches_root(&mut self, path: &mut Vec<&'a Certificate>) -> bool {
        let Some(last) = path.last().copied() else { return false };
        let cas_below = path.len() - 1;
        let trust = self.trust;
        if trust.roots.iter().any(|root| root_fits(root, cas_below) && self.signed(last, root)) {
            return true;
        }
        if cas_below == INTERMEDIATES_MAX {
            return false;
        }
        let configured = trust.configured.iter().map(|issuer| (issuer, true));
        for (issuer, ours) in configured.chain(trust.given.iter().map(|issuer| (issuer, false))) {
            let looped = path.contains(&issuer);
            if looped || !intermediate_fits(issuer, ours, cas_below) || !self.signed(last, issuer) {
                continue;
            }
            path.push(issuer);
            if self.reaches_root(path) {
                return true;
            }
            path.pop();
        }
        false
    }

    /// Whether `issuer` is valid and signed `member`. Only what could be true costs a check.
    fn signed(&mut self, member: &Certificate, issuer: &Certificate) -> bool {
        if member.0.issuer != issuer.0.subject || !issuer.is_valid_at(self.at) {
            return false;
        }
        if (member.uses_sha1() && !self.trust.sha1) || self.checks >= CHECKS_MAX {
            return false;
        }
        self.checks += 1;
        member.is_signed_by(issuer)
    }
}

/// A root is trusted because it is configured; its words are asked only where it says something.
fn root_fits(root: &Certificate, cas_below: usize) -> bool {
    match root.0.role {
        Role::Ca { path_len } => fits(path_len, cas_below),
        Role::Unsaid => true,
        Role::NoCa => false,
    }
}

fn intermediate_fits(issuer: &Certificate, ours: bool, cas_below: usize) -> bool {
    match issuer.0.role {
        Role::Ca { path_len } => fits(path_len, cas_below),
        Role::Unsaid => ours,
        Role::NoCa => false,
    }
}

/// RFC 5280 section 4.2.1.9: how many CAs may stand between this one and the leaf.
fn fits(path_len: Option<u8>, cas_below: usize) -> bool {
    path_len.is_none_or(|path_len| cas_below <= usize::from(path_len))
}
