//! The tokio runtimes.
//!
//! The daemon has two: one for the scheduler and the HTTP server, and one for the probes. A hostile
//! answer can keep the threads of the probes busy, and the others go on.

use std::io;
use std::num::NonZero;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};

/// The most threads for blocking calls. Hanging name lookups of all probes need fewer, so that
/// scrapes always get a thread.
const BLOCKING_THREADS: usize = 2_048;

/// How long an idle thread waits for another call. With tokio's default of ten seconds, a steady
/// load would keep all threads that one outage has started.
const KEEP_ALIVE: Duration = Duration::from_millis(200);

/// How many tasks a thread of the probes runs before it looks for timers and sockets again. With
/// tokio's default of 61, an endless answer could put off its own deadline.
const PROBE_EVENT_INTERVAL: u32 = 4;

/// So many answers of endless interim (1xx) responses leave threads for other probes. The HTTP
/// library reads such an answer for seconds before it lets another task run. One hostile host can
/// have as many, because that is the default of `limits.probes_in_flight_per_host`.
pub const ENDLESS_ANSWERS: usize = 32;

const THREAD_NAME: &str = "credwatch-run";

const PROBE_THREAD_NAME: &str = "credwatch-probe";

/// Runs a future in a runtime of its own.
pub fn block_on<T>(future: impl Future<Output = T>) -> io::Result<T> {
    let runtime = builder(THREAD_NAME).build()?;
    let value = runtime.block_on(future);
    // A plain drop would wait for threads that hang in a name lookup.
    runtime.shutdown_timeout(Duration::from_millis(100));
    Ok(value)
}

/// The number of processors that the process may use.
pub fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

/// The runtime of the probes. Dropping it drops the probes that run.
pub struct ProbeRuntime(Option<Runtime>);

impl ProbeRuntime {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the system cannot start a thread.
    pub fn start() -> io::Result<Self> {
        let runtime = builder(PROBE_THREAD_NAME)
            .worker_threads(processors() + ENDLESS_ANSWERS)
            .event_interval(PROBE_EVENT_INTERVAL)
            .build()?;
        Ok(Self(Some(runtime)))
    }

    /// Starts tasks in this runtime.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.0.as_ref().map_or_else(Handle::current, |runtime| runtime.handle().clone())
    }
}

impl Drop for ProbeRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

fn builder(name: &str) -> Builder {
    let mut builder = Builder::new_multi_thread();
    builder
        .thread_name(name)
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_keep_alive(KEEP_ALIVE)
        .enable_all();
    builder
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Barrier};
    use std::time::{Duration, Instant};

    /// The number of threads of this process that belong to such a runtime.
    fn threads() -> usize {
        let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
        let is_ours = |path: std::path::PathBuf| {
            std::fs::read_to_string(path.join("comm"))
                .is_ok_and(|name| name.trim() == super::THREAD_NAME)
        };
        tasks.flatten().filter(|task| is_ours(task.path())).count()
    }

    #[test]
    fn threads_that_a_burst_of_calls_started_end_under_steady_load() {
        const MANY: usize = 100;
        let runtime = super::builder(super::THREAD_NAME).build().expect("a runtime");
        let before = threads();
        let together = Arc::new(Barrier::new(MANY));
        let waiting: Vec<_> = (0..MANY)
            .map(|_| {
                let together = Arc::clone(&together);
                runtime.spawn_blocking(move || together.wait().is_leader())
            })
            .collect();
        runtime.block_on(async {
            for one in waiting {
                one.await.expect("it waited");
            }
            assert!(threads() >= before + MANY / 2, "they were made");
            let start = Instant::now();
            let mut ticks = tokio::time::interval(Duration::from_millis(10));
            while threads() > before + MANY / 4 {
                assert!(start.elapsed() < Duration::from_secs(5), "{} threads still", threads());
                ticks.tick().await;
                runtime.spawn_blocking(|| ()).await.expect("it ran");
            }
        });
    }
}
