//! Hides what a person types.

use std::io::stdin;

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

/// Shows or hides what the person types at the terminal of standard input.
pub fn echo(shown: bool) {
    let input = stdin();
    let Ok(mut modes) = tcgetattr(&input) else { return };
    modes.local_modes.set(LocalModes::ECHO, shown);
    // The end of the line is shown, so that the next question has a line of its own.
    modes.local_modes.set(LocalModes::ECHONL, !shown);
    let _ = tcsetattr(&input, OptionalActions::Now, &modes);
}
