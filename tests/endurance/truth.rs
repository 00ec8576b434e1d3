//! The ground truth: the real condition of each provider, and the answer to each request.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::dice::Dice;
use crate::report::float;
use crate::scale::TIMEOUT;

/// What the endpoint did with one request.
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
    /// Transient: an HTML page with status 200.
    Html,
    /// Transient: status 200 with an empty body.
    Empty,
    /// Transient: 429 with a `Retry-After` of so many seconds.
    Throttled(u8),
    /// An answer that is made to do harm.
    Hostile(Hostile),
    /// The provider is really down: 503.
    Unavailable,
    /// The provider is really down: it reads requests and does not answer.
    Silent,
}

/// The kinds of hostile answers. Each fails the probe, and must harm nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hostile {
    /// 500 with the request in its message: plain, Base64 and percent-encoded.
    Echo,
    /// 500 with 200 KB of words in its message.
    ManyWords,
    /// 500 with a new code each time.
    NewCode,
    /// 500 with escapes for terminals and markup in its message.
    Escapes,
    /// 200 with 300 KB of body.
    LargeBody,
    /// 200 with JSON of 10,000 levels.
    Deep,
    /// 200 with 20,000 members.
    ManyMembers,
}

const HOSTILE: [Hostile; 7] = [
    Hostile::Echo,
    Hostile::ManyWords,
    Hostile::NewCode,
    Hostile::Escapes,
    Hostile::LargeBody,
    Hostile::Deep,
    Hostile::ManyMembers,
];

/// The class of a failure: who has to act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    Network,
    Provider,
    Credential,
    Config,
}

impl Class {
    /// The class with this label value.
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
    /// The reason under which the daemon should count the answer; `None` for a token. `connect` and
    /// `transport` are the same here: microseconds decide which of them a reset becomes.
    pub fn reason(self) -> Option<(Class, &'static str)> {
        Some(match self {
            Self::Token => return None,
            Self::Refused => (Class::Credential, "rejected"),
            Self::Reset | Self::Cut => (Class::Network, "transport"),
            Self::Slow | Self::Silent => (Class::Network, "timeout"),
            Self::ServerError(_)
            | Self::Unavailable
            | Self::Hostile(
                Hostile::Echo | Hostile::ManyWords | Hostile::NewCode | Hostile::Escapes,
            ) => (Class::Provider, "unavailable"),
            Self::Html | Self::Empty | Self::Hostile(_) => (Class::Provider, "malformed"),
            Self::Throttled(_) => (Class::Provider, "throttled"),
        })
    }

    /// Whether the answer is a transient fault.
    pub fn is_transient(self) -> bool {
        !matches!(self, Self::Token | Self::Refused | Self::Unavailable | Self::Silent)
    }

    /// The time from the request until the daemon knows the answer.
    pub fn takes(self) -> Duration {
        if matches!(self, Self::Slow | Self::Silent) { TIMEOUT } else { Duration::ZERO }
    }
}

/// One request and its answer. It has 8 bytes, because a long campaign has millions of them.
#[derive(Clone, Copy)]
pub struct Served {
    millis: u32,
    pub answer: Answer,
}

impl Served {
    /// The time of the request, since the start of the campaign.
    pub fn at(self) -> Duration {
        Duration::from_millis(self.millis.into())
    }
}

/// The time between the first and the last of these requests.
pub fn pause(two: &[Served]) -> Duration {
    two.last().map_or(Duration::ZERO, |last| last.at().saturating_sub(two[0].at()))
}

/// The real condition of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    Regular,
    /// The endpoint accepts no secret.
    Refusing,
    Unavailable,
    Silent,
}

struct Truth {
    dice: Dice,
    condition: Condition,
    /// The version of the secret that the endpoint accepts.
    secret: u32,
    served: Vec<Served>,
}

/// The truth about all providers.
pub struct World {
    start: Instant,
    faults: f64,
    hostile: f64,
    faulty: AtomicBool,
    providers: Vec<Mutex<Truth>>,
}

impl World {
    /// All providers are well, and there are no faults yet.
    pub fn new(providers: usize, [faults, hostile]: [f64; 2], seed: u64) -> Self {
        let truth = |number: usize| {
            let dice = Dice::new(seed, u64::try_from(number).unwrap_or_default());
            let condition = Condition::Regular;
            Mutex::new(Truth { dice, condition, secret: 0, served: Vec::new() })
        };
        Self {
            start: Instant::now(),
            faults,
            hostile,
            faulty: AtomicBool::new(false),
            providers: (0..providers).map(truth).collect(),
        }
    }

    /// The time since the start of the campaign.
    pub fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Switches transient faults on or off.
    pub fn set_faulty(&self, faulty: bool) {
        self.faulty.store(faulty, Ordering::Relaxed);
    }

    /// The number of providers.
    pub fn len(&self) -> usize {
        self.providers.len()
    }

    fn truth(&self, provider: usize) -> MutexGuard<'_, Truth> {
        self.providers[provider].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the condition of a provider. Returns the time of the change.
    pub fn set_condition(&self, provider: usize, condition: Condition) -> Duration {
        self.truth(provider).condition = condition;
        self.now()
    }

    /// From now on the endpoint accepts only the next version of the secret. Calls `meanwhile` with
    /// that version before the next request is answered.
    pub fn rotate<T>(&self, provider: usize, meanwhile: impl FnOnce(u32) -> T) -> (Duration, T) {
        let mut truth = self.truth(provider);
        truth.secret += 1;
        let done = meanwhile(truth.secret);
        (self.now(), done)
    }

    /// The version of the secret that the endpoint accepts.
    pub fn secret(&self, provider: usize) -> u32 {
        self.truth(provider).secret
    }

    /// Decides the answer to the next request and records it. `None` if there is no such provider.
    pub fn decide(&self, provider: usize, authorization: &str) -> Option<Answer> {
        if provider >= self.len() {
            return None;
        }
        let mut truth = self.truth(provider);
        let answer = match truth.condition {
            Condition::Unavailable => Answer::Unavailable,
            Condition::Silent => Answer::Silent,
            condition => match self.fault(&mut truth.dice) {
                Some(fault) => fault,
                None if condition == Condition::Refusing
                    || authorization != accepted(provider, truth.secret) =>
                {
                    Answer::Refused
                }
                None => Answer::Token,
            },
        };
        self.record(&mut truth, answer);
        Some(answer)
    }

    /// Whether the next connection is reset before the endpoint reads the request. If so, the reset
    /// is recorded.
    pub fn resets(&self, provider: usize) -> bool {
        let mut truth = self.truth(provider);
        let mut dice = truth.dice.clone();
        let reset = matches!(truth.condition, Condition::Regular | Condition::Refusing)
            && self.fault(&mut dice) == Some(Answer::Reset);
        if reset {
            truth.dice = dice;
            self.record(&mut truth, Answer::Reset);
        }
        reset
    }

    fn fault(&self, dice: &mut Dice) -> Option<Answer> {
        let (draw, kind) = (dice.fraction(), dice.below(KINDS.len() * HOSTILE.len()));
        if !self.faulty.load(Ordering::Relaxed) || draw >= self.faults + self.hostile {
            None
        } else if draw < self.faults {
            Some(KINDS[kind % KINDS.len()])
        } else {
            Some(Answer::Hostile(HOSTILE[kind % HOSTILE.len()]))
        }
    }

    fn record(&self, truth: &mut Truth, answer: Answer) {
        truth.served.push(Served {
            millis: u32::try_from(self.now().as_millis()).unwrap_or(u32::MAX),
            answer,
        });
    }

    /// All requests of a provider so far.
    pub fn served(&self, provider: usize) -> Vec<Served> {
        self.truth(provider).served.clone()
    }

    /// The number of requests so far.
    pub fn requests(&self) -> usize {
        (0..self.len()).map(|provider| self.truth(provider).served.len()).sum()
    }
}

/// The kinds of transient fault. A `Retry-After` of 9 s is longer than the interval; 1 s is not.
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

/// The share of transient faults that are `throttled`.
pub fn throttled_share() -> f64 {
    float(KINDS.iter().filter(|kind| matches!(kind, Answer::Throttled(_))).count())
        / float(KINDS.len())
}

/// A part of each secret. No output of the daemon may have it.
const SECRET_PART: &str = "of-the-usual-length";

/// A part of each token. No output of the daemon may have it.
pub const TOKEN_PART: &str = "a-token-of-provider";

/// Each form of a secret or token in a text, as an honest server could repeat it.
pub fn leak(text: &str) -> Option<&'static str> {
    /// `of-the-usual-length` in Base64 at the three offsets, without the edges. From `base64`.
    const ENCODED: [&str; 3] =
        ["LXRoZS11c3VhbC1sZW5n", "10aGUtdXN1YWwtbGVuZ3", "dGhlLXVzdWFsLWxlbmd0"];
    [SECRET_PART, TOKEN_PART, "of%2Dthe%2Dusual%2Dlength"]
        .into_iter()
        .chain(ENCODED)
        .find(|part| text.contains(part))
}

/// The text of this version of a secret.
pub fn secret(provider: usize, version: u32) -> String {
    format!("secret-{provider}-{version}-{SECRET_PART}")
}

/// The `Authorization` header that the endpoint accepts.
fn accepted(provider: usize, version: u32) -> String {
    format!("Basic {}", STANDARD.encode(format!("client-{provider}:{}", secret(provider, version))))
}
