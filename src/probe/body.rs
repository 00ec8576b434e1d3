//! Reads the body of an answer. The size of a body is bounded, and so is the memory of all bodies.

use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant};

use flate2::read::MultiGzDecoder;
use http::{HeaderMap, header};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::Instant as Deadline;

use crate::runtime::processors;

/// The most bytes of a body, before and after decompression. Token answers have a few hundred.
pub const LARGEST_BODY: usize = 256 * 1024;

/// The most pieces (chunks or frames) of a body. Each piece costs time, also an empty one.
const MOST_PIECES: usize = 10_000;

/// A body up to this size needs no place among the large bodies, so it never waits for others.
pub const SMALL_BODY: usize = 16 * 1024;

/// The most larger bodies in memory at the same time.
const MOST_LARGE_BODIES: usize = 64;

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
    /// Waits for a free place. Returns how long that took, too.
    pub async fn wait(&self) -> (Option<Place>, Duration) {
        let start = Instant::now();
        // The semaphore is never closed.
        let permit = Arc::clone(&self.places).acquire_owned().await.ok();
        (permit.map(Place), start.elapsed())
    }

    /// Waits for a turn to work on a large answer, and moves the deadline by the wait. Other work
    /// needs no turn.
    pub async fn turn(&self, large: bool, deadline: &mut Deadline) -> Option<SemaphorePermit<'_>> {
        if !large {
            return None;
        }
        let start = Instant::now();
        let permit = self.turns.acquire().await.ok();
        *deadline += start.elapsed();
        permit
    }
}

/// Why a body cannot be read.
pub enum BodyError {
    /// The connection broke.
    Broken(reqwest::Error),
    /// The body has more bytes or pieces than it may have.
    TooLarge,
    /// The header says gzip, but the body cannot be unpacked.
    NotGzip,
}

/// A body that is arriving.
pub struct Arriving {
    response: reqwest::Response,
    bytes: Vec<u8>,
    pieces: usize,
}

impl Arriving {
    /// The body of an answer whose headers were taken away.
    pub fn new(response: reqwest::Response) -> Self {
        Self { response, bytes: Vec::new(), pieces: 0 }
    }

    /// Reads until the body ends or is no longer small. Returns whether it has ended.
    ///
    /// # Errors
    /// As [`BodyError`] says.
    pub async fn read_small(&mut self) -> Result<bool, BodyError> {
        while self.bytes.len() <= SMALL_BODY {
            if !self.read_piece().await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Reads until the body ends.
    ///
    /// # Errors
    /// As [`BodyError`] says.
    pub async fn read_rest(&mut self) -> Result<(), BodyError> {
        while self.read_piece().await? {}
        Ok(())
    }

    /// The bytes so far.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Returns false at the end of the body.
    async fn read_piece(&mut self) -> Result<bool, BodyError> {
        let Some(piece) = self.response.chunk().await.map_err(BodyError::Broken)? else {
            return Ok(false);
        };
        self.pieces += 1;
        if self.pieces > MOST_PIECES || self.bytes.len() + piece.len() > LARGEST_BODY {
            return Err(BodyError::TooLarge);
        }
        self.bytes.extend_from_slice(&piece);
        Ok(true)
    }
}

/// Whether these headers say that the body is compressed with gzip.
pub fn is_gzip(headers: &HeaderMap) -> bool {
    let coding = headers.get(header::CONTENT_ENCODING).map(http::HeaderValue::as_bytes);
    coding.is_some_and(|coding| {
        coding.eq_ignore_ascii_case(b"gzip") || coding.eq_ignore_ascii_case(b"x-gzip")
    })
}

/// Unpacks a body of at most `most` bytes. The standard allows several members (RFC 1952,
/// section 2.2).
///
/// # Errors
/// When the body is larger, or when it is no gzip.
pub fn unpack(packed: &[u8], most: usize) -> Result<Vec<u8>, BodyError> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    match MultiGzDecoder::new(packed).take(limit).read_to_end(&mut bytes) {
        _ if bytes.len() > most => Err(BodyError::TooLarge),
        Err(_) => Err(BodyError::NotGzip),
        Ok(_) => Ok(bytes),
    }
}
