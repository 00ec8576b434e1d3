//! The tokio runtime of the commands that use the network.

/// The most threads for blocking calls. Hanging name lookups of all probes need fewer, so that
/// scrapes always get a thread.
const BLOCKING_THREADS: usize = 2_048;

/// How long an idle thread waits for another call. With tokio's default of ten seconds, a steady
/// load would keep all threads that one outage has started.
const KEEP_ALIVE: std::time::Duration = std::time::Duration::from_millis(200);

const THREAD_NAME: &str = "credwatch-run";

/// Runs a future in a runtime of its own.
pub fn block_on<T>(future: impl Future<Output = T>) -> std::io::Result<T> {
    let runtime = runtime()?;
    let value = runtime.block_on(future);
    // A plain drop would wait for threads that hang in a name lookup.
    runtime.shutdown_timeout(std::time::Duration::from_millis(100));
    Ok(value)
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .thread_name(THREAD_NAME)
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_keep_alive(KEEP_ALIVE)
        .enable_all()
        .build()
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
        let runtime = super::runtime().expect("a runtime");
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
