//! Collects what the daemon reports during the whole campaign: by scrapes, by `/healthz` for single
//! providers, and by the kernel's figures about its process.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError, RwLock, RwLockWriteGuard};
use std::time::Duration;

use serde_json::Value;

use crate::daemon::{Daemon, Vitals};
use crate::exposition::{Exposition, Reading, State};
use crate::files::{name, number};
use crate::stop::Stop;
use crate::truth::{Class, World, leak};
use crate::{Result, pause_until};

/// The time from one scrape to the next.
pub const SCRAPE: Duration = Duration::from_secs(1);

/// The time from one request about a provider with an event to the next.
pub const POLL: Duration = Duration::from_millis(200);

/// The time from one request for `/healthz` with all providers to the next.
const HEALTHZ: Duration = Duration::from_secs(5);

/// At most so many problems are kept.
const MOST_PROBLEMS: usize = 50;

/// A state that the daemon has reported.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// When the first response with this state arrived.
    pub at: Duration,
    /// When the last request with this state in its response was sent. The state lasted at least
    /// until then.
    pub until: Duration,
    pub state: State,
    pub class: Option<Class>,
}

/// The kernel's figures about the daemon, and their time.
pub type Sample = (Duration, Vitals);

/// Everything that the daemon has reported.
pub struct Observer<'a> {
    world: &'a World,
    daemon: &'a Daemon,
    /// A request to the daemon holds it for reading; `pause_requests` holds it for writing.
    gate: RwLock<()>,
    timelines: Vec<Mutex<Vec<Seen>>>,
    /// Providers with an event. Each is watched until it is healthy after this time.
    watched: Mutex<BTreeMap<usize, Duration>>,
    latest: Mutex<(Duration, Reading)>,
    samples: Mutex<Vec<Sample>>,
    scrapes: Mutex<Vec<Duration>>,
    problems: Mutex<Vec<String>>,
}

impl<'a> Observer<'a> {
    /// An observer without observations.
    pub fn new(world: &'a World, daemon: &'a Daemon) -> Self {
        Self {
            world,
            daemon,
            gate: RwLock::new(()),
            timelines: (0..world.len()).map(|_| Mutex::default()).collect(),
            watched: Mutex::default(),
            latest: Mutex::default(),
            samples: Mutex::default(),
            scrapes: Mutex::default(),
            problems: Mutex::default(),
        }
    }

    /// Scrapes until a stop is requested.
    pub fn scrape(&self, stop: &Stop) {
        let mut exposition = Exposition::default();
        let mut next = self.world.now();
        while pause_until(self.world, next, stop) {
            let _gate = self.gate.read().unwrap_or_else(PoisonError::into_inner);
            let before = self.world.now();
            match self.daemon.get("/metrics") {
                Ok(text) => {
                    let took = self.world.now().saturating_sub(before);
                    let (reading, problems) = exposition.read(&text);
                    self.add_problems(leak(&text).map(|part| format!("/metrics shows `{part}`")));
                    self.add_problems(problems);
                    for (provider, (state, class)) in &reading.states {
                        self.saw(
                            *provider,
                            Seen { at: before, until: before, state: *state, class: *class },
                        );
                    }
                    *lock(&self.latest) = (before, reading);
                    lock(&self.scrapes).push(took);
                }
                Err(error) => self.add_problems([format!("/metrics: {error}")]),
            }
            match self.daemon.vitals() {
                Ok(vitals) => lock(&self.samples).push((before, vitals)),
                Err(error) => {
                    self.add_problems([format!("the daemon cannot be measured: {error}")]);
                }
            }
            next = (next + SCRAPE).max(self.world.now());
        }
    }

    /// Until a stop is requested, requests `/healthz` often for watched providers, and sometimes
    /// for all providers.
    pub fn poll(&self, stop: &Stop) {
        let mut connection = None;
        let (mut next, mut all) = (self.world.now(), self.world.now());
        while pause_until(self.world, next, stop) {
            let _gate = self.gate.read().unwrap_or_else(PoisonError::into_inner);
            let began = self.world.now();
            let with_all = began >= all;
            if with_all {
                all = began + HEALTHZ;
            }
            if let Err(error) = self.sweep(&mut connection, with_all) {
                connection = None;
                self.add_problems([format!("/healthz: {error}")]);
            }
            next = (began + POLL).max(self.world.now());
        }
    }

    fn sweep(
        &self,
        connection: &mut Option<crate::daemon::Connection>,
        with_all: bool,
    ) -> Result<()> {
        // The daemon may have closed an idle connection, so a new one is opened now and then.
        if connection.is_none() || with_all {
            *connection = Some(self.daemon.connect()?);
        }
        let Some(connection) = connection else { return Ok(()) };
        if with_all {
            let (status, body) = connection.get("/healthz")?;
            self.add_problems(judge_healthz(status, &serde_json::from_slice(&body)?));
        }
        let watched: Vec<(usize, Duration)> =
            lock(&self.watched).iter().map(|(provider, until)| (*provider, *until)).collect();
        for (provider, until) in watched {
            let asked = self.world.now();
            let (_, body) = connection.get(&format!("/healthz?provider={}", name(provider)))?;
            let answer: Value = serde_json::from_slice(&body)?;
            let health = &answer["providers"][name(provider)];
            let Some(state) = health["state"].as_str().and_then(State::from_word) else { continue };
            let at = self.world.now();
            self.saw(
                provider,
                Seen {
                    at,
                    until: asked,
                    state,
                    class: health["class"].as_str().and_then(Class::from_word),
                },
            );
            let mut watched = lock(&self.watched);
            if state == State::Healthy && at > until && watched.get(&provider) == Some(&until) {
                watched.remove(&provider);
            }
        }
        Ok(())
    }

    fn saw(&self, provider: usize, seen: Seen) {
        let Some(timeline) = self.timelines.get(provider) else { return };
        let mut timeline = lock(timeline);
        match timeline.last_mut() {
            // A slow scrape may arrive after a newer response.
            Some(last) if seen.at <= last.at => {}
            Some(last) if (last.state, last.class) == (seen.state, seen.class) => {
                last.until = seen.until.max(last.until);
            }
            _ => timeline.push(seen),
        }
    }

    /// Watches a provider: requests its state often, until it is healthy after `until`.
    pub fn watch(&self, provider: usize, until: Duration) {
        lock(&self.watched).insert(provider, until);
    }

    /// Pauses all requests to the daemon until the guard is dropped.
    pub fn pause_requests(&self) -> RwLockWriteGuard<'_, ()> {
        self.gate.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The start and the content of the latest scrape.
    pub fn latest(&self) -> (Duration, Reading) {
        lock(&self.latest).clone()
    }

    /// The states of a provider that the daemon has reported, in order.
    pub fn timeline(&self, provider: usize) -> Vec<Seen> {
        lock(&self.timelines[provider]).clone()
    }

    /// The kernel's figures, once for each scrape.
    pub fn samples(&self) -> Vec<Sample> {
        lock(&self.samples).clone()
    }

    /// The duration of each scrape.
    pub fn scrapes(&self) -> Vec<Duration> {
        lock(&self.scrapes).clone()
    }

    /// The problems of all responses.
    pub fn problems(&self) -> Vec<String> {
        lock(&self.problems).clone()
    }

    fn add_problems(&self, problems: impl IntoIterator<Item = String>) {
        let mut kept = lock(&self.problems);
        kept.extend(problems);
        kept.truncate(MOST_PROBLEMS);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Status and word of `/healthz` must match the states of its providers. Returns the problems.
fn judge_healthz(status: u16, answer: &Value) -> Vec<String> {
    let Some(providers) = answer["providers"].as_object() else {
        return vec!["/healthz: the response has no providers".into()];
    };
    let broken = providers.values().filter(|health| health["state"] == "broken").count();
    let (expected, word) = if broken > 0 { (503, "broken") } else { (200, "ok") };
    let mut problems = Vec::new();
    if status != expected || answer["status"] != word {
        problems.push(format!(
            "/healthz: status {status} and {} with {broken} broken",
            answer["status"]
        ));
    }
    if let Some(unknown) = providers.keys().find(|name| number(name).is_none()) {
        problems.push(format!("/healthz: there is no provider {unknown}"));
    }
    problems
}
