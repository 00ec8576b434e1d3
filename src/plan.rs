//! The plan: everything from the files that the daemon runs by. It goes from `config` through the
//! command line to the scheduler, at the start and at each reload.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use crate::diagnostic::Fault;
use crate::provider::Provider;
use crate::watch::{Digest, Files};
use crate::web_config::WebConfig;

/// Everything from the files that the daemon runs by.
#[derive(Default)]
pub struct Plan {
    /// The providers, in the order of the files.
    pub providers: Vec<Arc<Provider>>,
    /// How many probes may run at the same time.
    pub limits: Limits,
    /// Upper bounds of the latency histogram, in seconds.
    pub duration_buckets: Vec<f64>,
    /// Where to serve. A reload does not change it.
    pub listen_addresses: Vec<SocketAddr>,
    /// TLS, passwords and headers of the server.
    pub web: Arc<WebConfig>,
    /// Faults with which the daemon can run.
    pub warnings: Vec<Fault>,
}

/// How many probes may run at the same time.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Over all.
    pub in_flight: usize,
    /// Per host and port.
    pub per_host: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { in_flight: 500, per_host: 32 }
    }
}

/// A plan with the files that it came from, which are known also when they have faults.
pub struct Loaded {
    /// The plan, or all faults in the order of files and lines; warnings are among them.
    pub plan: Result<Plan, Vec<Fault>>,
    /// The files that were read or named.
    pub files: Files,
}

/// Where a plan comes from: how it is read, and what its files held when that was done.
#[derive(Clone)]
pub struct PlanFiles {
    load: Arc<dyn Fn() -> Loaded + Send + Sync>,
    files: Files,
    digest: Option<Digest>,
}

impl PlanFiles {
    /// `load` reads the plan and may block. `files` are those that are known before it is read.
    pub fn new(files: Files, load: impl Fn() -> Loaded + Send + Sync + 'static) -> Self {
        Self { load: Arc::new(load), files, digest: None }
    }

    /// Reads the plan, and notes the digest of exactly what was read.
    ///
    /// The files are not known before they are read. When they turn out to be others, they are read
    /// again; if they never stay the same, the next look at them finds a change.
    ///
    /// # Errors
    /// All faults. The files of the plan before stay watched then, as the new one may not have got
    /// to where it names them.
    pub fn load(&mut self) -> Result<Plan, Vec<Fault>> {
        let before = self.files.clone();
        let mut tries = 3;
        loop {
            tries -= 1;
            // Before it is read: what changes after this is noticed at the next look.
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

    /// What the files hold now. Reads all of them.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.files.digest()
    }

    /// Whether this is what the files held when the plan was read.
    #[must_use]
    pub fn is_current(&self, digest: Digest) -> bool {
        self.digest == Some(digest)
    }

    /// When any of the files was last written, as far as that is known.
    #[must_use]
    pub fn written(&self) -> Option<SystemTime> {
        self.files.written()
    }
}
