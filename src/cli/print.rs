//! What the commands print, and their exit statuses.

use tracing::Level;

use crate::diagnostic::{Fault, Severity};
use crate::logging;

/// Exit status when the configuration is wrong (`EX_CONFIG` of sysexits.h).
pub const EXIT_CONFIG: u8 = 78;

/// More faults than anybody reads at once.
const MOST_SHOWN: usize = 100;

/// Prints faults to standard error, and how many there are.
pub fn complain(faults: &[Fault]) {
    use std::io::Write;
    let mut out = std::io::stderr().lock();
    let mut write = |severity: Severity, text: &str| {
        let mark = logging::journal_prefix(if severity == Severity::Error {
            Level::ERROR
        } else {
            Level::WARN
        });
        for line in text.lines() {
            let _ = writeln!(out, "{mark}{line}");
        }
    };
    for fault in faults.iter().take(MOST_SHOWN) {
        write(fault.severity, &format!("{fault}\n"));
    }
    if faults.len() > MOST_SHOWN {
        write(Severity::Warning, &format!("… and {} more\n\n", faults.len() - MOST_SHOWN));
    }
    let errors = faults.iter().filter(|fault| fault.severity == Severity::Error).count();
    let count = |number: usize, word: &str| {
        format!("{number} {word}{}", if number == 1 { "" } else { "s" })
    };
    let worst = if errors > 0 { Severity::Error } else { Severity::Warning };
    write(
        worst,
        &format!("{}, {}", count(errors, "error"), count(faults.len() - errors, "warning")),
    );
}

/// Prints to standard output; a reader that has gone, such as `head`, is no error.
pub fn say(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
