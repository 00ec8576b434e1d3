//! The person at the terminal: questions, answers, and answers that nobody may see.

use std::io::{self, BufRead, ErrorKind, Read, Write};

use secrecy::zeroize::Zeroizing;
use serde::de::IgnoredAny;

use crate::files;

/// The longest line, in bytes. A terminal of Linux cuts a line after 4,095 bytes and tells nobody.
const LONGEST_LINE: usize = 4_094;

/// The largest secret, in bytes.
const LARGEST: usize = 64 * 1024;
const _: () = assert!(LARGEST as u64 == files::SECRET);

const TOO_LONG: &str = "This is too long for a terminal, which cuts lines. Write it into a file, \
                        and type @ and its path.";
const SEVERAL_LINES: &str = "More came behind the end of this secret, and nothing of it is kept. \
                             Try again, or write the secret into a file, and type @ and its path.";

/// What a terminal does beside passing text.
pub trait Terminal {
    /// Shows or hides what the person types.
    fn echo(&self, shown: bool);
    /// Takes away everything that was typed or pasted and is not read yet. Whether it was more than
    /// blanks.
    fn drain(&self) -> bool;
}

/// The person at the terminal.
pub struct Person<'a> {
    pub input: &'a mut dyn BufRead,
    pub out: &'a mut dyn Write,
    pub terminal: &'a dyn Terminal,
}

const BLANK: &str = "This needs an answer. Ctrl-C stops, and nothing is written.";

impl Person<'_> {
    pub fn say(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{text}")
    }

    fn question(&mut self, text: &str) -> io::Result<()> {
        write!(self.out, "{text}")?;
        self.out.flush()
    }

    /// One line without the blanks around it.
    pub fn ask(&mut self, question: &str) -> io::Result<Zeroizing<String>> {
        loop {
            self.question(question)?;
            match self.line()? {
                Some(line) => return Ok(line),
                None => self.say(TOO_LONG)?,
            }
        }
    }

    /// An answer that is not empty.
    pub fn ask_again(&mut self, question: &str) -> io::Result<Zeroizing<String>> {
        loop {
            let answer = self.ask(question)?;
            if !answer.is_empty() {
                return Ok(answer);
            }
            self.say(BLANK)?;
        }
    }

    /// A secret that is not empty: one line, a key in PEM, or a JSON object. It is not shown.
    pub fn ask_hidden(&mut self, question: &str) -> io::Result<Zeroizing<String>> {
        loop {
            self.terminal.echo(false);
            let secret = self.question(question).and_then(|()| self.secret());
            // The terminal would show the rest of a paste, and the shell would run it.
            let has_rest = self.terminal.drain();
            self.terminal.echo(true);
            match secret? {
                None => self.say(TOO_LONG)?,
                Some(_) if has_rest => self.say(SEVERAL_LINES)?,
                Some(secret) if !secret.is_empty() => return Ok(secret),
                Some(_) => self.say(BLANK)?,
            }
        }
    }

    /// Ends the dialogue. What was pasted and not read must not become a command of the shell.
    pub fn leave(&self) {
        self.terminal.echo(false);
        self.terminal.drain();
        self.terminal.echo(true);
    }

    /// The lines of a secret; `None` when it is too long.
    fn secret(&mut self) -> io::Result<Option<Zeroizing<String>>> {
        // One allocation: growing would leave copies behind.
        let mut text = Zeroizing::new(String::with_capacity(LARGEST));
        loop {
            let Some(line) = self.line()? else { return Ok(None) };
            if text.len() + line.len() >= LARGEST {
                return Ok(None);
            }
            text.push_str(&line);
            if !goes_on(&text) {
                return Ok(Some(text));
            }
            text.push('\n');
        }
    }

    /// The next line without the blanks around it; `None` when the terminal may have cut it.
    fn line(&mut self) -> io::Result<Option<Zeroizing<String>>> {
        let mut line = Zeroizing::new(String::with_capacity(LONGEST_LINE + 2));
        if self.input.take(files::SECRET).read_line(&mut line)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let is_whole = line.trim_end_matches(['\r', '\n']).len() <= LONGEST_LINE;
        Ok(is_whole.then(|| Zeroizing::new(line.trim().to_owned())))
    }
}

/// Whether a secret of several lines has not reached its end.
fn goes_on(text: &str) -> bool {
    if text.starts_with("-----BEGIN ") {
        return !text.contains("-----END ");
    }
    text.starts_with('{')
        && serde_json::from_str::<IgnoredAny>(text).is_err_and(|error| error.is_eof())
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    /// Notes what is done with the terminal. `rest` says how often it has more text.
    #[derive(Default)]
    struct Noted {
        steps: RefCell<Vec<&'static str>>,
        rest: Cell<usize>,
    }

    impl Terminal for Noted {
        fn echo(&self, shown: bool) {
            self.steps.borrow_mut().push(if shown { "show" } else { "hide" });
        }

        fn drain(&self) -> bool {
            self.steps.borrow_mut().push("drain");
            let rest = self.rest.get();
            self.rest.set(rest.saturating_sub(1));
            rest > 0
        }
    }

    /// The secret of these lines, and the sentences that the person read.
    fn typed(lines: &str, terminal: &Noted) -> (io::Result<Zeroizing<String>>, String) {
        let (mut input, mut out) = (lines.as_bytes(), Vec::new());
        let secret = Person { input: &mut input, out: &mut out, terminal }.ask_hidden("? ");
        (secret, String::from_utf8(out).expect("text"))
    }

    #[test]
    fn a_pasted_secret_is_read_to_its_end_while_it_is_hidden() {
        let pem = "-----BEGIN PRIVATE KEY-----\nMIIE\n\nvQ==\n-----END PRIVATE KEY-----";
        let json = "{\n\"key\": \"a}\\n\",\n\"of\": {\n}\n}";
        for secret in [pem, json, "{\"a\": 1}", "{braces}", "-----BEGINNING", "a b"] {
            let terminal = Noted::default();
            let (read, shown) = typed(&format!("  {secret}\r\nnext\n"), &terminal);
            assert_eq!((&**read.expect("a secret"), &*shown), (secret, "? "));
            assert_eq!(*terminal.steps.borrow(), ["hide", "drain", "show"]);
        }
    }

    #[test]
    fn a_secret_that_may_be_cut_is_asked_again() {
        let member = format!("\"a\": \"{}\",\n", "x".repeat(3_992));
        for (lines, rest, told) in [
            (format!("{}\nshort\n", "x".repeat(4_095)), 0, TOO_LONG),
            (format!("{{\n{}short\n", member.repeat(17)), 0, TOO_LONG),
            ("first\nshort\n".to_owned(), 1, SEVERAL_LINES),
        ] {
            let terminal = Noted { rest: Cell::new(rest), ..Noted::default() };
            let (read, shown) = typed(&lines, &terminal);
            assert_eq!(shown, format!("? {told}\n? "));
            assert!(read.is_ok_and(|secret| *secret == "short"), "{told}");
        }
        let longest = "x".repeat(4_094);
        let (read, _) = typed(&format!("{longest}\n"), &Noted::default());
        assert!(read.is_ok_and(|secret| *secret == longest));
    }

    #[test]
    fn the_terminal_shows_again_what_is_typed_when_the_input_ends() {
        let terminal = Noted::default();
        let (read, _) = typed("-----BEGIN PRIVATE KEY-----\nMIIE\n", &terminal);
        assert_eq!(read.err().map(|error| error.kind()), Some(ErrorKind::UnexpectedEof));
        assert_eq!(*terminal.steps.borrow(), ["hide", "drain", "show"]);
    }
}
