//! The text of a file, and which parts of it a fault may show.

use std::ops::Range;
use std::sync::{Mutex, OnceLock, PoisonError};

use secrecy::zeroize::Zeroize as _;

use super::outline::{Outline, Piece};

/// Makes the outline of a text.
type Maker = Box<dyn Fn(&str) -> Outline + Send + Sync>;

/// The text of a file with its name. It can hold secrets, so only parts of it are shown.
pub struct Source {
    /// The path as the user gave it, or `<built-in NAME>`.
    pub name: String,
    /// The whole text.
    pub text: String,
    /// The line of the file, counted from 0, and the byte at which the text begins.
    start: (usize, usize),
    /// The byte at which each line begins.
    lines: OnceLock<Vec<usize>>,
    /// Which parts may be shown; nothing until a reader sets it.
    outline: OnceLock<Outline>,
    /// Makes the outline when a fault is shown, so that a file without faults costs nothing.
    maker: OnceLock<Maker>,
    /// Further byte ranges that may be shown.
    revealed: Mutex<Vec<Range<usize>>>,
}

impl Source {
    /// A text with this name. Faults show nothing of it until it has an outline.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            text: text.into(),
            start: (0, 0),
            lines: OnceLock::new(),
            outline: OnceLock::new(),
            maker: OnceLock::new(),
            revealed: Mutex::default(),
        }
    }

    /// The piece of this text that begins with the line `line`, counted from 0, as a text of its
    /// own. Its faults have their places in the file.
    #[must_use]
    pub fn piece(&self, range: Range<usize>, line: usize) -> Self {
        let mut piece = Self::new(&*self.name, &self.text[range.clone()]);
        piece.start = (self.start.0 + line, self.start.1 + range.start);
        piece
    }

    /// The line of the file, counted from 0, and the byte at which the text begins.
    pub(super) fn start(&self) -> (usize, usize) {
        self.start
    }

    /// Sets which parts may be shown. The first outline counts.
    pub fn set_outline(&self, outline: Outline) {
        let _ = self.outline.set(outline);
    }

    /// As [`Source::set_outline`], when a fault is shown.
    pub fn make_outline_with(&self, maker: impl Fn(&str) -> Outline + Send + Sync + 'static) {
        let _ = self.maker.set(Box::new(maker));
    }

    /// Allows faults to show these bytes of a value.
    pub fn reveal(&self, place: Range<usize>) {
        self.revealed.lock().unwrap_or_else(PoisonError::into_inner).push(place);
    }

    /// The line that contains a byte, counted from 0, and the byte at which it begins.
    pub(super) fn line(&self, byte: usize) -> (usize, usize) {
        let starts = self.lines.get_or_init(|| {
            std::iter::once(0)
                .chain(self.text.match_indices('\n').map(|(place, _)| place + 1))
                .collect()
        });
        let line = starts.partition_point(|start| *start <= byte).saturating_sub(1);
        (line, starts[line])
    }

    /// The parts of a line around the byte `near` as they are shown.
    pub(super) fn pieces(&self, line: Range<usize>, near: usize) -> Vec<Piece> {
        let revealed = self.revealed.lock().unwrap_or_else(PoisonError::into_inner);
        let outline = match (self.outline.get(), self.maker.get()) {
            (None, Some(maker)) => Some(self.outline.get_or_init(|| maker(&self.text))),
            (known, _) => known,
        };
        match outline {
            Some(outline) => outline.pieces(&self.text, line, near, &revealed),
            None if line.is_empty() => Vec::new(),
            None => vec![Piece { place: line, verbatim: false }],
        }
    }
}

/// Wipes the text.
impl Drop for Source {
    fn drop(&mut self) {
        self.text.zeroize();
    }
}

/// The largest boundary of a character that is not behind `index`.
pub(super) fn floor_char_boundary(text: &str, index: usize) -> usize {
    let mut index = index.min(text.len());
    while !text.is_char_boundary(index) {
        index -= 1;
    }
    index
}
