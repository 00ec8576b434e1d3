//! Reads a large file in pieces, one after the other. What is read of a whole file takes up to
//! twenty times its size, and the allocator would not give that memory back.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::Builder;

use super::load::Loader;
use super::parsed::{Names, Parsed, Role, Unread, has_too_many_values};
use super::resolve::Resolver;
use crate::diagnostic::Source;
use crate::plan::Plan;

/// The least size of a piece, in bytes.
const PIECE: usize = 64 * 1024;

const THREAD_NAME: &str = "credwatch-read";

const HEADER: &str = "[providers.";

/// Where a text may be cut: before a header of a provider, when each header is one of a provider
/// from the first one on. `None` for another text, and for one that is small or too large.
///
/// A line of an array or of a text can begin like a header. Then the piece before it has no end,
/// which is a fault.
fn pieces(text: &str) -> Option<Vec<Range<usize>>> {
    if text.len() < 2 * PIECE || has_too_many_values(text) {
        return None;
    }
    let mut at = if text.starts_with(HEADER) { 0 } else { text.find(&format!("\n{HEADER}"))? + 1 };
    let mut pieces = Vec::with_capacity(2 + text.len() / PIECE);
    pieces.push(0..at);
    let (mut start, mut previous) = (at, "");
    for line in text[at..].split_inclusive('\n') {
        if line.trim_start().starts_with('[') {
            let name = line.strip_prefix(HEADER)?;
            let name = &name[..name.find(['.', ']'])?];
            if name != previous && at - start >= PIECE {
                pieces.push(start..at);
                start = at;
            }
            previous = name;
        }
        at += line.len();
    }
    pieces.push(start..at);
    Some(pieces)
}

impl Parsed {
    /// A piece of a text; `None` when it has faults or tables that belong into another piece.
    fn piece(source: Source, folder: &Path, is_first: bool) -> Option<Self> {
        let (parsed, faults) = Self::read(&Arc::new(source), folder);
        let belongs = |name: &str| (name == "providers") != is_first;
        let fits = faults.is_empty() && parsed.top.iter().all(|(name, _)| belongs(name));
        fits.then_some(parsed)
    }
}

impl Loader {
    /// Reads the main file. Its providers may be left for later.
    pub(super) fn begin(&mut self, source: Arc<Source>, path: &Path) -> (Parsed, Option<Unread>) {
        let folder = path.parent().unwrap_or(Path::new(""));
        let head = pieces(&source.text)
            .and_then(|pieces| Parsed::piece(source.piece(pieces[0].clone(), 0), folder, true));
        match head {
            Some(head) => (head, Some(Unread { source, path: path.to_owned(), role: Role::Main })),
            None => (self.parse(&source, path, Role::Main), None),
        }
    }

    /// Reads the providers of a file and adds them to the plan.
    pub(super) fn resolve_unread(
        &mut self,
        unread: &Unread,
        resolver: &mut Resolver<'_>,
        names: &mut Names,
        plan: &mut Plan,
    ) {
        let file: Arc<str> = unread.source.name.as_str().into();
        let (faults, providers) = (self.faults.len(), plan.providers.len());
        if self.resolve_pieces(unread, &file, resolver, names, plan).is_none() {
            self.faults.truncate(faults);
            plan.providers.truncate(providers);
            names.retain(|_, other| !Arc::ptr_eq(other, &file));
            resolver.forget_rehearsals();
            let whole = self.parse(&unread.source, &unread.path, unread.role);
            self.resolve(&whole, &file, resolver, names, plan);
        }
    }

    /// As [`Loader::resolve_unread`]; `None` when the file has to be read as a whole, because it
    /// has faults or is not written in this order.
    fn resolve_pieces(
        &mut self,
        unread: &Unread,
        file: &Arc<str>,
        resolver: &mut Resolver<'_>,
        names: &mut Names,
        plan: &mut Plan,
    ) -> Option<()> {
        let Unread { source, path, role } = unread;
        let folder = path.parent().unwrap_or(Path::new(""));
        let pieces = pieces(&source.text)?;
        std::thread::scope(|scope| {
            let (sender, read) = sync_channel(1);
            let reading = move || {
                let mut line = 0;
                for (number, range) in pieces.into_iter().enumerate() {
                    let piece = source.piece(range, line);
                    line += piece.text.matches('\n').count();
                    if number == 0 && *role == Role::Main {
                        continue;
                    }
                    let parsed = Parsed::piece(piece, folder, number == 0);
                    let is_last = parsed.is_none();
                    // Sending fails when the file is read as a whole.
                    if sender.send(parsed).is_err() || is_last {
                        break;
                    }
                }
            };
            // The next piece is read while the providers of this one are resolved.
            Builder::new().name(THREAD_NAME.into()).spawn_scoped(scope, reading).ok()?;
            let mut has_secret = false;
            for parsed in read {
                let parsed = parsed?;
                let is_here = |name: &str| names.get(name).is_some_and(|of| Arc::ptr_eq(of, file));
                if parsed.file.providers.0.iter().any(|(name, _)| is_here(name.get_ref())) {
                    return None;
                }
                self.check_role(&parsed, *role);
                // One warning is enough for a file.
                has_secret = has_secret || self.check_permissions(&parsed, path);
                self.resolve(&parsed, file, resolver, names, plan);
            }
            Some(())
        })
    }
}
