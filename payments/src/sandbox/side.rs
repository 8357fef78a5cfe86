//! What one gateway brings to the sandbox, and the desk that it works at: book, queue, moment, random bytes.

use super::book::{Book, Key, Trade};
use super::entropy::Entropy;
use super::mischief::Switches;
use super::notices::{About, Notice, Notices};
use super::retry::Speed;
use crate::{Channel, Error, UnixMillis};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use std::fmt;

/// One gateway: what it says at its own addresses, and how its notifies look.
pub(super) trait Side: fmt::Debug + Send + Sync {
    /// Which gateway this is.
    fn channel(&self) -> Channel;

    /// True for the paths that this gateway answers.
    fn owns(&self, path: &str) -> bool;

    /// Answers one request to such a path.
    fn answer(&self, request: &Request<Bytes>, desk: &mut Desk<'_>) -> Answer;

    /// The notify as it goes out now; none if the merchant gave no address for it, or this gateway sends none.
    ///
    /// # Errors
    /// `Misuse` if the key cannot sign.
    fn notify(&self, notice: &Notice, desk: &mut Desk<'_>) -> Result<Option<Request<Bytes>>, Error>;

    /// True if this answer of the merchant stops the retries.
    fn acknowledges(&self, status: StatusCode, body: &[u8]) -> bool;

    /// The way of the buyer's browser back to the shop after a payment.
    ///
    /// # Errors
    /// `Misuse` if the key cannot sign.
    fn way_back(&self, trade: &Trade, desk: &mut Desk<'_>) -> Result<Option<WayBack>, Error>;

    /// The answer of this gateway under load.
    fn busy(&self) -> Response<Bytes>;

    /// A refund made in the gateway's own console: how much is left, under a number of the gateway's.
    /// The default takes it as done at once and announces it.
    fn refund_by_hand(&self, key: &Key, desk: &mut Desk<'_>) {
        super::console::refund_the_rest(key, desk);
    }
}

/// An answer, and the trade that it is about.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) response: Response<Bytes>,
    pub(super) touched: Option<Key>,
}

/// Where the buyer's browser goes after the payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum WayBack {
    /// A redirect (303) to this address.
    Get(String),
    /// A form that the browser posts.
    Post { url: String, fields: Vec<(String, String)> },
}

/// What a gateway works with while it answers one request.
#[derive(Debug)]
pub(super) struct Desk<'a> {
    pub(super) book: &'a mut Book,
    pub(super) notices: &'a mut Notices,
    pub(super) switches: &'a Switches,
    pub(super) entropy: &'a mut Entropy,
    /// Scheme, host and port of the sandbox, without a slash at the end.
    pub(super) origin: &'a str,
    pub(super) speed: Speed,
    pub(super) now: UnixMillis,
}

impl Desk<'_> {
    /// Tells the merchant what happened to a trade. Call it after the book has changed: the message shows the trade
    /// as it stands at this moment.
    #[expect(clippy::needless_pass_by_value, reason = "it is made where it is announced")]
    pub(super) fn announce(&mut self, key: &Key, about: About) {
        let event_id = self.entropy.hex(32);
        if let Some(trade) = self.book.find(key) {
            self.notices.announce(trade, &about, &event_id, self.switches, self.speed, self.now);
        }
    }

    /// The token of a new cashier page: 192 random bits.
    pub(super) fn token(&mut self) -> String {
        self.entropy.hex(48)
    }

    /// The address of a cashier page: what a QR code holds.
    pub(super) fn cashier_url(&self, token: &str) -> String {
        format!("{}/cashier/{token}", self.origin)
    }
}

impl Answer {
    /// An answer about no trade in particular.
    pub(super) fn plain(response: Response<Bytes>) -> Self {
        Self { response, touched: None }
    }

    /// An answer about this trade.
    pub(super) fn about(key: Key, response: Response<Bytes>) -> Self {
        Self { response, touched: Some(key) }
    }
}
