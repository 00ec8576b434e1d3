//! Threads of our own for what blocks and needs much memory: a scrape of ten thousand providers,
//! reading a large configuration.
//!
//! Not the runtime's blocking threads. There are hundreds of them, the allocator gives each a heap
//! of its own, and what a large job has needed once would in time stay in every one of those heaps.
//! Here the thread that was idle last is taken first, so there are as many heaps as jobs at the
//! same time.

use std::panic::AssertUnwindSafe;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

type Job = Box<dyn FnOnce() + Send>;

/// Threads that wait for work, or are made for it.
#[derive(Clone, Default)]
pub struct Threads {
    idle: Arc<Mutex<Vec<Sender<Job>>>>,
}

impl Threads {
    /// Does something on one of the threads. A panic ends the job, not the thread.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn spawn(&self, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        let mut job: Job = Box::new(work);
        loop {
            let idle = self.idle().pop();
            let worker = match idle {
                Some(worker) => worker,
                None => self.another()?,
            };
            match worker.send(job) {
                Ok(()) => return Ok(()),
                // One that has ended, which none does by itself.
                Err(unsent) => job = unsent.0,
            }
        }
    }

    /// Does something on one of the threads and returns what comes of it; `None` when it panicked
    /// or there is no thread.
    pub async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let (sender, done) = oneshot::channel();
        // Whoever waited may have gone.
        self.spawn(move || drop(sender.send(work()))).ok()?;
        done.await.ok()
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Sender<Job>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn another(&self) -> std::io::Result<Sender<Job>> {
        let (sender, jobs) = channel::<Job>();
        let (all, own) = (self.clone(), sender.clone());
        std::thread::Builder::new().name("credwatch-large".into()).spawn(move || {
            for job in jobs {
                let _ = std::panic::catch_unwind(AssertUnwindSafe(job));
                all.idle().push(own.clone());
            }
        })?;
        Ok(sender)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[tokio::test]
    async fn one_after_the_other_runs_on_the_same_thread() {
        let threads = Threads::default();
        let mut seen = HashSet::new();
        for _ in 0..50 {
            let id = threads.call(|| std::thread::current().id()).await.expect("it ran");
            // The thread puts itself back after the answer.
            while threads.idle().is_empty() {
                tokio::task::yield_now().await;
            }
            seen.insert(id);
        }
        assert_eq!(seen.len(), 1);
    }

    #[tokio::test]
    async fn a_job_that_panics_takes_no_thread_with_it() {
        let threads = Threads::default();
        assert!(threads.call(|| panic!("on purpose")).await.is_none_or(|()| false));
        assert_eq!(threads.call(|| 7).await, Some(7));
    }
}
