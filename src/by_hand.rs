//! The command line with which a person probes a provider, where this daemon runs.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf, absolute};

use crate::files;
use crate::printable::is_deceptive;
use crate::provider::Slot;

/// The configuration of the service. Commands find it without `--config.file`.
pub const SERVICE_FILE: &str = "/etc/credwatch/credwatch.toml";

/// The unit whose systemd credentials commands find by themselves.
const SERVICE_UNIT: &str = "credwatch.service";

/// Where Kubernetes tells a pod the name of its namespace.
const NAMESPACE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// The name of the program.
const NAME: &str = "credwatch";

/// The most bytes of the files that tell about the surroundings.
const LONGEST: u64 = 4_096;

/// What decides the command line of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Surroundings {
    /// A service of systemd, by the name of its unit.
    Service(String),
    /// A pod, by its name; its namespace if that is known.
    Pod(String, Option<String>),
    /// Any other program.
    Program,
}

/// How a person runs `credwatch probe` for the providers of this daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByHand {
    surroundings: Surroundings,
    /// The path of the program; `None` when a shell finds it by its name.
    program: Option<PathBuf>,
    /// The configuration as an absolute path; `None` when it is not told.
    file: Option<PathBuf>,
}

/// A program with the configuration of the service.
impl Default for ByHand {
    fn default() -> Self {
        Self { surroundings: Surroundings::Program, program: None, file: Some(SERVICE_FILE.into()) }
    }
}

impl ByHand {
    /// For the daemon that this process is, with this configuration.
    #[must_use]
    pub fn here(file: &Path) -> Self {
        let text = |path: &str| files::read_text(Path::new(path), LONGEST).ok();
        let called = std::env::args_os().next().map(PathBuf::from);
        let program = std::env::current_exe().ok().and_then(|program| {
            let path = std::env::var_os("PATH").unwrap_or_default();
            unless_found(&program, called.as_deref(), &path)
        });
        Self { program, ..Self::of(file, |name| std::env::var(name).ok(), text) }
    }

    /// `variable` returns a variable of the environment, and `text` the content of a file.
    fn of(
        file: &Path,
        variable: impl Fn(&str) -> Option<String>,
        text: impl Fn(&str) -> Option<String>,
    ) -> Self {
        let told = |name: &str| variable(name).filter(|value| !value.is_empty());
        let surroundings = if told("KUBERNETES_SERVICE_HOST").is_some() {
            let namespace = told("POD_NAMESPACE").or_else(|| text(NAMESPACE));
            let namespace = namespace.map(|name| name.trim().to_owned());
            let pod = told("HOSTNAME").unwrap_or_else(|| "POD".to_owned());
            Surroundings::Pod(pod, namespace)
        } else {
            // The programs of a desktop have the variable too, but no unit of this kind.
            let of_credentials = || {
                let directory = told("CREDENTIALS_DIRECTORY")?;
                let name = directory.rsplit('/').next()?;
                name.ends_with(".service").then(|| name.to_owned())
            };
            let of_group = || unit(&text("/proc/self/cgroup")?);
            let notified = || told("NOTIFY_SOCKET").map(|_| SERVICE_UNIT.to_owned());
            told("INVOCATION_ID")
                .and_then(|_| of_credentials().or_else(of_group).or_else(notified))
                .map_or(Surroundings::Program, Surroundings::Service)
        };
        let file = Some(absolute(file).unwrap_or_else(|_| file.to_owned()));
        Self { surroundings, program: None, file }
    }

    /// The same without the paths of the operator, for readers who may not know it.
    #[must_use]
    pub fn without_path(self) -> Self {
        let file = self.file.filter(|file| file == Path::new(SERVICE_FILE));
        Self { program: None, file, ..self }
    }

    /// The command line that explains a probe of this provider.
    #[must_use]
    pub fn line(&self, provider: &str, slot: Slot) -> String {
        let mut line = match &self.surroundings {
            Surroundings::Service(unit) if unit == SERVICE_UNIT => "sudo ".to_owned(),
            Surroundings::Service(unit) => {
                let directory = shell_word(&format!("/run/credentials/{unit}"));
                format!("sudo env CREDENTIALS_DIRECTORY={directory} ")
            }
            Surroundings::Pod(pod, namespace) => {
                let namespace = namespace.as_deref().unwrap_or("NAMESPACE");
                format!("kubectl exec -n {} {} -- ", shell_word(namespace), shell_word(pod))
            }
            Surroundings::Program => String::new(),
        };
        match &self.program {
            Some(program) => line.push_str(&shell_word(&program.to_string_lossy())),
            None => line.push_str(NAME),
        }
        line.push_str(" probe");
        match &self.file {
            Some(file) if file == Path::new(SERVICE_FILE) => {}
            Some(file) => {
                line.push_str(" --config.file=");
                line.push_str(&shell_word(&file.to_string_lossy()));
            }
            None => line.push_str(" --config.file=PATH"),
        }
        line.push_str(&words(provider, slot));
        line
    }
}

/// The path of this program, unless it is what a shell with this `PATH` runs for its name. `called`
/// is the word with which it was started.
fn unless_found(program: &Path, called: Option<&Path>, path: &OsStr) -> Option<PathBuf> {
    let about = |file: &Path| file.metadata().ok().filter(|meta| meta.mode() & 0o111 != 0);
    let file = |file: &Path| about(file).map(|meta| (meta.dev(), meta.ino()));
    let own = file(program);
    let found = std::env::split_paths(path).map(|folder| folder.join(NAME));
    let found = found.filter(|found| found.is_file()).find_map(|found| file(&found));
    if found.is_some() && found == own {
        return None;
    }
    // The word can be shorter: `cargo run` uses a path in the current folder.
    let called = called.filter(|called| called.components().count() > 1 && file(called) == own);
    let called = called.and_then(|called| absolute(called).ok());
    Some(called.unwrap_or_else(|| program.to_owned()))
}

/// The name of the service in the content of `/proc/self/cgroup`: `0::/system.slice/x.service`, in
/// version 1 `1:name=systemd:/…`.
fn unit(text: &str) -> Option<String> {
    let old = |line| Some(str::split_once(line, ":name=systemd:")?.1);
    let path = text.lines().find_map(|line| line.strip_prefix("0::").or_else(|| old(line)))?;
    let unit = path.rsplit('/').find(|part| part.ends_with(".service"))?;
    let of_person = unit.starts_with("user@") || path.contains("/user.slice/");
    (!of_person).then(|| unit.to_owned())
}

/// The arguments of `credwatch probe` that name a provider.
fn words(provider: &str, slot: Slot) -> String {
    let next = if slot == Slot::Next { " --next" } else { "" };
    let dashes = if provider.starts_with('-') { " --" } else { "" };
    format!("{next}{dashes} {}", shell_word(provider))
}

/// A word, quoted for a shell when necessary.
pub fn shell_word(word: &str) -> String {
    let plain = |character: char| character.is_alphanumeric() || "-_./:@%+=,".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    if !word.chars().any(is_deceptive) {
        return format!("'{}'", word.replace('\'', r"'\''"));
    }
    let mut quoted = String::from("$'");
    for character in word.chars() {
        match character {
            '\'' | '\\' => quoted.extend(['\\', character]),
            other if is_deceptive(other) => {
                let _ = write!(quoted, "\\U{:08x}", u32::from(other));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('\'');
    quoted
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const CGROUP: &str = "/proc/self/cgroup";

    /// The line for a provider `crm` in surroundings with these variables and files.
    fn line(file: &str, variables: &[(&str, &str)], texts: &[(&str, &str)]) -> String {
        let find = |list: &[(&str, &str)], wanted: &str| {
            let found = list.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| (*value).to_owned())
        };
        let by_hand =
            ByHand::of(Path::new(file), |name| find(variables, name), |path| find(texts, path));
        by_hand.line("crm", Slot::Current)
    }

    #[test]
    fn the_command_fits_how_the_daemon_runs() {
        let service = [("INVOCATION_ID", "0f3c")];
        let cgroup = [(CGROUP, "0::/system.slice/credwatch.service\n")];
        assert_eq!(line(SERVICE_FILE, &service, &cgroup), "sudo credwatch probe crm");
        assert_eq!(
            line("/srv/eu.toml", &service, &[(CGROUP, "0::/system.slice/watch@eu.service\n")]),
            "sudo env CREDENTIALS_DIRECTORY=/run/credentials/watch@eu.service credwatch probe \
             --config.file=/srv/eu.toml crm"
        );
        let old = [(CGROUP, "5:cpu:/\n1:name=systemd:/system.slice/credwatch.service\n")];
        assert_eq!(line(SERVICE_FILE, &service, &old), "sudo credwatch probe crm");
        // In some containers no group is known.
        let hidden = [(CGROUP, "0::/\n")];
        let passed = [service[0], ("CREDENTIALS_DIRECTORY", "/run/credentials/credwatch.service")];
        let notified = [service[0], ("NOTIFY_SOCKET", "/run/systemd/notify")];
        for variables in [passed, notified] {
            assert_eq!(line(SERVICE_FILE, &variables, &hidden), "sudo credwatch probe crm");
        }
        let pod = [("KUBERNETES_SERVICE_HOST", "10.96.0.1"), ("HOSTNAME", "credwatch-7d9f-x2x")];
        assert_eq!(
            line(SERVICE_FILE, &pod, &[(NAMESPACE, "monitoring")]),
            "kubectl exec -n monitoring credwatch-7d9f-x2x -- credwatch probe crm"
        );
        let told = [pod[0], pod[1], ("POD_NAMESPACE", "watch")];
        assert_eq!(
            line("/config/c.toml", &told, &[]),
            "kubectl exec -n watch credwatch-7d9f-x2x -- credwatch probe \
             --config.file=/config/c.toml crm"
        );
        assert_eq!(
            line(SERVICE_FILE, &pod, &[]),
            "kubectl exec -n NAMESPACE credwatch-7d9f-x2x -- credwatch probe crm"
        );
    }

    #[test]
    fn a_program_that_a_person_has_started_is_no_service() {
        let expected = "credwatch probe --config.file=/home/a/credwatch.toml crm";
        let desktop = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/term.scope\n";
        for (variables, texts) in [
            (vec![], vec![(CGROUP, "0::/system.slice/credwatch.service")]),
            (vec![("INVOCATION_ID", "1")], vec![(CGROUP, desktop)]),
            (vec![("INVOCATION_ID", "1")], vec![]),
            (vec![("INVOCATION_ID", ""), ("KUBERNETES_SERVICE_HOST", "")], vec![]),
        ] {
            assert_eq!(line("/home/a/credwatch.toml", &variables, &texts), expected);
        }
    }

    #[test]
    fn a_program_that_a_shell_does_not_find_by_its_name_is_told_with_its_path() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |place: &str| folder.path().join(place);
        for place in ["own/credwatch", "other/credwatch", "plain/credwatch"] {
            std::fs::create_dir(at(place).parent().expect("a folder")).expect("made");
            std::fs::write(at(place), "").expect("written");
            let mode = if place.starts_with("plain") { 0o644 } else { 0o755 };
            let permissions = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(at(place), permissions).expect("set");
        }
        std::fs::create_dir(at("linked")).expect("made");
        std::os::unix::fs::symlink(at("own/credwatch"), at("linked/credwatch")).expect("a link");
        let path = |folders: &[&str]| {
            std::env::join_paths(folders.iter().map(|folder| at(folder))).expect("a path")
        };
        let own = at("own/credwatch");
        for (folders, is_found) in [
            (&["own"][..], true),
            (&["none", "linked", "other"], true),
            (&["plain", "own"], true),
            (&["other", "own"], false),
            (&["none"], false),
            (&[], false),
        ] {
            let told = unless_found(&own, Some(Path::new(NAME)), &path(folders));
            assert_eq!(told, (!is_found).then(|| own.clone()), "{folders:?}");
        }
        let called = at("linked/credwatch");
        assert_eq!(unless_found(&own, Some(&called), OsStr::new("")), Some(called));
        let foreign = at("other/credwatch");
        assert_eq!(unless_found(&own, Some(&foreign), OsStr::new("")), Some(own.clone()));

        let program = Some("/home/a b/target/release/credwatch".into());
        let by_hand = ByHand { program, ..ByHand::default() };
        let line = by_hand.line("crm", Slot::Current);
        assert_eq!(line, "'/home/a b/target/release/credwatch' probe crm");
        assert_eq!(by_hand.without_path().line("crm", Slot::Current), "credwatch probe crm");
    }

    #[test]
    fn a_path_that_is_not_for_all_readers_is_left_out() {
        let by_hand = ByHand::of(Path::new("/srv/c.toml"), |_| None, |_| None).without_path();
        assert_eq!(by_hand.line("a", Slot::Next), "credwatch probe --config.file=PATH --next a");
    }

    #[test]
    fn any_name_can_be_used_in_a_shell() {
        for (name, typed) in [
            ("billing-api", " billing-api"),
            ("a/b?c#d", " 'a/b?c#d'"),
            ("it's", r" 'it'\''s'"),
            ("-x", " -- -x"),
            ("..", " .."),
            ("\u{202e}x", r" $'\U0000202ex'"),
        ] {
            assert_eq!(words(name, Slot::Current), typed);
        }
        assert_eq!(words("a b", Slot::Next), " --next 'a b'");
    }
}
