//! A set of files that the daemon watches by reading their content. Time stamps would miss a
//! replaced symbolic link of a mounted config map, an editor's rename, and network file systems.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::files::{self, FileError};

/// A hash of the content of a set of files. Equal hashes mean equal files. Kept in memory only,
/// because it depends on secrets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest([u8; 32]);

/// A set of files, given by names and patterns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    paths: BTreeSet<PathBuf>,
    patterns: BTreeSet<String>,
}

impl Files {
    /// Adds a file, which need not exist yet.
    pub fn add(&mut self, path: &Path) {
        self.paths.insert(path.to_owned());
    }

    /// Adds all files that match a pattern, including files that appear later.
    pub fn add_pattern(&mut self, pattern: String) {
        self.patterns.insert(pattern);
    }

    /// Adds the files of another set.
    pub fn extend(&mut self, other: &Self) {
        self.paths.extend(other.paths.iter().cloned());
        self.patterns.extend(other.patterns.iter().cloned());
    }

    /// The hash of the current content. Reads all files.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut paths = self.paths.clone();
        for pattern in &self.patterns {
            // A folder that cannot be read now may be readable the next time.
            paths.extend(glob::glob(pattern).into_iter().flatten().flatten());
        }
        let mut digest = Sha256::new();
        for path in paths {
            digest.update(path.as_os_str().as_encoded_bytes());
            match add(&path, &mut digest) {
                Ok(length) => {
                    digest.update([1]);
                    digest.update(length.to_be_bytes());
                }
                Err(error) => {
                    // Another error is a change too: a reload would report it.
                    digest.update([0]);
                    digest.update(error.to_string());
                }
            }
        }
        Digest(digest.finalize().into())
    }

    /// The latest modification time of the files; `None` when no file has one.
    #[must_use]
    pub fn written(&self) -> Option<std::time::SystemTime> {
        let patterns =
            self.patterns.iter().filter_map(|pattern| glob::glob(pattern).ok()).flatten().flatten();
        self.paths
            .iter()
            .cloned()
            .chain(patterns)
            .filter_map(|path| std::fs::metadata(path).ok()?.modified().ok())
            .max()
    }
}

/// Adds the content of a file to the digest, and returns its length in bytes. Reads in pieces,
/// because this is done every second and a file can be large.
fn add(path: &Path, digest: &mut Sha256) -> Result<u64, FileError> {
    let (mut file, _) = files::open(path, files::CONFIGURATION)?;
    let mut piece = [0; 16 * 1024];
    let mut length = 0;
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(length),
            read => {
                digest.update(&piece[..read]);
                length += read as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_depends_on_content_and_not_on_times() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.toml");
        std::fs::write(&path, "one").expect("written");
        let mut files = Files::default();
        files.add(&path);
        files.add_pattern(format!("{}/conf.d/*.toml", folder.path().display()));
        let first = files.digest();
        std::fs::write(&path, "one").expect("written again");
        assert!(first == files.digest(), "the same content is the same");
        let stamp = std::fs::metadata(&path).and_then(|meta| meta.modified()).expect("a time");
        std::fs::write(&path, "two").expect("written");
        std::fs::File::options()
            .write(true)
            .open(&path)
            .and_then(|file| file.set_modified(stamp))
            .expect("the old time");
        let second = files.digest();
        assert!(first != second, "other content with the same time and length is another");
        std::fs::create_dir(folder.path().join("conf.d")).expect("made");
        std::fs::write(folder.path().join("conf.d/new.toml"), "").expect("written");
        let third = files.digest();
        assert!(second != third, "a file that newly matches");
        std::fs::remove_file(&path).expect("removed");
        assert!(third != files.digest(), "a file that is gone");
    }

    #[test]
    fn a_replaced_symbolic_link_changes_the_digest() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in [("v1", "one"), ("v2", "two")] {
            std::fs::create_dir(folder.path().join(name)).expect("made");
            std::fs::write(folder.path().join(name).join("c.toml"), text).expect("written");
        }
        let link = folder.path().join("..data");
        std::os::unix::fs::symlink("v1", &link).expect("linked");
        std::os::unix::fs::symlink("..data/c.toml", folder.path().join("c.toml")).expect("linked");
        let mut files = Files::default();
        files.add(&folder.path().join("c.toml"));
        let before = files.digest();
        let new_link = folder.path().join("..data_tmp");
        std::os::unix::fs::symlink("v2", &new_link).expect("linked");
        std::fs::rename(new_link, link).expect("replaced");
        assert!(before != files.digest());
    }
}
