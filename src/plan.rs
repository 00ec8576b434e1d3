//! The plan: everything that the daemon needs from the files. It goes from `config` through `cli`
//! to the scheduler, at the start and at each reload.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use crate::diagnostic::Fault;
use crate::links::Links;
use crate::provider::Provider;
use crate::runtime;
use crate::watch::{Digest, Files};
use crate::web_config::WebConfig;

/// Everything that the daemon needs from the files.
#[derive(Default)]
pub struct Plan {
    /// The providers, in the order of the files.
    pub providers: Vec<Arc<Provider>>,
    /// How many probes may run at the same time.
    pub limits: Limits,
    /// Upper bounds of the latency histogram, in seconds.
    pub duration_buckets: Vec<f64>,
    /// Whether metrics leave out failure reasons that never happened and empty buckets.
    pub compact_metrics: bool,
    /// Whether `OpenMetrics` tells when each counter began at zero.
    pub created_metrics: bool,
    /// The links of the pages to other tools.
    pub links: Arc<Links>,
    /// The addresses of the HTTP server. A reload cannot change them.
    pub listen_addresses: Vec<SocketAddr>,
    /// TLS, passwords and headers of the server.
    pub web: Arc<WebConfig>,
    /// Faults that do not prevent a start.
    pub warnings: Vec<Fault>,
}

/// How many probes may run at the same time.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Over all providers.
    pub in_flight: usize,
    /// Per host and port.
    pub per_host: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { in_flight: 500, per_host: runtime::ENDLESS_ANSWERS }
    }
}

/// A plan with its files. The files are known even when they have faults.
pub struct Loaded {
    /// The plan, or all faults in the order of files and lines; warnings are among them.
    pub plan: Result<Plan, Vec<Fault>>,
    /// The files that were read or named.
    pub files: Files,
}

/// How a plan is read, and the digest of its files at that time.
#[derive(Clone)]
pub struct PlanFiles {
    load: Arc<dyn Fn() -> Loaded + Send + Sync>,
    files: Files,
    digest: Option<Digest>,
}

impl PlanFiles {
    /// `load` reads the plan and may block. `files` are the files that are known before.
    pub fn new(files: Files, load: impl Fn() -> Loaded + Send + Sync + 'static) -> Self {
        Self { load: Arc::new(load), files, digest: None }
    }

    /// Reads the plan, and keeps the digest of its files.
    ///
    /// The main file names the others, so the list of files can change with each reading. Then the
    /// plan is read again. If the list changes every time, the next check finds a change.
    ///
    /// # Errors
    /// All faults. The files of the previous plan stay watched then, because a faulty file may not
    /// name all others.
    pub fn load(&mut self) -> Result<Plan, Vec<Fault>> {
        let before = self.files.clone();
        let mut tries = 3;
        loop {
            tries -= 1;
            // The digest comes first, so that the next check notices later changes.
            let digest = self.files.digest();
            let Loaded { plan, mut files } = (self.load)();
            if plan.is_err() {
                files.extend(&before);
            }
            let same_files = files == self.files;
            (self.files, self.digest) = (files, Some(digest));
            if same_files || tries == 0 {
                return plan;
            }
        }
    }

    /// The digest of the files now. Reads all of them.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.files.digest()
    }

    /// Whether the files had this digest when the plan was read.
    #[must_use]
    pub fn is_current(&self, digest: Digest) -> bool {
        self.digest == Some(digest)
    }

    /// The latest modification time of the files, if known.
    #[must_use]
    pub fn written(&self) -> Option<SystemTime> {
        self.files.written()
    }
}
