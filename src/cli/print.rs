//! How the commands print.

use tracing::Level;

use crate::diagnostic::{Fault, Severity};
use crate::logging;

/// The most faults that are printed.
const MOST_SHOWN: usize = 100;

/// Prints faults and their number to standard error.
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
    let worst = if errors > 0 { Severity::Error } else { Severity::Warning };
    let warnings = counted(faults.len() - errors, "warning");
    write(worst, &format!("{}, {warnings}", counted(errors, "error")));
}

/// A number with its noun: `1 error`, `2 errors`.
pub fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Prints to standard output. A closed pipe, as with `head`, is no error.
pub fn say(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
