//! Reads the body of an answer. The size of a body is bounded, and so is the memory of all bodies.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::de::IgnoredAny;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::{Instant as Deadline, timeout_at};

use super::coding::{Coding, decode};
use crate::runtime::processors;

/// The most bytes of a body, before and after decompression. Token answers have a few hundred.
pub const LARGEST_BODY: usize = 256 * 1024;

/// The most pieces (chunks or frames) of a body. Each piece costs time, also an empty one.
const MOST_PIECES: usize = 10_000;

/// How long a body may be silent after a whole JSON document.
const QUIET: Duration = Duration::from_secs(1);

/// A body up to this size needs no place among the large bodies, so it never waits for others.
pub const SMALL_BODY: usize = 16 * 1024;

/// The most larger bodies in memory at the same time.
pub const MOST_LARGE_BODIES: usize = 64;

/// The places for large bodies, and the turns to work on them. A probe holds at most one place and
/// waits for one only while it holds none, so probes cannot block each other.
pub struct Places {
    places: Arc<Semaphore>,
    turns: Semaphore,
}

/// A place for one large body, free again when it is dropped.
pub struct Place(#[expect(dead_code, reason = "dropping it frees the place")] OwnedSemaphorePermit);

impl Default for Places {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(MOST_LARGE_BODIES)),
            turns: Semaphore::new(processors()),
        }
    }
}

impl Places {
    /// Waits for a free place.
    pub async fn place(&self) -> Place {
        let permit = Arc::clone(&self.places).acquire_owned().await;
        Place(permit.expect("the semaphore is never closed"))
    }

    /// Waits for a turn to work on a large answer. Other work needs no turn.
    pub async fn turn(&self) -> SemaphorePermit<'_> {
        self.turns.acquire().await.expect("the semaphore is never closed")
    }
}

/// Why the rest of a body cannot be read.
pub enum BodyError {
    /// The connection broke.
    Broken(reqwest::Error),
    /// The body has more bytes or pieces than it may have.
    TooLarge,
    /// The body did not end in time.
    Late,
    /// Nothing followed a whole JSON document, although the body has not ended.
    Silent,
}

/// A body that is arriving.
pub struct Arriving<'a> {
    response: reqwest::Response,
    codings: &'a [Coding],
    bytes: Vec<u8>,
    pieces: usize,
}

impl<'a> Arriving<'a> {
    /// The body of an answer with these codings, whose headers were taken away.
    pub fn new(response: reqwest::Response, codings: &'a [Coding]) -> Self {
        Self { response, codings, bytes: Vec::new(), pieces: 0 }
    }

    /// Reads until the body ends or has more than `size` bytes. Returns whether it has ended.
    ///
    /// # Errors
    /// As [`BodyError`] says. The bytes so far stay.
    pub async fn read(&mut self, size: usize, deadline: Deadline) -> Result<bool, BodyError> {
        while self.bytes.len() <= size {
            let Some(piece) = self.piece(deadline).await? else { return Ok(true) };
            self.pieces += 1;
            if self.pieces > MOST_PIECES || self.bytes.len() + piece.len() > LARGEST_BODY {
                return Err(BodyError::TooLarge);
            }
            self.bytes.extend_from_slice(&piece);
        }
        Ok(false)
    }

    /// The bytes so far.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The next piece; `None` at the end of the body. After a whole JSON document it waits only a
    /// moment, because some servers promise more than they send.
    async fn piece(&mut self, deadline: Deadline) -> Result<Option<Bytes>, BodyError> {
        let quiet = Deadline::now() + QUIET;
        if quiet < deadline {
            match timeout_at(quiet, self.response.chunk()).await {
                Ok(piece) => return piece.map_err(BodyError::Broken),
                Err(_) if self.is_whole_json() => return Err(BodyError::Silent),
                Err(_) => {}
            }
        }
        let piece = timeout_at(deadline, self.response.chunk()).await;
        piece.map_err(|_| BodyError::Late)?.map_err(BodyError::Broken)
    }

    fn is_whole_json(&self) -> bool {
        decode(&self.bytes, self.codings, LARGEST_BODY).is_ok_and(|(body, _)| {
            body.trim_ascii_start().starts_with(b"{")
                && serde_json::from_slice::<IgnoredAny>(&body).is_ok()
        })
    }
}
