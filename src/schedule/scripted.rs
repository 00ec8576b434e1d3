//! A scheduler in frozen time, with providers that do what a script says.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use prometheus::{Histogram, HistogramOpts, IntGauge};
use tokio::time::Instant;

use super::probes::{Probes, panicked};
use super::{Control, Instruments, Mode, Scheduler};
use crate::credentials::{CredentialSources, SecretSource};
use crate::outcome::{Code, Expiry, Failure, Issued, Outcome, Probe, Reason};
use crate::plan::Limits;
use crate::provider::{Cadence, Provider, Transport};
use crate::state::Ledger;

/// Does with each provider what its script says, and notes when it was asked.
struct Scripted {
    start: Instant,
    asked: Mutex<HashMap<String, Vec<f64>>>,
    script: Script,
    secrets: Secrets,
    reads: AtomicUsize,
}

/// The fingerprint of the secrets at the nth read, this many seconds after the start; `None` when
/// they cannot be read.
pub type Secrets = Box<dyn Fn(f64, usize) -> Option<u128> + Send + Sync>;

/// The reply to the nth request of a provider.
pub type Script = Box<dyn Fn(&str, usize) -> Reply + Send + Sync>;

pub enum Reply {
    Token,
    Fail(Reason),
    Hang(Duration),
    Panic,
}

/// Where the secrets of the providers come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Origin {
    Nowhere,
    File,
    Command,
    ClientCertificate,
}

impl Origin {
    fn sources(self) -> Vec<(String, SecretSource)> {
        let source = match self {
            Self::File => SecretSource::File("/never/read".into()),
            Self::Command => SecretSource::Command(vec!["/never/run".into()]),
            Self::Nowhere | Self::ClientCertificate => return Vec::new(),
        };
        vec![("secret".to_owned(), source)]
    }

    fn transport(self) -> Transport {
        let files = ("/never/read.pem".into(), "/never/read.key".into());
        let client_certificate = (self == Self::ClientCertificate).then_some(files);
        Transport { client_certificate, ..Transport::default() }
    }
}

impl Probes for Scripted {
    async fn probe(&self, provider: &Arc<Provider>, _: bool) -> Probe {
        let credentials = self.read();
        if credentials.is_none() && provider.can_rotate() {
            let outcome = Outcome::Failed(Failure::new(Reason::Secret, ""));
            return Probe { outcome, ..panicked(jiff::Timestamp::UNIX_EPOCH) };
        }
        let count = {
            let mut asked = self.asked.lock().expect("not poisoned");
            let times = asked.entry(provider.name.clone()).or_default();
            times.push(self.start.elapsed().as_secs_f64());
            times.len()
        };
        let outcome = match (self.script)(&provider.name, count) {
            Reply::Token => Outcome::Issued(Issued {
                expiry: Expiry::Unknown,
                lifetime: None,
                disagreement: None,
                fingerprint: 1,
            }),
            Reply::Fail(reason) => Outcome::Failed(Failure::new(reason, "").code(Code::word("x"))),
            Reply::Hang(time) => {
                tokio::time::sleep(time).await;
                Outcome::Failed(Failure::new(Reason::Timeout, ""))
            }
            Reply::Panic => panic!("on purpose"),
        };
        Probe { outcome, credentials, ..panicked(jiff::Timestamp::UNIX_EPOCH) }
    }

    async fn credentials(&self, _: &Arc<Provider>) -> Option<u128> {
        self.read()
    }
}

impl Scripted {
    fn read(&self) -> Option<u128> {
        let count = self.reads.fetch_add(1, Ordering::Relaxed) + 1;
        (self.secrets)(self.start.elapsed().as_secs_f64(), count)
    }
}

fn instruments() -> Instruments {
    Instruments {
        lateness: Histogram::with_opts(
            HistogramOpts::new("lateness", "x").buckets(vec![0.011, 1.0]),
        )
        .expect("valid"),
        in_flight: IntGauge::new("in_flight", "x").expect("valid"),
    }
}

/// Runs providers named `p0…` of different hosts, every minute, for a while, and returns when each
/// was asked.
pub async fn asked(
    count: usize,
    limits: Limits,
    time: Duration,
    script: impl Fn(&str, usize) -> Reply + Send + Sync + 'static,
) -> (HashMap<String, Vec<f64>>, Instruments, Arc<Ledger>) {
    asked_until(count, limits, |_| tokio::time::sleep(time), script).await
}

/// The same until a future ends, which can send events to the scheduler.
pub async fn asked_until<F: Future<Output = ()>>(
    count: usize,
    limits: Limits,
    end: impl FnOnce(Control) -> F,
    script: impl Fn(&str, usize) -> Reply + Send + Sync + 'static,
) -> (HashMap<String, Vec<f64>>, Instruments, Arc<Ledger>) {
    let secrets = (Origin::Nowhere, Box::new(|_, _| None) as Secrets);
    asked_with(count, limits, end, script, secrets).await
}

/// The same with secrets.
pub async fn asked_with<F: Future<Output = ()>>(
    count: usize,
    limits: Limits,
    end: impl FnOnce(Control) -> F,
    script: impl Fn(&str, usize) -> Reply + Send + Sync + 'static,
    (origin, secrets): (Origin, Secrets),
) -> (HashMap<String, Vec<f64>>, Instruments, Arc<Ledger>) {
    let provider = |number: usize| Provider {
        credentials: Arc::new(CredentialSources::new(origin.sources())),
        cadence: Cadence {
            interval: Duration::from_secs(60),
            max_backoff: Duration::from_secs(600),
            ..Cadence::default()
        },
        transport: Arc::new(origin.transport()),
        endpoint: Some(format!("host{number}.example:443").into()),
        ..Provider::sample(&format!("p{number}"))
    };
    let ledger = Arc::new(Ledger::new(
        (0..count).map(|number| Arc::new(provider(number))).collect(),
        &[1.0],
    ));
    let probes = Arc::new(Scripted {
        start: Instant::now(),
        asked: Mutex::default(),
        script: Box::new(script),
        secrets,
        reads: AtomicUsize::new(0),
    });
    let instruments = instruments();
    let (control, events) = Control::new();
    let scheduler = Scheduler::new(
        Arc::clone(&ledger),
        Arc::clone(&probes),
        limits,
        instruments.clone(),
        Mode::Scheduled,
    )
    .taking(control.clone(), events);
    scheduler.run(end(control)).await;
    let asked = std::mem::take(&mut *probes.asked.lock().expect("not poisoned"));
    (asked, instruments, ledger)
}
