//! Decides which due probes may start: limits over all probes and per host, and a separate lane for
//! providers that hang. Pure: nothing here waits or spawns.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::plan::Limits;

/// A due probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runner {
    /// The index of its slot.
    pub index: usize,
    host: Option<Arc<str>>,
    slow: bool,
}

/// The due and running probes.
pub struct Lanes {
    limits: Limits,
    in_flight: usize,
    slow_in_flight: usize,
    /// Those that are due and do not run.
    waiting: usize,
    ready: VecDeque<Runner>,
    slow_ready: VecDeque<Runner>,
    /// Those with a running probe.
    hosts: HashMap<Arc<str>, Host, RandomState>,
}

#[derive(Default)]
struct Host {
    in_flight: usize,
    waiting: VecDeque<Runner>,
}

impl Lanes {
    /// Empty lanes.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            in_flight: 0,
            slow_in_flight: 0,
            waiting: 0,
            ready: VecDeque::new(),
            slow_ready: VecDeque::new(),
            hosts: HashMap::default(),
        }
    }

    /// Sets the limits. Probes that already run above a lower limit continue.
    pub fn limit(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// How many run.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Whether a due probe waits for the end of another one.
    #[must_use]
    pub fn is_any_waiting(&self) -> bool {
        self.waiting > 0
    }

    /// Adds a due probe. `slow` means that the last probe of the provider timed out. Slow probes
    /// get at most half of the places, so that the others always find one.
    pub fn arrive(&mut self, index: usize, host: Option<Arc<str>>, slow: bool) {
        let runner = Runner { index, host, slow };
        self.waiting += 1;
        if slow { self.slow_ready.push_back(runner) } else { self.ready.push_back(runner) }
    }

    /// The next probe that may start; it counts as running now.
    pub fn start(&mut self) -> Option<Runner> {
        loop {
            if self.in_flight >= self.limits.in_flight {
                return None;
            }
            let room_for_slow = self.slow_in_flight < (self.limits.in_flight / 2).max(1);
            let runner = match self.ready.pop_front() {
                Some(runner) => runner,
                None if room_for_slow => self.slow_ready.pop_front()?,
                None => return None,
            };
            if let Some(name) = &runner.host {
                let host = self.hosts.entry(Arc::clone(name)).or_default();
                if host.in_flight >= self.limits.per_host {
                    host.waiting.push_back(runner);
                    continue;
                }
                host.in_flight += 1;
            }
            self.in_flight += 1;
            self.waiting -= 1;
            self.slow_in_flight += usize::from(runner.slow);
            return Some(runner);
        }
    }

    /// A running probe has ended.
    pub fn end(&mut self, runner: &Runner) {
        self.in_flight -= 1;
        self.slow_in_flight -= usize::from(runner.slow);
        let Some(name) = &runner.host else { return };
        let Some(host) = self.hosts.get_mut(name) else { return };
        host.in_flight -= 1;
        // As many as there is room for: a reload may have raised the limit.
        for _ in host.in_flight..self.limits.per_host {
            let Some(next) = host.waiting.pop_front() else { break };
            if next.slow { self.slow_ready.push_front(next) } else { self.ready.push_front(next) }
        }
        if host.in_flight == 0 && host.waiting.is_empty() {
            self.hosts.remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(lanes: &mut Lanes) -> Vec<Runner> {
        std::iter::from_fn(|| lanes.start()).collect()
    }

    fn indexes(runners: &[Runner]) -> Vec<usize> {
        runners.iter().map(|runner| runner.index).collect()
    }

    #[test]
    fn no_more_run_than_allowed_over_all_and_they_start_in_order() {
        let mut lanes = Lanes::new(Limits { in_flight: 2, per_host: 9 });
        for index in 0..4 {
            lanes.arrive(index, None, false);
        }
        let first = started(&mut lanes);
        assert_eq!(indexes(&first), [0, 1]);
        lanes.end(&first[1]);
        assert_eq!(indexes(&started(&mut lanes)), [2]);
    }

    #[test]
    fn a_host_at_its_limit_does_not_hold_up_the_others() {
        let mut lanes = Lanes::new(Limits { in_flight: 10, per_host: 1 });
        let (busy, free): (Arc<str>, Arc<str>) = ("busy:443".into(), "free:443".into());
        lanes.arrive(0, Some(Arc::clone(&busy)), false);
        lanes.arrive(1, Some(busy), false);
        lanes.arrive(2, Some(free), false);
        let first = started(&mut lanes);
        assert_eq!(indexes(&first), [0, 2]);
        lanes.end(&first[0]);
        assert_eq!(indexes(&started(&mut lanes)), [1]);
    }

    #[test]
    fn those_that_hang_get_half_of_the_places_at_most() {
        let mut lanes = Lanes::new(Limits { in_flight: 4, per_host: 9 });
        for index in 0..10 {
            lanes.arrive(index, None, true);
        }
        assert_eq!(started(&mut lanes).len(), 2);
        lanes.arrive(10, None, false);
        lanes.arrive(11, None, false);
        assert_eq!(indexes(&started(&mut lanes)), [10, 11]);
    }

    #[test]
    fn everyone_who_waits_gets_a_turn() {
        let mut lanes = Lanes::new(Limits { in_flight: 3, per_host: 2 });
        let host: Arc<str> = "h:1".into();
        for index in 0..50 {
            lanes.arrive(index, (index % 2 == 0).then(|| Arc::clone(&host)), index % 3 == 0);
        }
        let mut done = Vec::new();
        let mut running = started(&mut lanes);
        while let Some(runner) = running.pop() {
            lanes.end(&runner);
            done.push(runner.index);
            running.extend(started(&mut lanes));
        }
        done.sort_unstable();
        assert_eq!(done, (0..50).collect::<Vec<_>>());
        assert!(lanes.in_flight() == 0 && !lanes.is_any_waiting());
        assert!(lanes.hosts.is_empty(), "hosts come and go with the configuration");
    }

    #[test]
    fn a_raised_limit_lets_those_in_that_wait_for_their_host() {
        let mut lanes = Lanes::new(Limits { in_flight: 10, per_host: 1 });
        for index in 0..4 {
            lanes.arrive(index, Some("h:1".into()), false);
        }
        let first = started(&mut lanes);
        assert_eq!(indexes(&first), [0]);
        lanes.limit(Limits { in_flight: 10, per_host: 3 });
        lanes.end(&first[0]);
        let mut then = indexes(&started(&mut lanes));
        then.sort_unstable();
        assert_eq!(then, [1, 2, 3]);
    }
}
