//! Finding a moment in a recording without reading it from the start.

use std::time::Duration;

use super::{Event, Header, Item, LINE_BYTES_MAX, Reader, TimedEvent};
use crate::WinSize;
use crate::error::Error;

/// The most points of an index. With more the distance between them doubles.
const POINTS_MAX: usize = 4096;

/// Where moments of a recording are in its file, and what a player shows beside it: the duration and the markers.
///
/// ```
/// use std::time::Duration;
/// use webssh_core::transcript::{Reader, SeekIndex};
///
/// let recording = b"{\"version\": 2, \"width\": 80, \"height\": 24}\n[6, \"o\", \"a\"]\n[7, \"o\", \"b\"]\n";
/// let index = SeekIndex::build(recording, Duration::from_secs(5))?;
/// assert_eq!(index.duration(), Duration::from_secs(7));
///
/// let point = index.point(Duration::from_secs(10));
/// let mut reader = Reader::resume(index.header(), point);
/// reader.push(&recording[usize::try_from(point.line_offset).unwrap()..]);
/// assert_eq!(point.at, Duration::from_secs(6)); // after `a`, before `b`
/// # Ok::<(), webssh_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct SeekIndex {
    header: Header,
    points: Vec<SeekPoint>,
    step: Duration,
    end: Duration,
    markers: Vec<TimedEvent>,
    start: SeekPoint,
    /// Of the terminal, after the last event.
    size: WinSize,
}

/// A line of a recording at which a [`Reader`] can go on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SeekPoint {
    /// When the event before that line happened; the line itself is later or at the same time.
    pub at: Duration,
    /// Where the line begins, in bytes from the start of the file.
    pub line_offset: u64,
    /// The size of the terminal there.
    pub size: WinSize,
}

impl SeekIndex {
    /// Reads the whole recording and notes a point about every `step`; at least every second of it. A last line that
    /// was cut off is left out.
    ///
    /// # Errors
    /// `Corrupt` names the first line that is not as it should be.
    pub fn build(recording: &[u8], step: Duration) -> Result<Self, Error> {
        let step = step.max(Duration::from_secs(1));
        let mut reader = Reader::new();
        let mut index: Option<Self> = None;
        for piece in recording.chunks(LINE_BYTES_MAX) {
            reader.push(piece);
            while let Some(item) = reader.poll()? {
                let offset = reader.offset();
                match (&mut index, item) {
                    (None, Item::Header(header)) => index = Some(Self::start(header, offset, step)),
                    (Some(index), Item::Event(event)) => index.note(event, offset),
                    (None, Item::Event(_)) | (Some(_), Item::Header(_)) => {}
                }
            }
        }
        match index {
            Some(index) => Ok(index),
            // There is no whole line: the header is missing or cut off.
            None => {
                let end = crate::ring::count(recording.len());
                super::read(recording).map(|(header, _)| Self::start(header, end, step))
            }
        }
    }

    /// The first line of the recording.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// When the last event happened.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.end
    }

    /// The markers, as [`Event::Marker`]s: at most 4096.
    #[must_use]
    pub fn markers(&self) -> &[TimedEvent] {
        &self.markers
    }

    /// The last point that is not after `at`.
    #[must_use]
    pub fn point(&self, at: Duration) -> &SeekPoint {
        let after = self.points.partition_point(|point| point.at <= at);
        self.points.get(..after).and_then(<[_]>::last).unwrap_or(&self.start)
    }

    fn start(header: Header, line_offset: u64, step: Duration) -> Self {
        let start = SeekPoint { at: Duration::ZERO, line_offset, size: header.size };
        Self {
            size: header.size,
            header,
            points: Vec::new(),
            step,
            end: Duration::ZERO,
            markers: Vec::new(),
            start,
        }
    }

    /// Takes an event and where the line after it begins.
    fn note(&mut self, event: TimedEvent, next_offset: u64) {
        self.end = event.at;
        match event.event {
            Event::Resize(size) => self.size = size,
            Event::Marker(_) if self.markers.len() < POINTS_MAX => self.markers.push(event),
            _ => {}
        }
        let last = self.points.last().unwrap_or(&self.start);
        if self.end.saturating_sub(last.at) >= self.step {
            self.points.push(SeekPoint { at: self.end, line_offset: next_offset, size: self.size });
        }
        if self.points.len() > POINTS_MAX {
            let mut keep = false;
            self.points.retain(|_| {
                keep = !keep;
                keep
            });
            self.step *= 2;
        }
    }
}

/// What a player shows at a moment, in as few events as possible: all output up to `until` is joined into one event
/// before each change of size. Events after `until`, input and markers are left out.
#[must_use]
pub fn flatten(events: &[TimedEvent], until: Duration) -> Vec<TimedEvent> {
    let mut flat: Vec<TimedEvent> = Vec::new();
    for TimedEvent { at, event } in events.iter().take_while(|event| event.at <= until) {
        match (event, flat.last_mut()) {
            (Event::Output(more), Some(TimedEvent { at: last, event: Event::Output(text) })) => {
                *last = *at;
                text.push_str(more);
            }
            (Event::Output(_) | Event::Resize(_) | Event::Exit(_), _) => {
                flat.push(TimedEvent { at: *at, event: event.clone() });
            }
            (Event::Input(_) | Event::Marker(_), _) => {}
        }
    }
    flat
}
