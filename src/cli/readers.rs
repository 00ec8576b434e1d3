//! Whether everybody on this host can read a file.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::fs::{StatVfsMountFlags, statvfs};

/// Whether every user of this host can read the file. A container has no users of its own, and who
/// has mounted a directory read-only has decided who can read it.
pub fn everybody_reads(path: &Path) -> bool {
    !is_container() && is_open(path)
}

/// Whether this is a container of Docker, Podman or Kubernetes.
fn is_container() -> bool {
    std::env::var_os("KUBERNETES_SERVICE_HOST").is_some()
        || ["/.dockerenv", "/run/.containerenv"].iter().any(|file| Path::new(file).exists())
}

/// Whether the file is readable for all and each folder above it lets all enter, where this system
/// can change that. A link leads to the file that counts.
pub fn is_open(path: &Path) -> bool {
    let has = |path: &Path, bit: u32| {
        path.metadata().is_ok_and(|meta| meta.permissions().mode() & bit != 0)
    };
    let is_read_only =
        |path: &Path| statvfs(path).is_ok_and(|it| it.f_flag.contains(StatVfsMountFlags::RDONLY));
    path.canonicalize().is_ok_and(|path| {
        has(&path, 0o004)
            && path.ancestors().skip(1).all(|folder| has(folder, 0o001))
            && !is_read_only(&path)
    })
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_file_is_open_only_when_each_folder_above_it_is() {
        // Everybody can enter this folder on every system.
        let place = tempfile::tempdir_in("/tmp").expect("a folder");
        let folder = place.path().join("secrets");
        let (file, link) = (folder.join("key"), place.path().join("link"));
        std::fs::create_dir(&folder).expect("created");
        std::fs::write(&file, "s3cret").expect("written");
        symlink(&file, &link).expect("linked");
        for (modes, is_readable) in [
            ([0o755, 0o755, 0o644], true),
            ([0o711, 0o711, 0o604], true),
            ([0o755, 0o755, 0o640], false),
            ([0o755, 0o700, 0o644], false),
            ([0o750, 0o755, 0o644], false),
        ] {
            for (path, mode) in [place.path(), &folder, &file].into_iter().zip(modes) {
                set_permissions(path, Permissions::from_mode(mode)).expect("set");
            }
            assert_eq!([is_open(&file), is_open(&link)], [is_readable; 2], "{modes:?}");
        }
        assert!(!is_open(&folder.join("missing")));
    }
}
