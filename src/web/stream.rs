//! Sends a text as a stream while a thread writes it, so that a large one is never whole in memory.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::documents::Busy;
use crate::metrics::{Sink, piece};
use crate::threads::Threads;
use crate::turns::Turns;

/// How many pieces of 64 KiB may wait for a slow client.
const PIECES: usize = 8;

/// How long a client may take to read one piece. After that the answer is aborted.
const PIECE_TIMEOUT: Duration = Duration::from_secs(15);

/// How long a client may take in total for reading, when another one waits for its turn.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often a slow client is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// The most requests that wait for their turn.
const MOST_WAITING: usize = 256;

/// How long a request waits for its turn.
const LONGEST_WAIT: Duration = Duration::from_secs(8);

/// Sends texts of one kind, a bounded number at the same time.
#[derive(Clone)]
pub struct Streams {
    turns: Turns,
    threads: Threads,
}

impl Streams {
    /// Writes at most `at_once` texts at the same time, on threads like these.
    #[must_use]
    pub fn new(at_once: usize, threads: Threads) -> Self {
        Self { turns: Turns::new(at_once, MOST_WAITING), threads }
    }

    /// Runs `write` on a thread. The body has what it writes, and breaks the connection when it
    /// fails.
    ///
    /// # Errors
    /// Too many requests wait, or the system starts no thread.
    pub async fn send(
        &self,
        write: impl FnOnce(&mut dyn Sink) -> io::Result<()> + Send + 'static,
    ) -> Result<Body, Busy> {
        let turn = self.turns.take(LONGEST_WAIT).await;
        let turn = turn.ok_or(Busy("too many requests at the same time, try again"))?;
        let (mut pieces, queue) = Pieces::new(self.turns.clone());
        let runtime = Handle::current();
        let writing = move || {
            let _turn = turn;
            let written = write(&mut Output { pieces: &mut pieces, runtime });
            pieces.end(written.is_ok());
        };
        let started = self.threads.spawn(writing);
        started.map_err(|_| Busy("the answer cannot be written now, try again"))?;
        Ok(Body::from_stream(futures_util::stream::poll_fn(move |cx| queue.poll_next(cx))))
    }
}

/// The pieces that the client has not read yet.
struct Queue {
    pieces: Mutex<mpsc::Receiver<Bytes>>,
    /// Whether all pieces were written.
    is_complete: AtomicBool,
}

impl Queue {
    fn pieces(&self) -> MutexGuard<'_, mpsc::Receiver<Bytes>> {
        self.pieces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next piece. A text that is not complete ends with an error, which breaks the
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
    /// How long the client has kept this thread waiting.
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

    /// Waits until the client has read enough for one more piece.
    ///
    /// # Errors
    /// When the client is too slow or has closed its connection.
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

impl Sink for Output<'_> {
    fn take(&mut self, text: &mut Vec<u8>) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        // The bytes are not copied; the writer goes on with another buffer.
        let text = Bytes::from(std::mem::replace(text, piece()));
        match self.pieces.sender.try_send(text) {
            Ok(()) => Ok(()),
            Err(mpsc::error::TrySendError::Full(text)) => {
                self.runtime.block_on(self.pieces.room())?.send(text);
                Ok(())
            }
            Err(mpsc::error::TrySendError::Closed(_)) => Err(io::ErrorKind::BrokenPipe.into()),
        }
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
