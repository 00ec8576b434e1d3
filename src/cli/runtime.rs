//! The tokio runtime of the commands that use the network.

/// More threads for blocking calls than there can be probes waiting for a name server that does not
/// answer, so that scrapes still find one. They are made only when needed.
const BLOCKING_THREADS: usize = 2_048;

/// How long such a thread waits for another call. They take turns, so with a thousand calls in ten
/// seconds, which is how long they wait by default, a thousand threads that one bad
/// moment has made would stay for ever.
const KEPT_ALIVE: std::time::Duration = std::time::Duration::from_millis(200);

/// What its threads are called.
const THREAD_NAME: &str = "credwatch-run";

/// A runtime for commands that use the network.
pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .thread_name(THREAD_NAME)
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_keep_alive(KEPT_ALIVE)
        .enable_all()
        .build()
}

/// Ends a runtime. A name server that does not answer would hold a plain drop for as long as it
/// hangs.
pub fn end(runtime: tokio::runtime::Runtime) {
    runtime.shutdown_timeout(std::time::Duration::from_millis(100));
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Barrier};
    use std::time::{Duration, Instant};

    /// Threads of this process that belong to such a runtime.
    fn threads() -> usize {
        let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
        let is_ours = |path: std::path::PathBuf| {
            std::fs::read_to_string(path.join("comm"))
                .is_ok_and(|name| name.trim() == super::THREAD_NAME)
        };
        tasks.flatten().filter(|task| is_ours(task.path())).count()
    }

    #[test]
    fn threads_that_one_bad_moment_needed_end_although_there_is_always_something_to_do() {
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
