//! The lines of the report about memory.

use std::time::Duration;

use crate::observer::Sample;
use crate::report::{Report, float};

/// How much memory may grow in the second half of the storm: megabytes, or a share. In the first
/// half it grows more: providers fill their history, and new reasons need new counters.
const GROWTH: (f64, f64) = (12.0, 0.10);

/// The time over which resident memory is averaged.
const AVERAGED: Duration = Duration::from_secs(10);

/// With more open descriptors than this, probes are waiting for the machine.
const PILED_UP: usize = 150;

/// Adds the lines. The storm lasts `from` to `to`.
pub fn rows(samples: &[Sample], from: Duration, to: Duration, report: &mut Report) {
    let average = |from: Duration, to: Duration| {
        let within: Vec<f64> = samples
            .iter()
            .filter(|(at, _)| *at >= from && *at < to)
            .map(|(_, vitals)| vitals.resident)
            .collect();
        within.iter().sum::<f64>() / float(within.len().max(1))
    };
    let half = from + to.saturating_sub(from) / 2;
    let (before, first, last) = (
        average(from, from + AVERAGED),
        average(half, half + AVERAGED),
        average(to.saturating_sub(AVERAGED), to),
    );
    let growth = GROWTH.0.max(first * GROWTH.1);
    report.figure("resident memory at the start of the storm", format!("{before:.1} MB"));
    let seen =
        format!("{first:.1} MB, then {last:.1} MB ({:+.1} %)", (last - first) / first * 100.0);
    // On a busy machine probes pile up, and each needs its buffers.
    let most = samples
        .iter()
        .filter(|(at, _)| *at >= half && *at < to)
        .map(|(_, vitals)| vitals.descriptors)
        .max()
        .unwrap_or_default();
    let piled_up = most > PILED_UP;
    let bound = format!(
        "{growth:.1} MB more{}",
        if piled_up { ", not judged: probes piled up" } else { "" }
    );
    report.judge(
        "resident memory in the middle and at the end of the storm",
        seen,
        bound,
        last - first <= growth || piled_up,
    );
    report.figure("largest number of open descriptors", most);
}
