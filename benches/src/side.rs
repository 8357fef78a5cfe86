//! One side of a figure: something that opens a fresh sale and decides the requests of a job.

use std::future::Future;
use std::pin::Pin;

use crate::workload::{Answer, Job, Request, Terms, crowd};
use crate::{Error, Timing};

/// A future of the one thread that all callers share.
pub(crate) type Local<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Ours or a peer, whatever its language.
pub(crate) trait Side {
    /// Opens a fresh sale, which the next jobs are about.
    fn open<'a>(&'a mut self, terms: &'a Terms) -> Local<'a, Result<(), Error>>;

    /// Decides all requests of the job and says how long it took. It fails when an answer is not the one
    /// that the job wants.
    fn run<'a>(&'a mut self, job: &'a Job) -> Local<'a, Result<Timing, Error>>;

    /// What this is, with its version.
    fn about(&self) -> String;
}

/// A side that lives in this process: many callers share one clone each.
pub(crate) trait Client: Clone + Send + Sync + 'static {
    /// A request as this client takes it; all are drawn before the clock starts.
    type Ask: Send + Sync + 'static;

    /// Draws a request.
    fn draw(request: &Request) -> Result<Self::Ask, Error>;

    /// Opens a fresh sale.
    fn open_sale(&mut self, terms: &Terms) -> impl Future<Output = Result<(), Error>>;

    /// Decides one request.
    fn reserve(&self, ask: &Self::Ask) -> impl Future<Output = Result<Answer, Error>> + Send;

    /// What this is, with its version.
    fn describe(&self) -> String;
}

impl<C: Client> Side for C {
    fn open<'a>(&'a mut self, terms: &'a Terms) -> Local<'a, Result<(), Error>> {
        Box::pin(self.open_sale(terms))
    }

    fn run<'a>(&'a mut self, job: &'a Job) -> Local<'a, Result<Timing, Error>> {
        Box::pin(crowd(self, job))
    }

    fn about(&self) -> String {
        self.describe()
    }
}
