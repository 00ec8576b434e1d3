//! The counters of the daemon against the answers of the endpoint: each request must be counted
//! once, under its own reason.

use std::collections::{BTreeMap, BTreeSet};

use crate::daemon::Daemon;
use crate::events::{Event, Kind};
use crate::exposition::{label, provider_of};
use crate::files::name;
use crate::truth::World;
use crate::{Result, report::Report};

/// For each provider, the number of requests by reason.
type Counts = Vec<BTreeMap<String, usize>>;

/// The key for the number of all requests.
const ALL: &str = "all";

/// Compares both. No fault may happen at this time, so that all probes in flight get a token.
/// Returns the providers with timeouts of the machine: a busy machine made them miss the deadline.
pub fn judge(
    world: &World,
    daemon: &Daemon,
    providers: usize,
    events: &[Event],
    quiet: bool,
    report: &mut Report,
) -> Result<BTreeSet<usize>> {
    let before = served(world, providers);
    let counted = counted(&daemon.get("/metrics")?, providers)?;
    let after = served(world, providers);
    let (mut wrong, mut timeouts, mut late) = (Vec::new(), 0, BTreeSet::new());
    for provider in 0..providers {
        // Only the daemon sees a connection to a closed port.
        let closed =
            events.iter().any(|event| event.provider == provider && event.kind == Kind::Closed);
        let mine = |counts: &Counts, reason: &str| {
            counts[provider].get(reason).copied().unwrap_or_default()
        };
        // If the machine made a probe miss its deadline, the daemon counted a timeout and the
        // endpoint another answer.
        let missed = mine(&counted, "timeout").saturating_sub(mine(&before, "timeout"));
        if missed > 0 {
            timeouts += missed;
            late.insert(provider);
            continue;
        }
        for reason in
            counted[provider].keys().chain(before[provider].keys()).filter(|reason| *reason != ALL)
        {
            let (counts, true_count) = (mine(&counted, reason), mine(&before, reason));
            match reason.as_str() {
                "transport" if closed => {}
                _ if counts != true_count => wrong.push(format!(
                    "{}: {reason} counted {counts} times, answered {true_count} times",
                    name(provider)
                )),
                _ => {}
            }
        }
        // The daemon may not have counted the last answer yet.
        let (probes, least, most) =
            (mine(&counted, ALL), mine(&before, ALL).saturating_sub(1), mine(&after, ALL));
        if !closed && !(least..=most).contains(&probes) {
            wrong.push(format!(
                "{}: {probes} probes counted, {least} to {most} requests seen",
                name(provider)
            ));
        }
    }
    wrong.dedup();
    report.none("counters that differ from the answers", &wrong);
    let bound = if quiet {
        "0 on a machine without delays".to_owned()
    } else {
        "not judged, the machine had delays".to_owned()
    };
    report.judge("timeouts that no event explains", timeouts, bound, timeouts == 0 || !quiet);
    Ok(late)
}

fn served(world: &World, providers: usize) -> Counts {
    let count = |provider| {
        let mut counts = BTreeMap::new();
        for one in world.served(provider) {
            *counts.entry(ALL.to_owned()).or_default() += 1;
            if let Some((_, reason)) = one.answer.reason() {
                *counts.entry(reason.to_owned()).or_default() += 1;
            }
        }
        counts
    };
    (0..providers).map(count).collect()
}

fn counted(text: &str, providers: usize) -> Result<Counts> {
    let mut counts = vec![BTreeMap::new(); providers];
    for line in text.lines() {
        let (reason, rest) = if line.starts_with("credwatch_probes_total{") {
            (ALL, line)
        } else if line.starts_with("credwatch_probe_failures_total{") {
            (label(line, "reason").ok_or("a failure without a reason")?, line)
        } else {
            continue;
        };
        let count: usize = rest.rsplit(' ').next().unwrap_or_default().parse()?;
        let Some(own) =
            provider_of(line).and_then(|provider| counts.get_mut(provider)).filter(|_| count > 0)
        else {
            continue;
        };
        let reason = if reason == "connect" { "transport" } else { reason };
        *own.entry(reason.to_owned()).or_insert(0) += count;
    }
    Ok(counts)
}
