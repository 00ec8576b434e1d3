//! The usual `process_*` metrics, from `/proc/self`.
//!
//! The collector of the `prometheus` crate is not used: it counts CPU time in whole seconds, and
//! reports a start in 1970 when systemd hides the rest of `/proc`.

use std::fmt::Write as _;
use std::sync::OnceLock;

use jiff::Timestamp;

use crate::time::unix_seconds;

static STARTED: OnceLock<Timestamp> = OnceLock::new();

/// Records when the process started. Only the first call has an effect.
pub fn started(at: Timestamp) {
    let _ = STARTED.set(at);
}

/// When the process started, if that was recorded.
pub fn start() -> Option<Timestamp> {
    STARTED.get().copied()
}

/// Linux reports CPU time in units of 1/100 s on every architecture.
const TICKS_PER_SECOND: f64 = 100.0;

/// The metrics in the text format, without those that cannot be read.
pub fn text() -> String {
    let mut out = String::new();
    let read =
        |name: &str| std::fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
    let mut gauge = |name: &str, kind: &str, help: &str, value: Option<f64>| {
        if let Some(value) = value {
            let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
        }
    };
    // The name of the program stands in parentheses and can contain spaces.
    let stat = read("stat");
    let fields: Vec<&str> =
        stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let field = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok());
    let cpu = field(11).zip(field(12)).map(|(user, system)| (user + system) / TICKS_PER_SECOND);
    gauge(
        "process_cpu_seconds_total",
        "counter",
        "Total user and system CPU time spent in seconds.",
        cpu,
    );
    gauge("process_threads", "gauge", "Number of OS threads in the process.", field(17));
    gauge("process_virtual_memory_bytes", "gauge", "Virtual memory size in bytes.", field(20));
    let status = read("status");
    let resident = status.lines().find_map(|line| {
        line.strip_prefix("VmRSS:")?.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()
    });
    gauge(
        "process_resident_memory_bytes",
        "gauge",
        "Resident memory size in bytes.",
        resident.map(|kib| kib * 1024.0),
    );
    #[expect(clippy::cast_precision_loss, reason = "a number of descriptors")]
    let open = std::fs::read_dir("/proc/self/fd").ok().map(|entries| entries.count() as f64 - 1.0);
    gauge("process_open_fds", "gauge", "Number of open file descriptors.", open);
    let limits = read("limits");
    let most = limits.lines().find_map(|line| {
        line.strip_prefix("Max open files")?.split_whitespace().next()?.parse::<f64>().ok()
    });
    gauge("process_max_fds", "gauge", "Maximum number of open file descriptors.", most);
    gauge(
        "process_start_time_seconds",
        "gauge",
        "Start time of the process since unix epoch in seconds.",
        start().map(unix_seconds),
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linux_provides_every_process_metric() {
        started(Timestamp::now());
        let text = text();
        for name in [
            "cpu_seconds_total", "threads", "virtual_memory_bytes", "resident_memory_bytes",
            "open_fds", "max_fds", "start_time_seconds",
        ] {
            assert!(text.contains(&format!("\nprocess_{name} ")), "{name} in {text}");
        }
    }
}
