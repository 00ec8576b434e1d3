//! The terminal of standard input.

use std::io::stdin;

use rustix::io::read;
use rustix::termios::{
    LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, tcflush, tcgetattr, tcsetattr,
};
use secrecy::zeroize::Zeroizing;

use super::person::Terminal;

/// How long nothing comes at the end of a paste, in tenths of a second.
const QUIET: u8 = 1;

/// The terminal of standard input.
pub struct Stdin;

impl Terminal for Stdin {
    fn echo(&self, shown: bool) {
        let input = stdin();
        let Ok(mut modes) = tcgetattr(&input) else { return };
        modes.local_modes.set(LocalModes::ECHO, shown);
        // The end of the line is shown, so that the next question has a line of its own.
        modes.local_modes.set(LocalModes::ECHONL, !shown);
        let _ = tcsetattr(&input, OptionalActions::Now, &modes);
    }

    fn drain(&self) -> bool {
        let input = stdin();
        let Ok(modes) = tcgetattr(&input) else { return false };
        let mut at_once = modes.clone();
        // The last line of a paste may have no end, and a paste can come in several parts.
        at_once.local_modes.remove(LocalModes::ICANON);
        at_once.special_codes[SpecialCodeIndex::VMIN] = 0;
        at_once.special_codes[SpecialCodeIndex::VTIME] = QUIET;
        let mut was_more = false;
        if tcsetattr(&input, OptionalActions::Now, &at_once).is_ok() {
            let mut bytes = Zeroizing::new([0; 1024]);
            while let Ok(length @ 1..) = read(&input, &mut bytes[..]) {
                was_more |= !bytes[..length].trim_ascii().is_empty();
            }
        }
        let _ = tcsetattr(&input, OptionalActions::Now, &modes);
        let _ = tcflush(&input, QueueSelector::IFlush);
        was_more
    }
}
