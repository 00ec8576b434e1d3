//! The files that a path or a pattern in a configuration names.

use std::path::{Path, PathBuf};

use crate::diagnostic::{Sentence, Shown};

/// The absolute pattern of a text in a file of this folder.
pub fn pattern_in(folder: &Path, text: &str) -> String {
    if text.starts_with('/') || folder.as_os_str().is_empty() {
        text.to_owned()
    } else {
        format!("{}/{text}", glob::Pattern::escape(&folder.to_string_lossy()))
    }
}

/// The files that a path or pattern names. A path without `*`, `?` and `[` is returned even when no
/// such file exists.
pub fn matches(folder: &Path, text: &str) -> Result<Vec<PathBuf>, Sentence> {
    let literal = folder.join(text);
    if literal.exists() || !text.contains(['*', '?', '[']) {
        return Ok(vec![literal]);
    }
    let pattern = pattern_in(folder, text);
    // `glob` does not report a folder that cannot be read.
    let parent = Path::new(&pattern)
        .parent()
        .filter(|parent| !parent.to_string_lossy().contains(['*', '?', '[']));
    if let Some(parent) = parent.filter(|parent| !parent.as_os_str().is_empty())
        && parent.exists()
    {
        std::fs::read_dir(parent).map_err(|error| cannot_look(parent, text, &error))?;
    }
    let found = glob::glob(&pattern).map_err(|error| {
        Sentence::fill("this is no path or pattern: {}", [Shown::outside_of_files(error.msg)])
    })?;
    let mut paths = Vec::new();
    for path in found {
        let path = path.map_err(|error| cannot_look(error.path(), text, error.error()))?;
        if !path.is_dir() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn cannot_look(folder: &Path, written: &str, error: &std::io::Error) -> Sentence {
    let error = Shown::outside_of_files(error);
    Sentence::fill("cannot look into {}: {}", [Shown::path(folder, written), error])
}
