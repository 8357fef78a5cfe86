//! Swallows what a browser sent before it saw its `Welcome`: the bridge would take it for a lie.

use super::talk::Late;
use crate::BoxFuture;
use crate::pump::{FrameSource, Incoming};

/// A source without late answers.
pub(super) struct LateSource<'a> {
    source: &'a mut dyn FrameSource,
    late: Late,
}

impl<'a> LateSource<'a> {
    pub(super) fn new(source: &'a mut dyn FrameSource, late: Late) -> Self {
        Self { source, late }
    }
}

impl FrameSource for LateSource<'_> {
    fn recv(&mut self) -> BoxFuture<'_, Incoming> {
        if self.late.is_over() {
            return self.source.recv();
        }
        Box::pin(async {
            loop {
                match self.source.recv().await {
                    Incoming::Frame(frame) if self.late.takes(&frame) => {}
                    other => return other,
                }
            }
        })
    }
}
