//! The events of the storm: real breakages and rotations of providers. They are drawn from the seed
//! before the storm, and each gets the time at which it really happened.

use std::time::Duration;

use crate::Result;
use crate::dice::Dice;
use crate::endpoint::Endpoint;
use crate::files::{Files, has_secret_file};
use crate::observer::Observer;
use crate::pause_until;
use crate::scale::INTERVAL;
use crate::stop::Stop;
use crate::truth::{Condition, World};

/// The average time from one event to the next.
const EVERY: Duration = Duration::from_millis(500);

/// After an event, a provider has no other event for so long.
const REST: Duration = Duration::from_secs(60);

/// The kind of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The endpoint refuses the secret: 401.
    Revoked,
    /// The endpoint answers 503.
    Unavailable,
    /// The endpoint reads requests and does not answer.
    Silent,
    /// The port is closed.
    Closed,
    /// Endpoint and secret file get a new secret at the same moment.
    RotatedTogether,
    /// The endpoint gets a new secret, and the secret file gets it later.
    RotatedLate,
}

impl Kind {
    pub const ALL: [Self; 6] = [
        Self::Revoked,
        Self::Unavailable,
        Self::Silent,
        Self::Closed,
        Self::RotatedTogether,
        Self::RotatedLate,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Self::Revoked => "secret revoked",
            Self::Unavailable => "outage, 503",
            Self::Silent => "outage, silent",
            Self::Closed => "outage, port closed",
            Self::RotatedTogether => "rotated, file at the same moment",
            Self::RotatedLate => "rotated, file later",
        }
    }

    /// Whether the provider is really broken during the event.
    pub fn breaks(self) -> bool {
        self != Self::RotatedTogether
    }

    /// Whether the endpoint refuses the credential.
    pub fn is_refusal(self) -> bool {
        matches!(self, Self::Revoked | Self::RotatedLate)
    }

    /// The shortest and the longest length, in intervals: long enough for a report even if a few
    /// tries have a transient fault.
    fn lasts(self) -> (f64, f64) {
        match self {
            Self::Revoked | Self::RotatedLate => (3.0, 4.0),
            Self::Unavailable | Self::Silent | Self::Closed => (4.5, 5.5),
            Self::RotatedTogether => (2.0, 2.0),
        }
    }
}

/// One event of one provider.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    pub provider: usize,
    pub kind: Kind,
    pub begins: Duration,
    pub ends: Duration,
}

/// Draws the events between two times. All of them end before `to`.
pub fn draw(seed: u64, providers: usize, own: usize, from: Duration, to: Duration) -> Vec<Event> {
    let mut dice = Dice::new(seed, u64::MAX);
    let mut free_at = vec![Duration::ZERO; providers];
    let mut events = Vec::new();
    let mut begins = from;
    // All kinds happen equally often. The first kind is random.
    let mut turn = dice.below(Kind::ALL.len());
    while begins + INTERVAL.mul_f64(6.0) < to {
        let kind = Kind::ALL[turn % Kind::ALL.len()];
        turn += 1;
        let fits = |provider: usize| match kind {
            Kind::Closed => provider < own,
            Kind::RotatedTogether | Kind::RotatedLate => has_secret_file(provider),
            _ => true,
        };
        let range = if kind == Kind::Closed { own } else { providers };
        let mut draws = (0..1_000).map(|_| dice.below(range));
        if let Some(provider) =
            draws.find(|provider| fits(*provider) && free_at[*provider] <= begins)
        {
            let (least, most) = kind.lasts();
            let ends = begins + dice.between(INTERVAL.mul_f64(least), INTERVAL.mul_f64(most));
            free_at[provider] = ends + REST;
            events.push(Event { provider, kind, begins, ends });
        }
        begins += dice.between(EVERY / 2, EVERY + EVERY / 2);
    }
    events
}

/// Runs the events.
pub struct EventRunner<'a> {
    pub world: &'a World,
    pub endpoint: &'a Endpoint,
    pub files: &'a Files,
    pub observer: &'a Observer<'a>,
}

impl EventRunner<'_> {
    /// Runs the events on time. Returns them with the times at which they really happened.
    pub fn run(&self, mut events: Vec<Event>, stop: &Stop) -> Result<Vec<Event>> {
        let ends = events.iter().enumerate().map(|(index, event)| (event.ends, index, false));
        let mut steps: Vec<(Duration, usize, bool)> = events
            .iter()
            .enumerate()
            .map(|(index, event)| (event.begins, index, true))
            .chain(ends)
            .collect();
        steps.sort_unstable();
        for (time, index, is_begin) in steps {
            if !pause_until(self.world, time, stop) {
                return Err("a stop was requested during the storm".into());
            }
            let event = &mut events[index];
            if is_begin {
                event.begins = self.begin(*event)?;
                self.observer.watch(event.provider, event.ends);
            } else {
                event.ends = self.end(*event)?;
            }
        }
        Ok(events)
    }

    fn begin(&self, event: Event) -> Result<Duration> {
        let provider = event.provider;
        Ok(match event.kind {
            Kind::Revoked => self.world.set_condition(provider, Condition::Refusing),
            Kind::Unavailable => self.world.set_condition(provider, Condition::Unavailable),
            Kind::Silent => self.world.set_condition(provider, Condition::Silent),
            Kind::Closed => {
                self.endpoint.close(provider);
                self.world.now()
            }
            Kind::RotatedTogether => {
                let (at, written) = self
                    .world
                    .rotate(provider, |version| self.files.write_secret(provider, version));
                written?;
                at
            }
            Kind::RotatedLate => self.world.rotate(provider, |_| ()).0,
        })
    }

    fn end(&self, event: Event) -> Result<Duration> {
        let provider = event.provider;
        Ok(match event.kind {
            Kind::Revoked | Kind::Unavailable | Kind::Silent => {
                self.world.set_condition(provider, Condition::Regular)
            }
            Kind::Closed => {
                self.endpoint.open(provider)?;
                self.world.now()
            }
            Kind::RotatedTogether => self.world.now(),
            Kind::RotatedLate => {
                self.files.write_secret(provider, self.world.secret(provider))?;
                self.world.now()
            }
        })
    }
}
