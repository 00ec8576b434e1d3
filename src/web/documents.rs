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
    /// An answer with status 503: too many requests wait, or clients do not read their answers.
    pub async fn write<T: Send + 'static>(
        &self,
        write: impl FnOnce() -> (T, Vec<u8>) + Send + 'static,
    ) -> Result<(T, Bytes), Response> {
        let turn = self.turns.take(LONGEST_WAIT).await;
        let turn = turn.ok_or_else(|| busy("too many requests at the same time, try again\n"))?;
        let writing = self.threads.call(move || {
            // Held until the work ends, even if the client has disconnected.
            let _turn = turn;
            write()
        });
        let (value, bytes) =
            writing.await.ok_or_else(|| busy("the answer cannot be written now, try again\n"))?;
        let size = u32::try_from(bytes.len() / 1024 + 1).unwrap_or(u32::MAX).min(MOST_UNREAD);
        let room = Arc::clone(&self.unread).acquire_many_owned(size);
        match tokio::time::timeout(LONGEST_WAIT, room).await {
            Ok(Ok(room)) => Ok((value, Bytes::from_owner(Unread { bytes, _room: room }))),
            _ => Err(busy("clients do not read their answers, try again\n")),
        }
    }
}

fn busy(text: &'static str) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn unread_answers_take_a_bounded_part_of_the_memory() {
        let documents = Documents::new(Threads::default());
        let half = || ((), vec![b'x'; MOST_UNREAD as usize * 512]);
        let (first, second) = (documents.write(half).await, documents.write(half).await);
        // Each needs one KiB more than half.
        assert!(first.is_ok() && second.is_err_and(|answer| answer.status() == 503));
        drop(first);
        assert!(documents.write(half).await.is_ok());
    }
}
