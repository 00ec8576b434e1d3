//! Writes whole answers, such as pages and JSON, on threads of their own and within bounds. The
//! threads of the runtime stay free for probes and health checks.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::threads::Threads;
use crate::turns::Turns;

/// The most answers that are written at the same time.
const WRITTEN_AT_ONCE: usize = 2;

/// The most requests that wait until their answer is written.
const MOST_WAITING: usize = 256;

/// The longest time that a request waits until its answer is written.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// How long a finished answer waits until clients have read others.
const LONGEST_WAIT_FOR_ROOM: Duration = Duration::from_secs(1);

/// The most memory of all answers that clients have not read yet, in KiB.
const MOST_UNREAD: u32 = 64 * 1024;

/// Writes answers of one kind.
#[derive(Clone)]
pub struct Documents {
    turns: Turns,
    threads: Threads,
    unread: Arc<Semaphore>,
}

/// The bytes of an answer, which count as unread until they are dropped.
struct Unread {
    bytes: Vec<u8>,
    _room: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Unread {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Documents {
    /// Writes on threads like these.
    #[must_use]
    pub fn new(threads: Threads) -> Self {
        Self {
            turns: Turns::new(WRITTEN_AT_ONCE, MOST_WAITING),
            threads,
            unread: Arc::new(Semaphore::new(MOST_UNREAD as usize)),
        }
    }

    /// Runs `write` on a thread, and returns what it returns, with the bytes ready to be sent.
    ///
    /// # Errors
    /// Too many requests wait, or clients do not read their answers.
    pub async fn write<T: Send + 'static>(
        &self,
        write: impl FnOnce() -> (T, Vec<u8>) + Send + 'static,
    ) -> Result<(T, Bytes), Busy> {
        let turn = self.turns.take(LONGEST_WAIT).await;
        let turn = turn.ok_or(Busy("too many requests at the same time, try again"))?;
        // The turn comes back with the answer. So at most as many finished answers as there are
        // turns wait for room, and work goes on to its end if the client has disconnected.
        let writing = self.threads.call(move || (turn, write()));
        let (_turn, (value, bytes)) =
            writing.await.ok_or(Busy("the answer cannot be written now, try again"))?;
        let size = u32::try_from(bytes.len() / 1024 + 1).unwrap_or(u32::MAX).min(MOST_UNREAD);
        let room = Arc::clone(&self.unread).acquire_many_owned(size);
        match tokio::time::timeout(LONGEST_WAIT_FOR_ROOM, room).await {
            Ok(Ok(room)) => Ok((value, Bytes::from_owner(Unread { bytes, _room: room }))),
            _ => Err(Busy("clients do not read their answers, try again")),
        }
    }
}

/// Why an answer was not written, as a sentence. As a response it has the status 503.
#[derive(Clone, Copy, Debug)]
pub struct Busy(pub &'static str);

impl IntoResponse for Busy {
    fn into_response(self) -> Response {
        (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", self.0)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn unread_answers_take_a_bounded_part_of_the_memory() {
        let documents = Documents::new(Threads::default());
        let half = || ((), vec![b'x'; MOST_UNREAD as usize * 512]);
        let (first, second) = (documents.write(half).await, documents.write(half).await);
        // Each needs one KiB more than half.
        assert!(first.is_ok() && second.is_err());
        drop(first);
        assert!(documents.write(half).await.is_ok());
    }

    #[tokio::test]
    async fn no_further_answer_is_written_while_finished_ones_wait_for_room() {
        let documents = Documents::new(Threads::default());
        let whole = || ((), vec![b'x'; MOST_UNREAD as usize * 1024]);
        let _unread = documents.write(whole).await.expect("there is room");
        let written = Arc::new(AtomicUsize::new(0));
        let mut waiting: Vec<_> = (0..6)
            .map(|_| {
                let (documents, written) = (documents.clone(), Arc::clone(&written));
                tokio::spawn(async move {
                    let count = move || ((), vec![b'x'; written.fetch_add(1, Ordering::SeqCst)]);
                    documents.write(count).await.is_ok()
                })
            })
            .collect();
        let first = waiting.remove(0);
        assert!(!first.await.expect("it ran"), "there is no room");
        assert!(written.load(Ordering::SeqCst) <= 2 * WRITTEN_AT_ONCE);
    }
}
