//! The tokio runtimes.
//!
//! The daemon has two: one for the scheduler and the HTTP server, and one for the probes. A hostile
//! answer can keep the threads of the probes busy, and the others go on.
//!
//! One thread of the probes works, so that a probe does not cross threads. A guard, which is a
//! thread outside of all runtimes, calls others from the reserve when that one is stuck or has too
//! much to do.

use std::io;
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};

use crate::reserve::{Decision, Judge, LOOKS, Look, PERIOD, Reserve};

/// The most threads for blocking calls. Hanging name lookups of all probes need fewer, so that
/// scrapes always get a thread.
const BLOCKING_THREADS: usize = 2_048;

/// How long an idle thread waits for another call. With tokio's default of ten seconds, a steady
/// load would keep all threads that one outage has started.
const KEEP_ALIVE: Duration = Duration::from_millis(200);

/// How many tasks a thread of the probes runs before it looks for timers and sockets again, and
/// says that it is not stuck. With tokio's default of 61, TLS handshakes alone would look stuck.
const PROBE_EVENT_INTERVAL: u32 = 16;

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
pub struct ProbeRuntime {
    shared: Arc<Shared>,
    guard: Option<JoinHandle<()>>,
}

/// What the guard and the users of the runtime share.
struct Shared {
    team: Mutex<Team>,
    /// Whether the guard sleeps because there are no probes.
    sleeps: AtomicBool,
    ended: AtomicBool,
}

/// A runtime of which most threads wait in reserve.
struct Team {
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    reserve: Arc<Reserve>,
}

/// How long the guard sleeps at most.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// The guard sleeps after so many looks without a task.
const IDLE_LOOKS: u32 = 100;

impl ProbeRuntime {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the system cannot start a thread.
    pub fn start() -> io::Result<Self> {
        let team = Mutex::new(Team::start(processors() + ENDLESS_ANSWERS)?);
        let (sleeps, ended) = (AtomicBool::default(), AtomicBool::default());
        let shared = Arc::new(Shared { team, sleeps, ended });
        let guarded = Arc::clone(&shared);
        let guard = std::thread::Builder::new()
            .name("credwatch-guard".into())
            .spawn(move || Guard::new(&guarded).watch())?;
        Ok(Self { shared, guard: Some(guard) })
    }

    /// Starts a task.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        // The lock is held, because the guard replaces the team.
        self.shared.team().spawn(task);
        if self.shared.sleeps.swap(false, Ordering::SeqCst)
            && let Some(guard) = &self.guard
        {
            guard.thread().unpark();
        }
    }
}

impl Drop for ProbeRuntime {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        if let Some(guard) = self.guard.take() {
            guard.thread().unpark();
            // It has nothing to return, and a panic of it is printed.
            let _ = guard.join();
        }
    }
}

impl Shared {
    fn team(&self) -> MutexGuard<'_, Team> {
        self.team.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Team {
    /// Starts so many threads, and sends all but one into the reserve.
    fn start(threads: usize) -> io::Result<Self> {
        let runtime = builder(PROBE_THREAD_NAME)
            .worker_threads(threads)
            .event_interval(PROBE_EVENT_INTERVAL)
            .build()?;
        let reserve = Arc::new(Reserve::default());
        for _ in 1..threads {
            let reserve = Arc::clone(&reserve);
            runtime.spawn(async move { reserve.wait() });
        }
        // A task that runs before could be put off by a thread that then waits.
        let start = Instant::now();
        while reserve.len() + 1 < threads && start.elapsed() < LONGEST_SLEEP {
            std::thread::yield_now();
        }
        Ok(Self { runtime: Some(runtime), reserve })
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = &self.runtime {
            runtime.spawn(task);
        }
    }

    fn tasks(&self) -> usize {
        let all = self.runtime.as_ref().map_or(0, |it| it.metrics().num_alive_tasks());
        all.saturating_sub(self.reserve.len())
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.reserve.close();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Looks at the threads of a team from outside, and decides how many of them work.
struct Guard<'a> {
    shared: &'a Shared,
    judge: Judge,
    threads: Vec<Thread>,
    looked: Instant,
    /// Earlier teams whose probes still run. All their threads work.
    former: Vec<Team>,
}

/// What a look has seen of one thread.
#[derive(Clone, Default)]
struct Thread {
    /// How often it began and ended to wait for work.
    turns: u64,
    /// The time for which it has worked.
    busy: Duration,
    /// How many looks in a row found it in the same task.
    same: u8,
}

impl<'a> Guard<'a> {
    fn new(shared: &'a Shared) -> Self {
        let judge = Judge::new(processors());
        Self { shared, judge, threads: Vec::new(), looked: Instant::now(), former: Vec::new() }
    }

    fn watch(mut self) {
        let mut idle_looks = 0;
        while !self.shared.ended.load(Ordering::SeqCst) {
            self.former.retain(|team| team.tasks() > 0);
            if idle_looks >= IDLE_LOOKS {
                self.shared.sleeps.store(true, Ordering::SeqCst);
                if self.shared.team().tasks() == 0 {
                    std::thread::park_timeout(LONGEST_SLEEP);
                }
                self.shared.sleeps.store(false, Ordering::SeqCst);
            }
            std::thread::park_timeout(PERIOD);
            let team = self.shared.team();
            idle_looks = if team.tasks() == 0 { idle_looks + 1 } else { 0 };
            let look = self.look(&team);
            match self.judge.decide(look) {
                Decision::Nothing => {}
                Decision::Call(threads) => team.reserve.call(threads),
                Decision::Rest => {
                    drop(team);
                    self.replace();
                }
            }
        }
    }

    /// New probes get a new team, because a thread that goes back into the reserve could keep a
    /// task that it has put off. Without new threads the old team stays.
    fn replace(&mut self) {
        let Ok(team) = Team::start(processors() + ENDLESS_ANSWERS) else { return };
        let former = std::mem::replace(&mut *self.shared.team(), team);
        former.reserve.close();
        self.former.push(former);
        self.threads.clear();
    }

    fn look(&mut self, team: &Team) -> Look {
        let Some(metrics) = team.runtime.as_ref().map(Runtime::metrics) else {
            return Look { working: 0, stuck: 0, busy: 0.0 };
        };
        let all = metrics.num_workers();
        self.threads.resize(all, Thread::default());
        let (mut worked, mut fixed) = (Duration::ZERO, 0);
        for (index, thread) in self.threads.iter_mut().enumerate() {
            let (turns, busy) = (
                metrics.worker_park_unpark_count(index),
                metrics.worker_total_busy_duration(index),
            );
            worked += busy.saturating_sub(thread.busy);
            let waits = turns % 2 == 1;
            let is_same = !waits && turns == thread.turns && busy == thread.busy;
            let same = if is_same { thread.same.saturating_add(1) } else { 0 };
            *thread = Thread { turns, busy, same };
            fixed += usize::from(same >= LOOKS);
        }
        let passed = self.looked.elapsed();
        self.looked += passed;
        let reserve = team.reserve.len();
        Look {
            working: all - reserve,
            stuck: fixed.saturating_sub(reserve),
            busy: worked.as_secs_f64() / passed.as_secs_f64().max(f64::EPSILON),
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
    use std::sync::{Arc, Barrier, mpsc};
    use std::time::{Duration, Instant};

    use tokio::sync::oneshot;

    use super::{ENDLESS_ANSWERS, ProbeRuntime};

    /// Runs a task in the runtime of the probes.
    async fn run<T: Send + 'static>(
        runtime: &ProbeRuntime,
        task: impl Future<Output = T> + Send + 'static,
    ) -> T {
        let (done, ended) = oneshot::channel();
        runtime.spawn(async move { drop(done.send(task.await)) });
        ended.await.expect("it ran")
    }

    #[tokio::test]
    async fn one_thread_runs_all_tasks_that_do_not_block() {
        let runtime = ProbeRuntime::start().expect("threads");
        let mut seen = HashSet::new();
        for _ in 0..100 {
            let threads = run(&runtime, async {
                let inner = tokio::spawn(async { std::thread::current().id() }).await;
                [std::thread::current().id(), inner.expect("it ran")]
            });
            seen.extend(threads.await);
        }
        assert_eq!(seen.len(), 1);
    }

    #[tokio::test]
    async fn tasks_go_on_while_others_block_as_many_threads_as_there_are_endless_answers() {
        let runtime = ProbeRuntime::start().expect("threads");
        let mut ends = Vec::new();
        for _ in 0..ENDLESS_ANSWERS {
            let (end, hang) = mpsc::channel::<()>();
            ends.push(end);
            runtime.spawn(async move {
                let _ = hang.recv();
            });
        }
        for _ in 0..10 {
            let task = run(&runtime, async {
                tokio::time::sleep(Duration::from_millis(1)).await;
                tokio::spawn(async { 7 }).await.expect("it ran")
            });
            assert_eq!(task.await, 7);
        }
    }

    #[tokio::test]
    async fn a_new_team_takes_new_tasks_and_the_former_one_ends_its_own() {
        let runtime = ProbeRuntime::start().expect("threads");
        let (go_on, waits) = oneshot::channel::<()>();
        let (done, mut ended) = oneshot::channel();
        runtime.spawn(async move {
            let _ = (waits.await, done.send(()));
        });
        let mut guard = super::Guard::new(&runtime.shared);
        guard.replace();
        assert_eq!(run(&runtime, async { 7 }).await, 7);
        assert!(ended.try_recv().is_err() && guard.former[0].tasks() > 0);
        drop(go_on);
        ended.await.expect("it ran");
    }

    #[tokio::test]
    async fn dropping_the_runtime_drops_its_tasks_and_frees_the_threads_in_reserve() {
        let runtime = ProbeRuntime::start().expect("threads");
        let held = Arc::new(());
        let task = Arc::clone(&held);
        let reserve = Arc::clone(&runtime.shared.team().reserve);
        runtime.spawn(async move {
            std::future::pending::<()>().await;
            drop(task);
        });
        drop(runtime);
        while Arc::strong_count(&held) > 1 || reserve.len() > 0 {
            tokio::task::yield_now().await;
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
