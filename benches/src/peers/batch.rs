//! The least that batches cost a server: the bare script of many decisions, sent by a client that does
//! nothing else, some batches ahead of the answers.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use super::PeerSale;
use crate::side::{Local, Side};
use crate::workload::{Answer, Job, Request, Terms};
use crate::{Error, Timing};

/// Requests of one call.
const BATCH: usize = 256;
/// Calls that are on their way at the same time.
const IN_FLIGHT: usize = 3;
/// What `deadline` takes at the end of an answer, in digits.
const DEADLINE_DIGITS: usize = 13;

/// One connection, read and written by turns.
pub(crate) struct Batches {
    url: String,
    stream: BufReader<TcpStream>,
    sale: PeerSale,
}

impl Batches {
    /// Connects to the server.
    pub(crate) fn connect(url: &str) -> Result<Self, Error> {
        let address = url.trim_start_matches("redis://").trim_end_matches('/');
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self { url: url.to_owned(), stream: BufReader::new(stream), sale: PeerSale::default() })
    }

    fn decide(&mut self, job: &Job) -> Result<Timing, Error> {
        // Written before the clock starts: the figure is about the server.
        let calls: Vec<_> = job.requests.chunks(BATCH).map(|batch| (self.call(batch), batch.len())).collect();
        let (mut asked, mut spans) = (VecDeque::new(), Vec::new());
        let started = Instant::now();
        for (call, requests) in calls {
            if asked.len() == IN_FLIGHT {
                self.answer(&mut asked, job.want, &mut spans)?;
            }
            asked.push_back((Instant::now(), requests));
            self.stream.get_mut().write_all(&call)?;
        }
        while !asked.is_empty() {
            self.answer(&mut asked, job.want, &mut spans)?;
        }
        Ok(Timing::new(job.count(), started.elapsed(), spans))
    }

    /// One call as Redis reads it.
    fn call(&self, batch: &[Request]) -> Vec<u8> {
        let count = batch.len().to_string();
        let mut parts = vec!["EVALSHA", &self.sale.sha, "3"];
        parts.extend(self.sale.keys.iter().map(String::as_str));
        parts.push(&count);
        parts.extend(batch.iter().map(|request| request.buyer.as_str()));
        parts.extend(batch.iter().map(|request| request.id.as_str()));
        parts.push("1");
        let mut call = format!("*{}\r\n", parts.len());
        for part in parts {
            call.push_str(&format!("${}\r\n{part}\r\n", part.len()));
        }
        call.into_bytes()
    }

    /// Reads the oldest answer that is due.
    fn answer(
        &mut self,
        asked: &mut VecDeque<(Instant, usize)>,
        want: Answer,
        spans: &mut Vec<f64>,
    ) -> Result<(), Error> {
        let Some((asked, requests)) = asked.pop_front() else { return Ok(()) };
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let length = line.trim_end().strip_prefix('$').and_then(|digits| digits.parse::<usize>().ok());
        let refused = |given: &str| Error::Answer { given: given.to_owned(), wanted: want.to_string() };
        if length != Some(requests + DEADLINE_DIGITS) {
            return Err(refused(line.trim_end()));
        }
        let mut text = vec![0; requests + DEADLINE_DIGITS + "\r\n".len()];
        self.stream.read_exact(&mut text)?;
        spans.push(asked.elapsed().as_secs_f64() * 1e6);
        let byte = if want == Answer::Won { b'W' } else { b'S' };
        match text.iter().take(requests).find(|answer| **answer != byte) {
            Some(other) => Err(refused(&char::from(*other).to_string())),
            None => Ok(()),
        }
    }
}

impl Side for Batches {
    fn open<'a>(&'a mut self, terms: &'a Terms) -> Local<'a, Result<(), Error>> {
        Box::pin(async move {
            self.sale = PeerSale::open_batch(&self.url, terms).await?;
            Ok(())
        })
    }

    fn run<'a>(&'a mut self, job: &'a Job) -> Local<'a, Result<Timing, Error>> {
        Box::pin(async move { self.decide(job) })
    }

    fn about(&self) -> String {
        format!("a bare script of {BATCH} decisions a call, {IN_FLIGHT} calls in flight")
    }
}
