//! The tokio runtimes.
//!
//! The daemon has two: one for the HTTP server, and one for the scheduler and the probes. One
//! thread of the latter works, so that a probe does not cross threads. When a hostile answer keeps
//! it busy, others take over.

use std::io;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::reserve::{Activity, Guard, Reserve};

/// The most threads for blocking calls. Hanging name lookups of all probes need fewer, so that
/// scrapes always get a thread.
const BLOCKING_THREADS: usize = 2_048;

/// How long an idle thread waits for another call. With tokio's default of ten seconds, a steady
/// load would keep all threads that one outage has started.
const KEEP_ALIVE: Duration = Duration::from_millis(200);

/// How many tasks a thread of the probes runs before it looks for timers and sockets again. Tokio's
/// default of 61 delays the timers of others when each task is a TLS handshake.
const PROBE_EVENT_INTERVAL: u32 = 31;

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

/// The runtime of the scheduler and the probes. Dropping it drops the tasks that run.
pub struct ProbeRuntime {
    runtime: Option<Runtime>,
    reserve: Arc<Reserve>,
    activity: Arc<Activity>,
}

impl ProbeRuntime {
    /// Starts the threads. A task in the current runtime decides how many of them work.
    ///
    /// # Errors
    /// When the system cannot start a thread.
    pub fn start() -> io::Result<Self> {
        let threads = processors() + ENDLESS_ANSWERS;
        let runtime = builder(PROBE_THREAD_NAME)
            .worker_threads(threads)
            .event_interval(PROBE_EVENT_INTERVAL)
            .build()?;
        let (reserve, activity) = (Arc::new(Reserve::of(threads)), Arc::default());
        let guard = Guard {
            runtime: runtime.handle().clone(),
            reserve: Arc::clone(&reserve),
            activity: Arc::clone(&activity),
        };
        tokio::spawn(guard.watch(processors()));
        Ok(Self { runtime: Some(runtime), reserve, activity })
    }

    /// Starts tasks in this runtime.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.runtime.as_ref().map_or_else(Handle::current, |runtime| runtime.handle().clone())
    }

    /// Where the scheduler says how many probes run. Threads are called from the reserve only while
    /// there are some.
    #[must_use]
    pub fn activity(&self) -> Arc<Activity> {
        Arc::clone(&self.activity)
    }
}

impl Drop for ProbeRuntime {
    fn drop(&mut self) {
        self.reserve.close();
        if let Some(runtime) = self.runtime.take() {
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
    use std::collections::HashSet;
    use std::sync::{Arc, Barrier, Mutex, mpsc};
    use std::time::{Duration, Instant};

    use tokio::task::yield_now;

    use super::{ENDLESS_ANSWERS, ProbeRuntime, processors};
    use crate::reserve::let_others_run;

    /// A runtime of which one thread works.
    async fn calm() -> ProbeRuntime {
        let runtime = ProbeRuntime::start().expect("threads");
        while runtime.reserve.len() + 1 < processors() + ENDLESS_ANSWERS {
            yield_now().await;
        }
        runtime
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn one_thread_runs_all_tasks_that_do_not_block() {
        let runtime = calm().await;
        let mut seen = HashSet::new();
        for _ in 0..100 {
            let id = runtime.handle().spawn(async {
                let inner = tokio::spawn(async { std::thread::current().id() }).await;
                (std::thread::current().id(), inner.expect("it ran"))
            });
            let (outer, inner) = id.await.expect("it ran");
            seen.extend([outer, inner]);
        }
        assert_eq!(seen.len(), 1);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn tasks_go_on_while_others_block_as_many_threads_as_there_are_endless_answers() {
        let runtime = calm().await;
        let (end, hang) = mpsc::channel::<()>();
        let hang = Arc::new(Mutex::new(hang));
        for _ in 0..ENDLESS_ANSWERS {
            let hang = Arc::clone(&hang);
            runtime
                .handle()
                .spawn(async move { hang.lock().is_ok_and(|hang| hang.recv().is_ok()) });
        }
        runtime.activity().set(ENDLESS_ANSWERS);
        for _ in 0..10 {
            let task = runtime.handle().spawn(async {
                tokio::time::sleep(Duration::from_millis(1)).await;
                tokio::spawn(async { 7 }).await
            });
            assert_eq!(task.await.expect("it ran").expect("it ran"), 7);
        }
        drop(end);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_task_that_lets_others_run_goes_on_when_its_thread_is_stuck() {
        let runtime = calm().await;
        let (end, hang) = mpsc::channel::<()>();
        let task = runtime.handle().spawn(async {
            drop(tokio::spawn(async move { hang.recv().is_ok() }));
            let_others_run().await;
        });
        runtime.activity().set(1);
        task.await.expect("it went on");
        drop(end);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn dropping_the_runtime_drops_its_tasks_and_frees_the_threads_in_reserve() {
        let runtime = calm().await;
        let held = Arc::new(());
        let (task, reserve) = (Arc::clone(&held), Arc::clone(&runtime.reserve));
        runtime.handle().spawn(async move {
            std::future::pending::<()>().await;
            drop(task);
        });
        drop(runtime);
        while Arc::strong_count(&held) > 1 || reserve.len() > 0 {
            yield_now().await;
        }
    }

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
