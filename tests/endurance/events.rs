//! What really happens to providers: drawn with the seed before the storm, done on time, noted as
//! it was done.

use std::time::Duration;

use crate::Result;
use crate::dice::Dice;
use crate::endpoint::Endpoint;
use crate::files::{Files, has_secret_file};
use crate::observer::Observer;
use crate::pause_until;
use crate::scale::INTERVAL;
use crate::stop::Stop;
use crate::truth::{Mood, World};

/// From one event to the next.
const EVERY: Duration = Duration::from_millis(500);

/// A provider that something happened to is left alone for so long after it.
const REST: Duration = Duration::from_secs(60);

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The secret is refused for a while: 401.
    Revoked,
    /// 503 for a while.
    Unavailable,
    /// Requests are taken and never answered, for a while.
    Silent,
    /// The port is closed for a while.
    Closed,
    /// Endpoint and file get a new secret at the same moment.
    RotatedTogether,
    /// The endpoint gets a new secret, and the file follows later.
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

    /// Whether the provider is really broken meanwhile.
    pub fn breaks(self) -> bool {
        self != Self::RotatedTogether
    }

    /// Whether it is the credential that is refused.
    pub fn is_refusal(self) -> bool {
        matches!(self, Self::Revoked | Self::RotatedLate)
    }

    /// How long it lasts, in intervals: long enough to be told of when a few tries meet a transient
    /// fault beside it.
    fn lasts(self) -> (f64, f64) {
        match self {
            Self::Revoked | Self::RotatedLate => (3.0, 4.0),
            Self::Unavailable | Self::Silent | Self::Closed => (4.5, 5.5),
            Self::RotatedTogether => (2.0, 2.0),
        }
    }
}

/// One thing that happens to one provider.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    pub provider: usize,
    pub kind: Kind,
    pub begins: Duration,
    pub ends: Duration,
}

/// Draws what happens between two times; all of it is over at the second.
pub fn draw(seed: u64, providers: usize, own: usize, from: Duration, to: Duration) -> Vec<Event> {
    let mut dice = Dice::new(seed, u64::MAX);
    let mut free_at = vec![Duration::ZERO; providers];
    let mut events = Vec::new();
    let mut begins = from;
    // Every kind happens as often as the others; which comes first is left to chance.
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

/// Who can make things happen.
pub struct Stage<'a> {
    pub world: &'a World,
    pub endpoint: &'a Endpoint,
    pub files: &'a Files,
    pub observer: &'a Observer<'a>,
}

impl Stage<'_> {
    /// Lets everything happen on time, and returns it with the times at which it did.
    pub fn perform(&self, mut events: Vec<Event>, stop: &Stop) -> Result<Vec<Event>> {
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
                return Err("the storm was broken off".into());
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
            Kind::Revoked => self.world.set_mood(provider, Mood::Refusing),
            Kind::Unavailable => self.world.set_mood(provider, Mood::Unavailable),
            Kind::Silent => self.world.set_mood(provider, Mood::Silent),
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
                self.world.set_mood(provider, Mood::Regular)
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
