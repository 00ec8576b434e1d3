//! How the commands print. Nothing else writes to a terminal, so no text from outside can control
//! it: every text is escaped here.

use std::io::{IsTerminal, Write};

use tracing::Level;

use crate::diagnostic::{Fault, Severity};
use crate::logging;
use crate::printable::{printable, printable_lines};

/// The most faults that are printed.
const MOST_SHOWN: usize = 100;

/// Prints faults and their number to standard error.
pub fn complain(faults: &[Fault]) {
    let mut out = std::io::stderr().lock();
    let mut write = |severity: Severity, text: &str| {
        let mark = logging::journal_prefix(if severity == Severity::Error {
            Level::ERROR
        } else {
            Level::WARN
        });
        for line in printable_lines(text).lines() {
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

/// Prints `error: …` to standard error.
pub fn complain_of(problem: &str) {
    let text = format!("error: {problem}");
    let _ = writeln!(std::io::stderr().lock(), "{}", printable_lines(&text));
}

/// Prints a line beside the result to standard error.
pub fn note(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", printable_lines(text));
}

/// Replaces the current line of the terminal on standard error; does nothing without a terminal.
pub fn rewrite_line(text: &str) {
    let mut out = std::io::stderr().lock();
    if out.is_terminal() {
        let _ = write!(out, "\r{}\u{1b}[K", printable(text));
        let _ = out.flush();
    }
}

/// Empties that line.
pub fn erase_line() {
    rewrite_line("");
}

/// A number with its noun: `1 error`, `2 errors`.
pub fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Standard output for a dialogue. A text is shown at once, also without a line break at its end.
pub struct Screen;

impl Write for Screen {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        let shown = String::from_utf8_lossy(text);
        let mut out = std::io::stdout().lock();
        out.write_all(printable_lines(&shown).as_bytes())?;
        out.flush()?;
        Ok(text.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Prints to standard output. A closed pipe, as with `head`, is no error.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{}", printable_lines(text));
}

/// A style of a part of a text. In the text it is a control character, which [`say_styled`]
/// replaces.
#[derive(Clone, Copy)]
pub enum Style {
    Head = 1,
    Dim = 2,
    Good = 3,
    Bad = 4,
}

/// Ends a styled part.
const PLAIN: char = '\u{5}';

/// The codes of the styles, and of the end of a styled part.
const CODES: [(char, &str); 5] =
    [('\u{1}', "1"), ('\u{2}', "2"), ('\u{3}', "1;32"), ('\u{4}', "1;31"), (PLAIN, "0")];

impl Style {
    /// The part in this style.
    pub fn paint(self, text: &str) -> String {
        format!("{}{text}{PLAIN}", char::from(self as u8))
    }
}

/// Prints a text with styled parts to standard output, with colours on a terminal.
pub fn say_styled(text: &str) {
    let colours = std::io::stdout().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let _ = writeln!(std::io::stdout().lock(), "{}", styled(text, colours));
}

/// Width and height of the terminal of standard output, in characters; `None` without a terminal.
pub fn window() -> Option<(usize, usize)> {
    let out = std::io::stdout();
    let size = out.is_terminal().then(|| rustix::termios::tcgetwinsize(&out).ok()).flatten()?;
    // Some terminals do not know their size.
    let known = |size: u16, default: usize| if size == 0 { default } else { size.into() };
    Some((known(size.ws_col, 80), known(size.ws_row, 24)))
}

/// Replaces what the terminal shows by these lines, in one step, so that nothing flickers.
pub fn redraw(lines: &[String]) {
    let colours = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let mut text = "\u{1b}[H".to_owned();
    for line in lines {
        text.push_str(&styled(line, colours));
        text.push_str("\u{1b}[K\n");
    }
    text.push_str("\u{1b}[J");
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}

fn styled(text: &str, colours: bool) -> String {
    let is_mark = |character: char| CODES.iter().any(|(mark, _)| *mark == character);
    let mut shown = String::with_capacity(text.len());
    for part in text.split_inclusive(is_mark) {
        let mark = part.chars().next_back().filter(|last| is_mark(*last));
        shown.push_str(&printable_lines(part.trim_end_matches(is_mark)));
        let code = mark.and_then(|mark| CODES.iter().find(|(known, _)| *known == mark));
        if let Some((_, code)) = code.filter(|_| colours) {
            shown.push_str(&format!("\u{1b}[{code}m"));
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_styles_reach_a_terminal() {
        let text = format!("{} a\u{1b}[2J\n{}", Style::Good.paint("OK"), Style::Head.paint("b"));
        assert_eq!(styled(&text, true), "\u{1b}[1;32mOK\u{1b}[0m a\\u001b[2J\n\u{1b}[1mb\u{1b}[0m");
        assert_eq!(styled(&text, false), "OK a\\u001b[2J\nb");
    }
}
