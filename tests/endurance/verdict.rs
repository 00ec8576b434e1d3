//! The part of the report about alarms, breakages, recoveries and pauses.

use crate::case::{Case, Found, told_within};
use crate::events::Kind;
use crate::report::{Report, float, quantiles};
use crate::scale::{FAILURE_THRESHOLD, INTERVAL};
use crate::truth::throttled_share;

impl Case<'_> {
    /// Puts what was found into the report.
    pub fn report(&self, found: &Found, report: &mut Report) {
        let rate = float(found.transient) / float(found.in_the_storm.max(1));
        let expected = float(found.in_the_storm) * chance(self.faults);
        report.tell(
            "requests judged, and those in the storm",
            format!("{}, {}", found.requests, found.in_the_storm),
        );
        report.tell(
            "of these with a transient fault",
            format!("{} ({:.2} %)", found.transient, rate * 100.0),
        );
        report.none("false alarms of the credential", &found.of_the_credential);
        report.none("false alarms that nothing explains", &found.unexplained);
        report.tell("called broken after timeouts that the machine caused", found.by_the_machine);
        let most = (expected + 4.0 * expected.sqrt() + 1.0).floor();
        let many = float(found.unlucky.len()) > most;
        report.judge(
            "called broken by transient faults in a row",
            format!("{} (chance alone: {expected:.2})", found.unlucky.len()),
            format!("{most} by chance"),
            !many,
        );
        let breakages: usize = found.told.values().map(Vec::len).sum();
        report.tell("real breakages told", breakages);
        report.none("real breakages missed", &found.missed);
        report.none("real breakages told late", &found.late);
        report.tell(
            "real breakages with a fault or a detour in the way of being told",
            found.in_the_way,
        );
        report.tell("real breakages that ended before enough tries were made", found.unconcluded);
        report.none("broken by the rules and not told", &found.untold);
        for kind in Kind::ALL.into_iter().filter(|kind| kind.breaks()) {
            let bound = format!("{:.2} s + delay", told_within(kind).as_secs_f64());
            report.tell(
                &format!("told after: {} (bound {bound})", kind.word()),
                quantiles(found.told.get(&kind).map_or(&[], Vec::as_slice)),
            );
        }
        for kind in Kind::ALL.into_iter().filter(|kind| kind.breaks()) {
            report.tell(
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
            "requests of each provider that nothing happened to",
            format!("{least} to {most}"),
            format!("{scheduled:.1} ± 1.5"),
        );
        if self.control.is_calm(self.from, self.to) {
            report.judge(what, seen, bound, kept);
        } else {
            report.tell(what, format!("{seen}, {bound} on a machine without delays"));
        }
        report.tell("pauses between requests judged", found.pauses);
        let [pauses, told, recovered] = found.excused;
        report.tell(
            "excused, as the machine was too busy",
            format!("{pauses} pauses, {told} breakages, {recovered} recoveries"),
        );
        report.excused(float(pauses) / float(found.pauses.max(1)));
        report.none("requests too early by the rules", &found.early_requests);
        report.none("requests too late by the rules", &found.late_requests);
    }
}

/// How likely a request is to be the one by which transient faults alone, each by itself as likely
/// as `fault`, make a provider broken: one after so many as the threshold, or the last of so many
/// that all say that we ask too often.
fn chance(fault: f64) -> f64 {
    let threshold = i32::try_from(FAILURE_THRESHOLD).unwrap_or(i32::MAX);
    let throttled = (fault * throttled_share()).powi(threshold);
    (1.0 - fault) * (throttled + (fault.powi(threshold) - throttled) * fault)
}
