//! The lines of the report about alarms, breakages, recoveries and pauses.

use crate::case::{Case, Found, reported_within};
use crate::events::Kind;
use crate::report::{Report, float, quantiles};
use crate::scale::{FAILURE_THRESHOLD, INTERVAL};
use crate::truth::throttled_share;

impl Case<'_> {
    /// Adds the findings to the report.
    pub fn report(&self, found: &Found, report: &mut Report) {
        let rate = float(found.transient) / float(found.in_the_storm.max(1));
        let expected = float(found.in_the_storm) * chance(self.faults);
        report.figure(
            "requests judged, and those in the storm",
            format!("{}, {}", found.requests, found.in_the_storm),
        );
        report.figure(
            "of these with a transient fault or a hostile answer",
            format!("{} ({:.2} %)", found.transient, rate * 100.0),
        );
        report.none("false alarms about the credential", &found.false_credential_alarms);
        report.none("other false alarms without a cause", &found.unexplained_alarms);
        report.figure("broken after timeouts that the machine caused", found.broken_by_machine);
        let most = (expected + 4.0 * expected.sqrt() + 1.0).floor();
        let many = float(found.broken_by_chance.len()) > most;
        report.judge(
            "broken by transient faults in a row",
            format!("{} (expected by chance: {expected:.2})", found.broken_by_chance.len()),
            format!("{most} by chance"),
            !many,
        );
        let breakages: usize = found.reported.values().map(Vec::len).sum();
        report.figure("real breakages reported", breakages);
        report.none("real breakages missed", &found.missed);
        report.none("real breakages reported late", &found.late);
        report.figure("real breakages whose report a fault or a pause delayed", found.delayed);
        report.figure("real breakages that ended before enough tries were made", found.undecided);
        report.none("broken by the rules and not reported", &found.unreported);
        for kind in Kind::ALL.into_iter().filter(|kind| kind.breaks()) {
            let bound = format!("{:.2} s + delay", reported_within(kind).as_secs_f64());
            report.figure(
                &format!("reported after: {} (bound {bound})", kind.word()),
                quantiles(found.reported.get(&kind).map_or(&[], Vec::as_slice)),
            );
        }
        for kind in Kind::ALL.into_iter().filter(|kind| kind.breaks()) {
            report.figure(
                &format!("healthy again after: {}", kind.word()),
                quantiles(found.recovered.get(&kind).map_or(&[], Vec::as_slice)),
            );
        }
        report.none("recoveries that were late", &found.not_recovered);
        let mut steady = found.steady.clone();
        steady.sort_unstable();
        let scheduled = self.to.saturating_sub(self.from).as_secs_f64() / INTERVAL.as_secs_f64();
        let (least, most) = (
            steady.first().copied().unwrap_or_default(),
            steady.last().copied().unwrap_or_default(),
        );
        let kept = float(least) >= scheduled - 1.5 && float(most) <= scheduled + 1.5;
        let (what, seen, bound) = (
            "requests of each provider without an event",
            format!("{least} to {most}"),
            format!("{scheduled:.1} ± 1.5"),
        );
        if self.delays.is_calm(self.from, self.to) {
            report.judge(what, seen, bound, kept);
        } else {
            report.figure(what, format!("{seen}, {bound} on a machine without delays"));
        }
        report.figure("pauses between requests judged", found.pauses);
        let [pauses, breakages, recoveries] = found.excused;
        report.figure(
            "excused, because the machine was too busy",
            format!("{pauses} pauses, {breakages} breakages, {recoveries} recoveries"),
        );
        report.excused(float(pauses) / float(found.pauses.max(1)));
        report.none("requests that the rules call too early", &found.early_requests);
        report.none("requests that the rules call too late", &found.late_requests);
    }
}

/// The probability that a request makes a provider broken by faults alone. Each request has a
/// transient fault or a hostile answer with these probabilities. A provider becomes broken by one
/// failure more than the threshold, or by the threshold if all failures are `throttled`.
fn chance([transient, hostile]: [f64; 2]) -> f64 {
    let fault = transient + hostile;
    let threshold = i32::try_from(FAILURE_THRESHOLD).unwrap_or(i32::MAX);
    let throttled = (transient * throttled_share()).powi(threshold);
    (1.0 - fault) * (throttled + (fault.powi(threshold) - throttled) * fault)
}
