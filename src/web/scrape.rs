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

/// How many pieces of 64 KiB may wait for a slow scraper.
const PIECES: usize = 8;

/// How long a scraper may take to read one piece. After that the answer is aborted.
const PIECE_TIMEOUT: Duration = Duration::from_secs(15);

pub async fn metrics(State(app): State<App>, headers: HeaderMap) -> Response {
    let Ok(permit) = std::sync::Arc::clone(&app.scrapes).try_acquire_owned() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many scrapes at the same time\n")
            .into_response();
    };
    let gzip = accepts_gzip(&headers);
    let (sender, receiver) = mpsc::channel(PIECES);
    let now = app.ledger.now();
    let runtime = Handle::current();
    let exposition = std::sync::Arc::clone(&app.exposition);
    let writing = move || {
        let _permit = permit;
        let pieces = Pieces { sender, runtime };
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
}

impl Write for Pieces {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if piece.is_empty() {
            return Ok(0);
        }
        let piece = Bytes::copy_from_slice(piece);
        let length = piece.len();
        let piece = match self.sender.try_send(piece) {
            Ok(()) => return Ok(length),
            Err(mpsc::error::TrySendError::Full(piece)) => piece,
            Err(mpsc::error::TrySendError::Closed(_)) => {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
        };
        let sent = self
            .runtime
            .block_on(async { tokio::time::timeout(PIECE_TIMEOUT, self.sender.send(piece)).await });
        match sent {
            Ok(Ok(())) => Ok(length),
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
