//! What the daemon says, all the time: a scraper, somebody who asks about single providers, and the
//! kernel.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError, RwLock, RwLockWriteGuard};
use std::time::Duration;

use serde_json::Value;

use crate::daemon::{Daemon, Vitals};
use crate::exposition::{Exposition, Reading, State};
use crate::files::{name, number};
use crate::stop::Stop;
use crate::truth::{Class, World};
use crate::{Result, pause_until};

/// From one scrape to the next.
pub const SCRAPE: Duration = Duration::from_secs(1);

/// From one question about a provider that something is happening to, to the next.
pub const POLL: Duration = Duration::from_millis(200);

/// From one look at all of `/healthz` to the next.
const HEALTHZ: Duration = Duration::from_secs(5);

/// Problems that are kept.
const MOST_KEPT: usize = 50;

/// A state that was seen.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// When the first answer that told it was there.
    pub at: Duration,
    /// When the last question that was answered with it was asked: so long it held for certain.
    pub until: Duration,
    pub state: State,
    pub class: Option<Class>,
}

/// What the kernel said, and when.
pub type Sample = (Duration, Vitals);

/// Everything that was seen.
pub struct Observer<'a> {
    world: &'a World,
    daemon: &'a Daemon,
    /// Held by whoever asks, and by whoever wants nobody to ask.
    gate: RwLock<()>,
    timelines: Vec<Mutex<Vec<Seen>>>,
    /// Providers that something is happening to, and when they may be left alone if they are
    /// healthy then.
    watched: Mutex<BTreeMap<usize, Duration>>,
    latest: Mutex<(Duration, Reading)>,
    samples: Mutex<Vec<Sample>>,
    scrapes: Mutex<Vec<Duration>>,
    problems: Mutex<Vec<String>>,
}

impl<'a> Observer<'a> {
    /// One that has seen nothing yet.
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

    /// Scrapes until it is told to stop.
    pub fn scrape(&self, stop: &Stop) {
        let mut exposition = Exposition::default();
        let mut next = self.world.now();
        while pause_until(self.world, next, stop) {
            let _asking = self.gate.read().unwrap_or_else(PoisonError::into_inner);
            let before = self.world.now();
            match self.daemon.get("/metrics") {
                Ok(text) => {
                    let took = self.world.now().saturating_sub(before);
                    let (reading, problems) = exposition.read(&text);
                    self.tell(problems);
                    for (provider, (state, class)) in &reading.states {
                        self.saw(
                            *provider,
                            Seen { at: before, until: before, state: *state, class: *class },
                        );
                    }
                    *lock(&self.latest) = (before, reading);
                    lock(&self.scrapes).push(took);
                }
                Err(error) => self.tell([format!("/metrics: {error}")]),
            }
            match self.daemon.vitals() {
                Ok(vitals) => lock(&self.samples).push((before, vitals)),
                Err(error) => self.tell([format!("the daemon cannot be measured: {error}")]),
            }
            next = (next + SCRAPE).max(self.world.now());
        }
    }

    /// Asks about single providers until it is told to stop, and about all of them now and then.
    pub fn poll(&self, stop: &Stop) {
        let mut connection = None;
        let (mut next, mut all) = (self.world.now(), self.world.now());
        while pause_until(self.world, next, stop) {
            let _asking = self.gate.read().unwrap_or_else(PoisonError::into_inner);
            let began = self.world.now();
            let everybody = began >= all;
            if everybody {
                all = began + HEALTHZ;
            }
            if let Err(error) = self.sweep(&mut connection, everybody) {
                connection = None;
                self.tell([format!("/healthz: {error}")]);
            }
            next = (began + POLL).max(self.world.now());
        }
    }

    fn sweep(
        &self,
        connection: &mut Option<crate::daemon::Connection>,
        everybody: bool,
    ) -> Result<()> {
        // One that was quiet for long may have been closed by the other side; a new one is as good.
        if connection.is_none() || everybody {
            *connection = Some(self.daemon.connect()?);
        }
        let Some(connection) = connection else { return Ok(()) };
        if everybody {
            let (status, body) = connection.get("/healthz")?;
            self.tell(judge_healthz(status, &serde_json::from_slice(&body)?));
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
            // A scrape that began before the latest answer may be older than it.
            Some(last) if seen.at <= last.at => {}
            Some(last) if (last.state, last.class) == (seen.state, seen.class) => {
                last.until = seen.until.max(last.until);
            }
            _ => timeline.push(seen),
        }
    }

    /// Has a provider asked about often, until it is healthy at some time after `until`.
    pub fn watch(&self, provider: usize, until: Duration) {
        lock(&self.watched).insert(provider, until);
    }

    /// Nobody asks the daemon anything while this is held.
    pub fn silence(&self) -> RwLockWriteGuard<'_, ()> {
        self.gate.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The latest scrape, and when it began.
    pub fn latest(&self) -> (Duration, Reading) {
        lock(&self.latest).clone()
    }

    /// The states that were seen of a provider.
    pub fn timeline(&self, provider: usize) -> Vec<Seen> {
        lock(&self.timelines[provider]).clone()
    }

    /// What the kernel said, once for each scrape.
    pub fn samples(&self) -> Vec<Sample> {
        lock(&self.samples).clone()
    }

    /// How long each scrape took.
    pub fn scrapes(&self) -> Vec<Duration> {
        lock(&self.scrapes).clone()
    }

    /// Everything that was wrong with answers.
    pub fn problems(&self) -> Vec<String> {
        lock(&self.problems).clone()
    }

    fn tell(&self, problems: impl IntoIterator<Item = String>) {
        let mut kept = lock(&self.problems);
        kept.extend(problems);
        kept.truncate(MOST_KEPT);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Status and word of `/healthz` must say what its providers say.
fn judge_healthz(status: u16, answer: &Value) -> Vec<String> {
    let Some(providers) = answer["providers"].as_object() else {
        return vec!["/healthz: it has no providers".into()];
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
        problems.push(format!("/healthz: nobody is called {unknown}"));
    }
    problems
}
