//! Probes several providers at the same time, within the limits of the configuration.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::task::JoinSet;

use super::super::explanation::as_json;
use super::super::print::{counted, erase_line, note, say, say_styled};
use super::chosen::Several;
use super::progress::Progress;
use super::table::table;
use crate::authoring::explain::Explanation;
use crate::outcome::Probe;
use crate::probe::Prober;
use crate::provider::Provider;
use crate::runtime::{ProbeRuntime, block_on};
use crate::schedule::lanes::Lanes;
use crate::schedule::panicked;

/// Probes all of them. Prints a table at the end, or a line of JSON when a probe ends. Returns how
/// many failed.
///
/// # Errors
/// When the system cannot start threads.
pub fn probe(several: &Several, json: bool) -> io::Result<usize> {
    let mut progress = Progress::new(several.providers.len());
    let mut probed: Vec<(usize, Probe)> = Vec::new();
    block_on(run(several, json, |index, probe, explanation| {
        progress.ended(!probe.outcome.is_success());
        if json {
            erase_line();
            say(&as_json(&several.providers[index], &probe, explanation).to_string());
        }
        probed.push((index, probe));
    }))??;
    erase_line();
    // Those that failed come first, both in the order of the configuration.
    probed.sort_by_key(|(index, probe)| (probe.outcome.is_success(), *index));
    let failed = probed.iter().filter(|(_, probe)| !probe.outcome.is_success()).count();
    if !json {
        let rows: Vec<(&Provider, &Probe)> =
            probed.iter().map(|(index, probe)| (&*several.providers[*index], probe)).collect();
        say_styled(&table(&rows, Timestamp::now()));
        note(&format!("\n{} probed, {failed} failed", counted(rows.len(), "provider")));
    }
    if !several.paused.is_empty() {
        note(&format!("paused, so not probed: {}", several.paused.join(", ")));
    }
    Ok(failed)
}

/// Probes all of them, and calls `ended` for each in the order in which they end. With `explains`
/// each explanation is whole, else empty.
async fn run(
    several: &Several,
    explains: bool,
    mut ended: impl FnMut(usize, Probe, &Explanation),
) -> io::Result<()> {
    // A hostile answer can keep a thread busy, and the others must go on.
    let runtime = ProbeRuntime::start()?;
    let (prober, handle) = (Arc::new(Prober::new()), runtime.handle());
    let mut lanes = Lanes::new(several.limits);
    for (index, provider) in several.providers.iter().enumerate() {
        lanes.arrive(index, provider.endpoint.clone(), false);
    }
    let (mut running, mut runners) = (JoinSet::new(), HashMap::new());
    loop {
        while let Some(runner) = lanes.start() {
            let (prober, provider) =
                (Arc::clone(&prober), Arc::clone(&several.providers[runner.index]));
            let probing = async move {
                let mut explanation = Explanation::default();
                let probe = if explains {
                    prober.observe(&provider, &mut explanation).await
                } else {
                    prober.probe(&provider).await
                };
                (probe, explanation)
            };
            runners.insert(running.spawn_on(probing, &handle).id(), runner);
        }
        let (id, (probe, explanation)) = match running.join_next_with_id().await {
            None => return Ok(()),
            Some(Ok(one)) => one,
            Some(Err(error)) => (error.id(), (panicked(Timestamp::now()), Explanation::default())),
        };
        let Some(runner) = runners.remove(&id) else { continue };
        lanes.end(&runner);
        ended(runner.index, probe, &explanation);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load_text;
    use crate::fake::Fake;
    use crate::plan::Limits;

    #[tokio::test]
    async fn all_are_probed_once_although_one_at_a_time_may_run() {
        let fake = Fake::start().await.expect("a port");
        let mut text = String::new();
        for number in 0..4 {
            text.push_str(&format!(
                "[providers.p{number}]\nrecipe = \"sendgrid-key\"\n\
                 parameters.base_url = \"{}\"\ncredentials.api_key = \"SG.wrong\"\n",
                fake.base_url("sendgrid-key")
            ));
        }
        let providers = load_text("test", &text).unwrap_or_else(|_| panic!("valid")).providers;
        let limits = Limits { in_flight: 1, per_host: 1 };
        let several = Several { providers, limits, paused: Vec::new() };
        let mut seen = Vec::new();
        run(&several, false, |index, _, _| seen.push(index)).await.expect("it runs");
        assert_eq!(seen, [0, 1, 2, 3]);
        assert_eq!(fake.requests("sendgrid-key"), 4);
    }
}
