//! Threads for jobs that block and need much memory, such as a scrape of ten thousand providers or
//! the reading of a large configuration.
//!
//! The runtime's blocking threads are not suitable: there can be hundreds, each with its own heap
//! in the allocator, and each heap would keep the size of its largest job. This pool starts a job
//! on the thread that became idle last, so it has only as many heaps as concurrent jobs.

use std::panic::AssertUnwindSafe;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};

type Job = Box<dyn FnOnce() + Send>;

/// A pool of threads that grows when no thread is idle.
#[derive(Clone, Default)]
pub struct Threads {
    idle: Arc<Mutex<Vec<Sender<Job>>>>,
    low_priority: bool,
}

/// The nice value of threads with low priority. Other threads get about nine times their share of a
/// busy processor.
const NICE: i32 = 10;

impl Threads {
    /// A pool for work that must not delay other work.
    #[must_use]
    pub fn with_low_priority() -> Self {
        Self { low_priority: true, ..Self::default() }
    }

    /// Runs `work` on a thread of the pool. A panic ends the job, not the thread.
    ///
    /// # Errors
    /// When the system cannot start another thread.
    pub fn spawn(&self, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        let mut job: Job = Box::new(work);
        loop {
            let idle = self.idle().pop();
            let worker = match idle {
                Some(worker) => worker,
                None => self.start_worker()?,
            };
            match worker.send(job) {
                Ok(()) => return Ok(()),
                // The worker has ended, which does not happen in normal operation.
                Err(unsent) => job = unsent.0,
            }
        }
    }

    /// Runs `work` on a thread of the pool and returns its result; `None` when `work` panicked or
    /// the system cannot start a thread.
    pub async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let (sender, done) = oneshot::channel();
        // The receiver is gone when the caller was cancelled.
        self.spawn(move || drop(sender.send(work()))).ok()?;
        done.await.ok()
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Sender<Job>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start_worker(&self) -> std::io::Result<Sender<Job>> {
        let (sender, jobs) = channel::<Job>();
        let (all, own) = (self.clone(), sender.clone());
        std::thread::Builder::new().name("credwatch-large".into()).spawn(move || {
            if all.low_priority {
                // On Linux this is the priority of this thread alone. Without it the work is only
                // less polite.
                let _ = rustix::process::setpriority_process(None, NICE);
            }
            for job in jobs {
                let _ = std::panic::catch_unwind(AssertUnwindSafe(job));
                all.idle().push(own.clone());
            }
        })?;
        Ok(sender)
    }
}

/// Runs jobs that can hang, such as the reading of files: one at a time, because a job that hangs
/// keeps its thread.
pub struct OneJob {
    threads: Threads,
    turn: Arc<Semaphore>,
    limit: Duration,
}

/// Why there is no result of a job.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// This job or an earlier one did not end in time.
    #[error("it took longer than {0:?}")]
    Slow(Duration),
    /// The job panicked, or the system cannot start a thread.
    #[error("it was stopped")]
    Stopped,
}

impl OneJob {
    /// The caller waits at most `limit` for each job.
    #[must_use]
    pub fn new(limit: Duration) -> Self {
        Self { threads: Threads::default(), turn: Arc::new(Semaphore::new(1)), limit }
    }

    /// Runs `work` on a thread and returns its result.
    ///
    /// # Errors
    /// See [`JobError`].
    pub async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, JobError> {
        let slow = JobError::Slow(self.limit);
        let Ok(turn) = Arc::clone(&self.turn).try_acquire_owned() else { return Err(slow) };
        let job = self.threads.call(move || {
            let result = work();
            drop(turn);
            result
        });
        match tokio::time::timeout(self.limit, job).await {
            Ok(result) => result.ok_or(JobError::Stopped),
            Err(_) => Err(slow),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[tokio::test]
    async fn jobs_that_do_not_overlap_run_on_the_same_thread() {
        let threads = Threads::default();
        let mut seen = HashSet::new();
        for _ in 0..50 {
            let id = threads.call(|| std::thread::current().id()).await.expect("it ran");
            // The thread returns to the pool after it has sent the result.
            while threads.idle().is_empty() {
                tokio::task::yield_now().await;
            }
            seen.insert(id);
        }
        assert_eq!(seen.len(), 1);
    }

    #[tokio::test]
    async fn a_job_that_panics_does_not_end_its_thread() {
        let threads = Threads::default();
        assert!(threads.call(|| panic!("on purpose")).await.is_none_or(|()| false));
        assert_eq!(threads.call(|| 7).await, Some(7));
    }

    #[tokio::test]
    async fn a_job_that_hangs_is_given_up_and_the_next_one_runs_only_after_its_end() {
        let jobs = OneJob::new(Duration::from_millis(20));
        let (end, hang) = channel::<()>();
        let hanging = jobs.call(move || hang.recv().is_ok()).await;
        assert!(matches!(hanging, Err(JobError::Slow(_))));
        assert!(matches!(jobs.call(|| 7).await, Err(JobError::Slow(_))));
        drop(end);
        while !matches!(jobs.call(|| 7).await, Ok(7)) {
            tokio::task::yield_now().await;
        }
    }
}
