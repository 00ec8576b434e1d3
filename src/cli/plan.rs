//! Makes the plan of the daemon from the files and the flags.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use crate::config;
use crate::diagnostic::{Fault, Sentence, Severity, Shown};
use crate::plan::{Loaded, Plan, PlanFiles};
use crate::probe::Prober;
use crate::provider::Transport;
use crate::shard::Shard;
use crate::watch::Files;
use crate::web_config::WebConfig;

/// The files of the plan, and the flags that replace settings of the files.
pub struct Sources {
    pub config: PathBuf,
    pub web_config: Option<PathBuf>,
    /// The share of the providers that this daemon watches.
    pub shard: Option<Shard>,
    /// The addresses of the HTTP server; `None` for those of the configuration.
    pub listen_addresses: Option<Vec<SocketAddr>>,
}

/// How the daemon reads its plan, at the start and at each reload.
pub fn plan_files(sources: Sources, prober: Arc<Prober>) -> PlanFiles {
    // Most configurations have only these files; then one reading is enough.
    let mut files = Files::default();
    files.add(&sources.config);
    sources.web_config.iter().for_each(|file| files.add(file));
    PlanFiles::new(files, move || load(&sources, &prober))
}

/// Reads the configuration and the web configuration with their certificate files. Returns the
/// faults of both.
fn load(sources: &Sources, prober: &Prober) -> Loaded {
    let Loaded { plan, mut files } = config::load(&sources.config);
    sources.web_config.iter().for_each(|file| files.add(file));
    let plan = plan.and_then(|plan| {
        let faults = transport_faults(&plan, prober);
        if faults.is_empty() { Ok(plan) } else { Err(faults) }
    });
    let web = WebConfig::load(sources.web_config.as_deref());
    if let Ok(web) = &web {
        web.files().iter().for_each(|file| files.add(file));
    }
    let plan = match (plan, web) {
        (Ok(mut plan), Ok(web)) => {
            // All providers were checked: every shard finds the same faults.
            plan.providers
                .retain(|provider| sources.shard.is_none_or(|shard| shard.owns(&provider.name)));
            if let Some(addresses) = &sources.listen_addresses {
                plan.listen_addresses.clone_from(addresses);
            }
            Ok(complete(plan, web))
        }
        (Err(mut faults), Err(more)) => {
            faults.extend(more);
            Err(faults)
        }
        (Err(faults), Ok(_)) | (Ok(_), Err(faults)) => Err(faults),
    };
    Loaded { plan, files }
}

/// Adds the web configuration to a plan, and all warnings.
pub fn complete(mut plan: Plan, web: WebConfig) -> Plan {
    plan.warnings.extend_from_slice(web.warnings());
    for provider in plan.providers.iter().filter(|provider| provider.transport.insecure) {
        let name = &provider.name;
        let mut fault = Fault::general(Sentence::fill(
            "the provider `{}`: tls.insecure is set, any certificate is accepted",
            [Shown::name(name)],
        ));
        fault.severity = Severity::Warning;
        plan.warnings.push(fault);
    }
    plan.web = Arc::new(web);
    plan
}

/// The faults of certificate and key files. Settings without such files are skipped: they have no
/// faults, and loading the system's certificates takes long.
pub fn transport_faults(plan: &Plan, prober: &Prober) -> Vec<Fault> {
    let mut seen = HashSet::new();
    let mut faults = Vec::new();
    for provider in &plan.providers {
        let transport = &provider.transport;
        if **transport == Transport::default() || !seen.insert(transport) {
            continue;
        }
        if let Err(error) = prober.prepare(transport) {
            let parts = [Shown::name(&provider.name), Shown::outside_of_files(error)];
            faults.push(Fault::general(Sentence::fill("the provider `{}`: {}", parts)));
        }
    }
    faults
}
