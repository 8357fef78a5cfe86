//! One pass on its way to one shard: requests of different buyers, decided by one script call.

use crate::error::Error;
use crate::lines::Picks;
use crate::reservation::Reserve;
use crate::time::At;

/// Requests for one script call, with what the script has to know of all of them.
pub(crate) struct Pass<'a> {
    pub(crate) at: At,
    /// Whether a replayed win has to leave something that replicas can acknowledge.
    pub(crate) touch: bool,
    requests: Vec<&'a Reserve>,
    /// The lines of each request as text.
    texts: Vec<String>,
    /// Positions of the things asked for, ascending.
    skus: Vec<usize>,
    /// Whether all have the same lines.
    uniform: bool,
}

impl<'a> Pass<'a> {
    /// An empty pass.
    pub(crate) fn new(at: At, touch: bool, capacity: usize) -> Self {
        let requests = Vec::with_capacity(capacity);
        Self { at, touch, requests, texts: Vec::new(), skus: Vec::new(), uniform: true }
    }

    /// Adds a request that asks for `picks`.
    pub(crate) fn push(&mut self, request: &'a Reserve, picks: &Picks) {
        for (index, _) in picks.iter() {
            if let Err(place) = self.skus.binary_search(&index) {
                self.skus.insert(place, index);
            }
        }
        self.requests.push(request);
        // Texts are kept only once for as long as all are the same.
        if self.uniform {
            let same = self.texts.first().is_none_or(|first| is_text_of(first, picks));
            if same {
                if self.texts.is_empty() {
                    self.texts.push(picks.to_text());
                }
                return;
            }
            self.uniform = false;
            let first = self.texts.first().cloned().unwrap_or_default();
            self.texts.resize(self.requests.len() - 1, first);
        }
        self.texts.push(picks.to_text());
    }

    pub(crate) fn len(&self) -> usize {
        self.requests.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    pub(crate) fn requests(&self) -> &[&'a Reserve] {
        &self.requests
    }

    /// The lines of all requests, if they are the same.
    pub(crate) fn uniform(&self) -> Option<&str> {
        if self.uniform { self.texts.first().map(String::as_str) } else { None }
    }

    /// The lines of each request, unless they are the same.
    pub(crate) fn texts(&self) -> &[String] {
        &self.texts
    }

    /// Positions of the things asked for.
    pub(crate) fn skus(&self) -> &[usize] {
        &self.skus
    }

    /// The same as the script takes them.
    pub(crate) fn skus_text(&self) -> String {
        let texts: Vec<String> = self.skus.iter().map(usize::to_string).collect();
        texts.join(",")
    }
}

fn is_text_of(text: &str, picks: &Picks) -> bool {
    match picks {
        Picks::One(0, units) => text.parse() == Ok(*units),
        _ => picks.to_text() == text,
    }
}

/// What a pass came to: an answer for each request, or `None` to ask again.
pub(crate) type Answers = Vec<Option<Result<crate::outcome::Outcome, Error>>>;
