//! What the figures about terminals need: an sshd that runs one program or gives files, ways to reach it, and the work they do.

mod browser;
mod child;
mod crowd;
mod echo;
mod files;
mod hold;
mod interrupt;
mod line;
mod place;
mod process;
mod read;
mod resume;
mod server;
mod sessions;

pub(crate) use child::Role;
pub use child::terminals;
pub(crate) use crowd::{Crowd, Served};
pub(crate) use echo::{Echo, PROGRAM as ECHO};
pub(crate) use files::{Client as SftpClient, Direction, FilesPlace, Ours as OurFiles};
pub(crate) use hold::{Hold, Holder, Measure};
pub(crate) use interrupt::{Interrupt, PROGRAM as INTERRUPT};
pub(crate) use line::{Kind, Library};
pub(crate) use place::{Access, Cipher, Dialer, Place, Way};
pub(crate) use read::{Clock, FloodPlace, Pace, Read};
pub(crate) use resume::{Again, Resume};
pub(crate) use sessions::{Clients, Sessions};

use std::cell::RefCell;
use std::rc::Rc;

use crate::Error;
use crate::line::cut;
use crate::timing::median;

/// Numbers that a side measures beside the figure's own.
#[derive(Debug, Clone, Default)]
pub(crate) struct Aside(Rc<RefCell<Vec<f64>>>);

impl Aside {
    pub(crate) fn push(&self, value: f64) {
        self.0.borrow_mut().push(value);
    }

    /// Their median, cut to what it can claim.
    pub(crate) fn median(&self) -> f64 {
        cut(median(self.0.borrow().iter().copied()))
    }
}

/// The far end did not do what it was started for.
fn wrong(given: impl Into<String>, wanted: &str) -> Error {
    Error::Answer { given: given.into(), wanted: wanted.to_owned() }
}
