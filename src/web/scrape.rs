//! `/metrics`: sends the exposition as a stream, so that a large one is never whole in memory.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
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
use tokio::time::Instant;

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
    let now = app.ledger.now();
    let exposition = Arc::clone(&app.exposition);
    let (mut pieces, queue) = Pieces::new(app.scrapes.clone());
    let runtime = Handle::current();
    let writing = move || {
        let _turn = turn;
        let mut output = Output { pieces: &mut pieces, runtime };
        // An error means that the scraper has closed the connection or is too slow.
        let written = if gzip {
            // Higher levels take eight times as long and save only a fifth of the bytes.
            let mut encoder = GzEncoder::new(output, Compression::fast());
            exposition.write(&mut encoder, now).and_then(|()| encoder.finish().map(|_| ()))
        } else {
            exposition.write(&mut output, now)
        };
        pieces.end(written.is_ok());
    };
    if app.threads.spawn(writing).is_err() {
        return (StatusCode::SERVICE_UNAVAILABLE, "the system cannot start another thread\n")
            .into_response();
    }
    let stream = futures_util::stream::poll_fn(move |cx| queue.poll_next(cx));
    let mut response = Body::from_stream(stream).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(CONTENT_TYPE));
    headers.insert(header::VARY, header::HeaderValue::from_static("Accept-Encoding"));
    if gzip {
        headers.insert(header::CONTENT_ENCODING, header::HeaderValue::from_static("gzip"));
    }
    response
}

/// The pieces that the scraper has not read yet.
struct Queue {
    pieces: Mutex<mpsc::Receiver<Bytes>>,
    /// Whether all pieces were written.
    is_complete: AtomicBool,
}

impl Queue {
    fn pieces(&self) -> MutexGuard<'_, mpsc::Receiver<Bytes>> {
        self.pieces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next piece. An exposition that is not complete ends with an error, which breaks the
    /// connection: a scraper would take a regular end for a complete exposition.
    fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        self.pieces().poll_recv(cx).map(|piece| match piece {
            None if !self.is_complete.load(Ordering::Acquire) => {
                Some(Err(io::ErrorKind::TimedOut.into()))
            }
            piece => piece.map(Ok),
        })
    }
}

/// Puts pieces into the queue.
struct Pieces {
    sender: mpsc::Sender<Bytes>,
    /// Gone when the connection is closed.
    queue: Weak<Queue>,
    turns: Turns,
    /// How long the scraper has kept this thread waiting.
    waited: Duration,
}

impl Pieces {
    fn new(turns: Turns) -> (Self, Arc<Queue>) {
        let (sender, receiver) = mpsc::channel(PIECES);
        let queue =
            Arc::new(Queue { pieces: Mutex::new(receiver), is_complete: AtomicBool::new(false) });
        let pieces = Self { sender, queue: Arc::downgrade(&queue), turns, waited: Duration::ZERO };
        (pieces, queue)
    }

    /// Waits until the scraper has read enough for one more piece.
    ///
    /// # Errors
    /// When the scraper is too slow or has closed its connection.
    async fn room(&mut self) -> io::Result<mpsc::Permit<'_, Bytes>> {
        let (start, before) = (Instant::now(), self.waited);
        loop {
            let room = tokio::time::timeout(LOOK, self.sender.reserve()).await;
            self.waited = before + start.elapsed();
            let is_in_the_way = self.waited >= PATIENCE && self.turns.are_wanted();
            if is_in_the_way || start.elapsed() >= PIECE_TIMEOUT {
                return Err(io::ErrorKind::TimedOut.into());
            }
            if let Ok(room) = room {
                return room.map_err(|_| io::ErrorKind::BrokenPipe.into());
            }
        }
    }

    /// Ends the queue. One that is not complete is emptied, because nobody needs its pieces.
    fn end(self, is_complete: bool) {
        let Some(queue) = self.queue.upgrade() else { return };
        queue.is_complete.store(is_complete, Ordering::Release);
        if !is_complete {
            let mut pieces = queue.pieces();
            pieces.close();
            while pieces.try_recv().is_ok() {}
        }
    }
}

/// Writes pieces on a thread.
struct Output<'a> {
    pieces: &'a mut Pieces,
    runtime: Handle,
}

impl Write for Output<'_> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if piece.is_empty() {
            return Ok(0);
        }
        let piece = Bytes::copy_from_slice(piece);
        let length = piece.len();
        match self.pieces.sender.try_send(piece) {
            Ok(()) => Ok(length),
            Err(mpsc::error::TrySendError::Full(piece)) => {
                self.runtime.block_on(self.pieces.room())?.send(piece);
                Ok(length)
            }
            Err(mpsc::error::TrySendError::Closed(_)) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fills the queue of a scraper that reads one piece each 90 ms. Returns when it was aborted,
    /// in milliseconds.
    async fn aborted_after(turns: Turns) -> Option<u128> {
        let (mut pieces, queue) = Pieces::new(turns);
        let start = Instant::now();
        let reading = async {
            loop {
                tokio::time::sleep(Duration::from_millis(90)).await;
                if queue.pieces().try_recv().is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        let writing = async {
            for _ in 0..100 {
                match pieces.room().await {
                    Ok(room) => room.send(Bytes::from_static(b"x")),
                    Err(_) => return Some(start.elapsed().as_millis()),
                }
            }
            None
        };
        tokio::select! {
            aborted = writing => aborted,
            () = reading => None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_scraper_that_trickles_is_aborted_after_a_second_when_another_one_waits() {
        let turns = Turns::new(1, 9);
        let _first = turns.take(LONGEST_WAIT).await.expect("a free turn");
        assert_eq!(aborted_after(turns.clone()).await, None, "nobody waits");
        let mut second = Box::pin(turns.take(LONGEST_WAIT));
        assert!(futures_util::FutureExt::now_or_never(&mut second).is_none());
        let aborted = aborted_after(turns.clone()).await.expect("it is in the way");
        assert!((1_000..=1_100).contains(&aborted), "{aborted} ms");
    }

    #[tokio::test]
    async fn only_a_complete_exposition_ends_without_an_error_and_an_aborted_one_keeps_no_pieces() {
        for is_complete in [true, false] {
            let (pieces, queue) = Pieces::new(Turns::new(1, 1));
            pieces.sender.try_send(Bytes::from_static(b"a 1\n")).expect("there is room");
            pieces.end(is_complete);
            let next = async || std::future::poll_fn(|cx| queue.poll_next(cx)).await;
            if is_complete {
                assert!(next().await.is_some_and(|piece| piece.is_ok()));
                assert!(next().await.is_none());
            } else {
                assert!(next().await.is_some_and(|piece| piece.is_err()));
            }
        }
        let (pieces, queue) = Pieces::new(Turns::new(1, 1));
        drop(pieces);
        let end = std::future::poll_fn(|cx| queue.poll_next(cx)).await;
        assert!(end.is_some_and(|piece| piece.is_err()), "the thread panicked");
    }
}
