//! Makes the plan of the daemon from the files and the flags.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use crate::config;
use crate::diagnostic::{Fault, Sentence, Severity, Shown};
use crate::plan::{Loaded, Plan, PlanFiles};
use crate::probe::{Prober, Validity};
use crate::provider::Transport;
use crate::shard::Shard;
use crate::watch::Files;
use crate::web_config::WebConfig;

/// A client certificate that ends within this time gets a warning, in seconds.
const CERTIFICATE_SOON: i64 = 30 * 86_400;

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
pub fn plan_files(sources: Sources) -> PlanFiles {
    // Most configurations have only these files; then one reading is enough.
    let mut files = Files::default();
    files.add(&sources.config);
    sources.web_config.iter().for_each(|file| files.add(file));
    PlanFiles::new(files, move || load(&sources))
}

/// Reads the configuration and the web configuration with their certificate files. Returns the
/// faults of both.
fn load(sources: &Sources) -> Loaded {
    let Loaded { plan, mut files } = config::load(&sources.config);
    sources.web_config.iter().for_each(|file| files.add(file));
    let plan = plan.and_then(|plan| {
        let warnings = check_transports(&plan)?;
        Ok(Plan { warnings: plan.warnings.into_iter().chain(warnings).collect(), ..plan })
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

/// Warnings about client certificates that have ended or will soon.
///
/// # Errors
/// The faults of certificate and key files. Settings without such files have no faults.
pub fn check_transports(plan: &Plan) -> Result<Vec<Fault>, Vec<Fault>> {
    let mut seen = HashSet::new();
    let (mut faults, mut warnings) = (Vec::new(), Vec::new());
    for provider in &plan.providers {
        let transport = &provider.transport;
        if **transport == Transport::default() || !seen.insert(transport) {
            continue;
        }
        match Prober::prepare(transport) {
            Ok(certificate) => warnings.extend(
                certificate
                    .and_then(|certificate| ending(&provider.name, certificate, Timestamp::now())),
            ),
            Err(error) => {
                let parts = [Shown::name(&provider.name), Shown::outside_of_files(error)];
                faults.push(Fault::general(Sentence::fill("the provider `{}`: {}", parts)));
            }
        }
    }
    if faults.is_empty() { Ok(warnings) } else { Err(faults) }
}

/// The warning about a client certificate that is not valid, or ends within 30 days.
fn ending(provider: &str, certificate: Validity, now: Timestamp) -> Option<Fault> {
    let left = certificate.until.duration_since(now).as_secs();
    let problem = certificate.problem(now).or_else(|| {
        let day = certificate.until.strftime("%Y-%m-%d %H:%M:%S UTC");
        (left < CERTIFICATE_SOON).then(|| format!("our client certificate ends on {day}"))
    })?;
    let parts = [Shown::name(provider), Shown::outside_of_files(problem)];
    let mut fault = Fault::general(Sentence::fill("the provider `{}`: {}", parts));
    fault.severity = Severity::Warning;
    Some(fault.hint("renew the certificate in `tls.client_certificate_file`"))
}
