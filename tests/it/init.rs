//! `credwatch init` at a terminal.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};

use super::support::daemon::credwatch;
use super::support::wait_for;

const QUESTION: &str = "private_key (Private key in PEM whose public part the app has), not shown";

/// `credwatch init` with a terminal, and all that this terminal has shown.
struct Dialogue {
    child: Child,
    keyboard: File,
    line: File,
    shown: Arc<Mutex<String>>,
}

impl Dialogue {
    fn start(folder: &Path) -> Self {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&keyboard).and_then(|()| unlockpt(&keyboard)).expect("its other side");
        let name = ptsname(&keyboard, Vec::new()).expect("its name").into_string().expect("text");
        let line = File::options().read(true).write(true).open(name).expect("opened");
        let copy = || Stdio::from(line.try_clone().expect("the same terminal"));
        let child = credwatch()
            .arg("init")
            .current_dir(folder)
            .stdin(copy())
            .stdout(copy())
            .stderr(copy())
            .spawn()
            .expect("it starts");
        let keyboard = File::from(keyboard);
        let shown = Arc::new(Mutex::new(String::new()));
        let (mut screen, copy) = (keyboard.try_clone().expect("a copy"), Arc::clone(&shown));
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(length @ 1..) = screen.read(&mut bytes) {
                let text = String::from_utf8_lossy(&bytes[..length]);
                copy.lock().expect("not poisoned").push_str(&text);
            }
        });
        Self { child, keyboard, line, shown }
    }

    fn shown(&self) -> String {
        self.shown.lock().expect("not poisoned").clone()
    }

    /// Waits until this question was asked so many times, and answers it.
    fn answer(&mut self, question: &str, times: usize, text: &str) {
        wait_for(&format!("{question} in {}", self.shown()), || {
            (self.shown().matches(question).count() == times).then_some(())
        });
        self.keyboard.write_all(text.as_bytes()).expect("typed");
    }

    /// Answers all questions before that for the key.
    fn answer_until_the_key(&mut self) {
        for (question, answer) in [
            ("Which vendor or API?", "okta\n"),
            ("Its number, or other words: ", "okta\n"),
            ("Its name in alerts", "app\n"),
            ("base_url (", "http://127.0.0.1:1\n"),
            ("scope (", "a\n"),
            ("client_id (", "the-client\n"),
        ] {
            self.answer(question, 1, answer);
        }
    }

    /// What a shell would read from the terminal after the end of the command.
    fn left_for_the_shell(&mut self) -> String {
        wait_for("the end of the command", || self.child.try_wait().expect("its status"));
        let mut modes = tcgetattr(&self.line).expect("a terminal");
        modes.local_modes.remove(LocalModes::ICANON);
        modes.special_codes[SpecialCodeIndex::VMIN] = 0;
        modes.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(&self.line, OptionalActions::Now, &modes).expect("set");
        let mut left = String::new();
        self.line.read_to_string(&mut left).expect("text");
        left
    }
}

#[test]
fn a_pasted_key_is_stored_whole_and_never_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut dialogue = Dialogue::start(folder.path());
    dialogue.answer_until_the_key();
    let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n".repeat(80);
    let key = format!("-----BEGIN PRIVATE KEY-----\n{body}-----END PRIVATE KEY-----");
    // More than the key is a mistake, and none of it may get to the shell.
    dialogue.answer(QUESTION, 1, &format!("{key}\n{key}\ntouch pwned\n"));
    dialogue.answer("nothing of it is kept", 1, "");
    dialogue.answer(QUESTION, 2, &format!("{key}\n"));
    assert_eq!(dialogue.left_for_the_shell(), "");
    let shown = dialogue.shown();
    assert!(!shown.contains("MIIE") && !shown.contains("pwned"), "{shown}");
    let file = folder.path().join("secrets/app-private-key");
    assert_eq!(std::fs::read_to_string(file).expect("written"), key);
}

#[test]
fn a_line_that_the_terminal_cuts_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut dialogue = Dialogue::start(folder.path());
    dialogue.answer_until_the_key();
    dialogue.answer(QUESTION, 1, &format!("{}\n", "x".repeat(5_000)));
    dialogue.answer("too long for a terminal", 1, "");
    // The end of the input: nothing is written.
    dialogue.answer(QUESTION, 2, "\u{4}");
    assert_eq!(dialogue.left_for_the_shell(), "");
    assert!(dialogue.shown().contains("nothing is written"), "{}", dialogue.shown());
    assert!(!folder.path().join("secrets").exists());
}
