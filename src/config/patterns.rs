//! The files that a path or a pattern in a configuration names.

use std::path::{Path, PathBuf};

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
pub fn matches(folder: &Path, text: &str) -> Result<Vec<PathBuf>, String> {
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
        std::fs::read_dir(parent)
            .map_err(|error| format!("cannot look into {}: {error}", parent.display()))?;
    }
    let found =
        glob::glob(&pattern).map_err(|error| format!("{text:?} is no path or pattern: {error}"))?;
    let mut paths = Vec::new();
    for path in found {
        let path = path.map_err(|error| {
            format!("cannot look into {}: {}", error.path().display(), error.error())
        })?;
        if !path.is_dir() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}
