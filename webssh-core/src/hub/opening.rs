//! A new session: reserve, log in, enter, drive.

use std::sync::Arc;

use tokio::time::timeout;

use super::budget::Claim;
use super::handshake::{Order, token};
use super::late::LateSource;
use super::line::Line;
use super::registry::{Registry, refused};
use super::{Opened, Opener, secs};
use crate::bridge::{Bridge, CloseReason};
use crate::frame::FailureCode;
use crate::pump::{self, FrameSink, FrameSource};

/// Opens a session and drives its first connection to the end. An `Err` is for a farewell.
pub(super) async fn open<T>(
    registry: &Arc<Registry<T>>,
    order: Order<T>,
    source: &mut dyn FrameSource,
    sink: &mut dyn FrameSink,
    opener: &dyn Opener<T>,
) -> Result<CloseReason, CloseReason>
where
    T: Send + Sync + 'static,
{
    let limits = registry.limits();
    let Order { hello, user, target } = order;
    let reservation = registry.reserve(Claim::Session { user: user.clone() })?;
    let dialogue = registry.reserve(Claim::Dialogue)?;
    let token = token()?;
    let line = Line::new(hello.caps, limits);
    let work = timeout(secs(limits.open_secs_max), opener.open(&user, &target, hello.size, &line));
    let work = async {
        tokio::select! {
            opened = work => match opened {
                Ok(Ok(opened)) => Ok(opened),
                Ok(Err(failure)) => Err(CloseReason::Refused(failure)),
                Err(_elapsed) => Err(refused(FailureCode::Unreachable)),
            },
            () = registry.closing() => Err(CloseReason::Shutdown),
        }
    };
    let Opened { shell, options } = match line.converse(source, sink, work).await {
        Ok(opened) => opened?,
        // The connection itself is gone.
        Err(reason) => return Ok(reason),
    };
    drop(dialogue);
    let bridge = Bridge::new(limits.session, std::time::Duration::ZERO);
    let (session, driver) = pump::session(bridge, shell, options);
    let (seat, attachment) =
        registry.enter(reservation, (user, Arc::new(target), session), &hello, &token)?;
    tokio::spawn(async move {
        // The reason is the connections' to report; a session without any has nobody to tell.
        let _reason = driver.await;
        drop(seat);
    });
    let mut source = LateSource::new(source, line.late());
    Ok(attachment.run(&mut source, sink).await)
}
