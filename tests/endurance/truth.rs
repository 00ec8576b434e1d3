//! The ground truth: what is really the matter with each provider, and what each request was
//! answered.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::dice::Dice;
use crate::report::float;
use crate::scale::TIMEOUT;

/// What one request was answered, or what was done instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A token.
    Token,
    /// 401, because the secret is not the one that is accepted.
    Refused,
    /// Transient: the connection is reset before any answer.
    Reset,
    /// Transient: half of an answer.
    Cut,
    /// Transient: nothing within the deadline.
    Slow,
    /// Transient: 500, 502 or 503.
    ServerError(u16),
    /// Transient: a page for people, with status 200.
    Html,
    /// Transient: status 200 and nothing else.
    Empty,
    /// Transient: 429, to be tried again after so many seconds.
    Throttled(u8),
    /// The provider is really down: 503.
    Unavailable,
    /// The provider is really down: it takes requests and says nothing.
    Silent,
}

/// Who is to look into a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    Network,
    Provider,
    Credential,
    Config,
}

impl Class {
    /// From the word in a label.
    pub fn from_word(word: &str) -> Option<Self> {
        [
            ("network", Self::Network),
            ("provider", Self::Provider),
            ("credential", Self::Credential),
            ("config", Self::Config),
        ]
        .into_iter()
        .find_map(|(known, class)| (known == word).then_some(class))
    }
}

impl Answer {
    /// The reason that credwatch should count it under; `None` for a token. `connect` and
    /// `transport` are one here: whether a reset is seen while connecting or after that is a matter
    /// of microseconds.
    pub fn reason(self) -> Option<(Class, &'static str)> {
        Some(match self {
            Self::Token => return None,
            Self::Refused => (Class::Credential, "rejected"),
            Self::Reset | Self::Cut => (Class::Network, "transport"),
            Self::Slow | Self::Silent => (Class::Network, "timeout"),
            Self::ServerError(_) | Self::Unavailable => (Class::Provider, "unavailable"),
            Self::Html | Self::Empty => (Class::Provider, "malformed"),
            Self::Throttled(_) => (Class::Provider, "throttled"),
        })
    }

    /// Whether it is one of the faults that are drawn.
    pub fn is_transient(self) -> bool {
        !matches!(self, Self::Token | Self::Refused | Self::Unavailable | Self::Silent)
    }

    /// How long after the request credwatch knows of it.
    pub fn takes(self) -> Duration {
        if matches!(self, Self::Slow | Self::Silent) { TIMEOUT } else { Duration::ZERO }
    }
}

/// One request: 8 bytes, because a long campaign has millions.
#[derive(Clone, Copy)]
pub struct Served {
    millis: u32,
    pub answer: Answer,
}

impl Served {
    /// When, since the start of the campaign.
    pub fn at(self) -> Duration {
        Duration::from_millis(self.millis.into())
    }
}

/// The time between two requests that follow each other.
pub fn pause(two: &[Served]) -> Duration {
    two.last().map_or(Duration::ZERO, |last| last.at().saturating_sub(two[0].at()))
}

/// What is really the matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    Regular,
    /// No secret is accepted.
    Refusing,
    Unavailable,
    Silent,
}

struct Truth {
    dice: Dice,
    mood: Mood,
    /// Which version of the secret is accepted.
    secret: u32,
    served: Vec<Served>,
}

/// All providers.
pub struct World {
    start: Instant,
    faults: f64,
    faulty: AtomicBool,
    providers: Vec<Mutex<Truth>>,
}

impl World {
    /// All well, and no faults yet.
    pub fn new(providers: usize, faults: f64, seed: u64) -> Self {
        let truth = |number: usize| {
            let dice = Dice::new(seed, u64::try_from(number).unwrap_or_default());
            Mutex::new(Truth { dice, mood: Mood::Regular, secret: 0, served: Vec::new() })
        };
        Self {
            start: Instant::now(),
            faults,
            faulty: AtomicBool::new(false),
            providers: (0..providers).map(truth).collect(),
        }
    }

    /// Time since the start of the campaign.
    pub fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Whether transient faults are drawn.
    pub fn set_faulty(&self, faulty: bool) {
        self.faulty.store(faulty, Ordering::Relaxed);
    }

    /// How many providers there are.
    pub fn len(&self) -> usize {
        self.providers.len()
    }

    fn truth(&self, provider: usize) -> MutexGuard<'_, Truth> {
        self.providers[provider].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is the matter, and returns since when it holds.
    pub fn set_mood(&self, provider: usize, mood: Mood) -> Duration {
        self.truth(provider).mood = mood;
        self.now()
    }

    /// From now on only the next version of the secret is accepted. `meanwhile` is called with it
    /// before any request is judged by it.
    pub fn rotate<T>(&self, provider: usize, meanwhile: impl FnOnce(u32) -> T) -> (Duration, T) {
        let mut truth = self.truth(provider);
        truth.secret += 1;
        let done = meanwhile(truth.secret);
        (self.now(), done)
    }

    /// The version of the secret that is accepted.
    pub fn secret(&self, provider: usize) -> u32 {
        self.truth(provider).secret
    }

    /// What happens to the next request, decided and noted; `None` when there is no such provider.
    pub fn decide(&self, provider: usize, authorization: &str) -> Option<Answer> {
        if provider >= self.len() {
            return None;
        }
        let mut truth = self.truth(provider);
        let answer = match truth.mood {
            Mood::Unavailable => Answer::Unavailable,
            Mood::Silent => Answer::Silent,
            mood => match self.fault(&mut truth.dice) {
                Some(fault) => fault,
                None if mood == Mood::Refusing
                    || authorization != accepted(provider, truth.secret) =>
                {
                    Answer::Refused
                }
                None => Answer::Token,
            },
        };
        self.note(&mut truth, answer);
        Some(answer)
    }

    /// Whether the next request meets a reset, told before it is read; it is noted then.
    pub fn resets(&self, provider: usize) -> bool {
        let mut truth = self.truth(provider);
        let mut dice = truth.dice.clone();
        let reset = matches!(truth.mood, Mood::Regular | Mood::Refusing)
            && self.fault(&mut dice) == Some(Answer::Reset);
        if reset {
            truth.dice = dice;
            self.note(&mut truth, Answer::Reset);
        }
        reset
    }

    fn fault(&self, dice: &mut Dice) -> Option<Answer> {
        let (draw, kind) = (dice.fraction(), dice.below(KINDS.len()));
        (self.faulty.load(Ordering::Relaxed) && draw < self.faults).then(|| KINDS[kind])
    }

    fn note(&self, truth: &mut Truth, answer: Answer) {
        truth.served.push(Served {
            millis: u32::try_from(self.now().as_millis()).unwrap_or(u32::MAX),
            answer,
        });
    }

    /// All requests of a provider so far.
    pub fn served(&self, provider: usize) -> Vec<Served> {
        self.truth(provider).served.clone()
    }

    /// How many requests there were so far.
    pub fn requests(&self) -> usize {
        (0..self.len()).map(|provider| self.truth(provider).served.len()).sum()
    }
}

/// What a transient fault can be. A wait of nine seconds is longer than the interval, one second is
/// not.
const KINDS: [Answer; 10] = [
    Answer::Reset,
    Answer::Cut,
    Answer::Slow,
    Answer::ServerError(500),
    Answer::ServerError(502),
    Answer::ServerError(503),
    Answer::Html,
    Answer::Empty,
    Answer::Throttled(1),
    Answer::Throttled(9),
];

/// Which part of the transient faults says that we ask too often.
pub fn throttled_share() -> f64 {
    float(KINDS.iter().filter(|kind| matches!(kind, Answer::Throttled(_))).count())
        / float(KINDS.len())
}

/// The text of a secret.
pub fn secret(provider: usize, version: u32) -> String {
    format!("secret-{provider}-{version}-of-the-usual-length")
}

/// The header with which a provider accepts its client.
fn accepted(provider: usize, version: u32) -> String {
    format!("Basic {}", STANDARD.encode(format!("client-{provider}:{}", secret(provider, version))))
}
