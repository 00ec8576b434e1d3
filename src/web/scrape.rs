//! `/metrics`: sends the exposition as a stream, so that a large one is never whole in memory.

use std::io::{self, Write};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::app::App;
use super::encoding::accepts_gzip;
use crate::metrics::CONTENT_TYPE;
use crate::turns::Turns;

/// How many pieces of 64 KiB may wait for a slow scraper.
const PIECES: usize = 8;

/// How long a scraper may take to read one piece. After that the answer is aborted.
const PIECE_TIMEOUT: Duration = Duration::from_secs(15);

/// How long a scraper may take in total for reading, when another one waits for its turn.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often a slow scraper is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// How long a scrape waits for its turn.
const LONGEST_WAIT: Duration = Duration::from_secs(8);

pub async fn metrics(State(app): State<App>, headers: HeaderMap) -> Response {
    let Some(turn) = app.scrapes.take(LONGEST_WAIT).await else {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many scrapes at the same time\n")
            .into_response();
    };
    let gzip = accepts_gzip(&headers);
    let (sender, receiver) = mpsc::channel(PIECES);
    let now = app.ledger.now();
    let runtime = Handle::current();
    let exposition = std::sync::Arc::clone(&app.exposition);
    let turns = app.scrapes.clone();
    let writing = move || {
        let _turn = turn;
        let pieces = Pieces { sender, runtime, turns, waited: Duration::ZERO };
        // The only possible error is that the scraper has closed the connection.
        let _ = if gzip {
            // Higher levels take eight times as long and save only a fifth of the bytes.
            let mut encoder = GzEncoder::new(pieces, Compression::fast());
            exposition.write(&mut encoder, now).and_then(|()| encoder.finish().map(|_| ()))
        } else {
            exposition.write(pieces, now)
        };
    };
    if app.threads.spawn(writing).is_err() {
        return (StatusCode::SERVICE_UNAVAILABLE, "the system cannot start another thread\n")
            .into_response();
    }
    let stream = futures_util::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|piece| (Ok::<Bytes, io::Error>(piece), receiver))
    });
    let mut response = Body::from_stream(stream).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(CONTENT_TYPE));
    headers.insert(header::VARY, header::HeaderValue::from_static("Accept-Encoding"));
    if gzip {
        headers.insert(header::CONTENT_ENCODING, header::HeaderValue::from_static("gzip"));
    }
    response
}

/// Sends pieces from the writing thread to the connection.
struct Pieces {
    sender: mpsc::Sender<Bytes>,
    runtime: Handle,
    turns: Turns,
    /// How long the scraper has kept this thread waiting.
    waited: Duration,
}

impl Pieces {
    /// Waits until the scraper has read enough for one more piece.
    fn wait(&mut self) -> io::Result<mpsc::Permit<'_, Bytes>> {
        let before = self.waited;
        loop {
            let room = self
                .runtime
                .block_on(async { tokio::time::timeout(LOOK, self.sender.reserve()).await });
            match room {
                Ok(room) => return room.map_err(|_| io::ErrorKind::BrokenPipe.into()),
                Err(_) => self.waited += LOOK,
            }
            let is_in_the_way = self.waited >= PATIENCE && self.turns.are_wanted();
            if is_in_the_way || self.waited >= before + PIECE_TIMEOUT {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
    }
}

impl Write for Pieces {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if piece.is_empty() {
            return Ok(0);
        }
        let piece = Bytes::copy_from_slice(piece);
        let length = piece.len();
        match self.sender.try_send(piece) {
            Ok(()) => Ok(length),
            Err(mpsc::error::TrySendError::Full(piece)) => {
                self.wait()?.send(piece);
                Ok(length)
            }
            Err(mpsc::error::TrySendError::Closed(_)) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
