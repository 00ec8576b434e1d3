//! The Debian package, installed in a container with a real systemd.

use std::path::PathBuf;
use std::process::Command;

use super::programs::container::Container;
use super::programs::servers::output_of;
use super::support::version_0_1::saved_state;
use super::support::{repository, wait_for};

const UNIT: &str = "credwatch.service";

/// The path of the package that `make package` has built.
pub fn package() -> PathBuf {
    let architecture =
        Command::new("dpkg").arg("--print-architecture").output().expect("dpkg").stdout;
    let architecture = String::from_utf8_lossy(&architecture).trim().to_owned();
    let path = repository("target/debian")
        .join(format!("credwatch_{}-1_{architecture}.deb", env!("CARGO_PKG_VERSION")));
    assert!(path.is_file(), "{} is missing; run `make package`, which builds it", path.display());
    path
}

const INSTALL: &str = "DEBIAN_FRONTEND=noninteractive dpkg --install /var/tmp/credwatch.deb 2>&1";

/// A container with the package installed, and the list of its paths before the installation.
fn installed() -> (Container, String) {
    let container = Container::boot();
    let before = paths_and_users(&container);
    container.copy(package(), "/var/tmp/credwatch.deb", "0644");
    container.run(INSTALL).fine();
    (container, before)
}

/// All paths of the root file system, without caches, logs and the database of dpkg, and all users
/// and groups.
fn paths_and_users(container: &Container) -> String {
    let paths = container
        .run(
            "find / -xdev -not -path '/var/cache/*' -not -path '/var/lib/dpkg/*' \
                               -not -path '/var/log/*' -not -path '/tmp/*' | sort",
        )
        .fine();
    paths + &container.run("cat /etc/passwd /etc/group").fine()
}

fn wait_until_it_answers(container: &Container) {
    wait_for("the service to answer", || {
        container.curl("/livez").filter(|(status, _)| *status == 200)
    });
}

#[test]
fn the_service_starts_only_when_enabled_and_a_purge_removes_all_files() {
    let (container, before) = installed();
    assert!(
        !before.contains("credwatch.toml")
            && paths_and_users(&container).contains("/etc/credwatch/credwatch.toml\n")
    );
    assert_eq!(container.property(UNIT, "ActiveState"), "inactive");
    assert_eq!(container.property(UNIT, "UnitFileState"), "disabled");
    container.systemctl("enable --now", UNIT).fine();
    wait_until_it_answers(&container);
    assert_eq!(container.property(UNIT, "ActiveState"), "active");
    assert_eq!(container.property(UNIT, "Result"), "success");

    container.run("DEBIAN_FRONTEND=noninteractive dpkg --remove credwatch 2>&1").fine();
    assert!(container.curl("/livez").is_none(), "the service was stopped");
    assert!(container.run("test -e /usr/bin/credwatch").status == Some(1));
    container.run("test -s /etc/credwatch/credwatch.toml").fine();
    container.run("DEBIAN_FRONTEND=noninteractive dpkg --purge credwatch 2>&1").fine();
    container.run("rm /var/tmp/credwatch.deb").fine();
    let (after, before): (Vec<_>, Vec<_>) = (
        paths_and_users(&container).lines().map(str::to_owned).collect(),
        before.lines().map(str::to_owned).collect(),
    );
    let left: Vec<_> = after.iter().filter(|path| !before.contains(path)).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn an_upgrade_restarts_a_running_service_and_keeps_the_configuration() {
    let (container, _) = installed();
    container.run(INSTALL).fine();
    assert_eq!(
        container.property(UNIT, "ActiveState"),
        "inactive",
        "the upgrade does not start a stopped service"
    );
    container.write("/etc/credwatch/credwatch.toml", "0644", "# the operator's own\n");
    container.systemctl("start", UNIT).fine();
    wait_until_it_answers(&container);
    let first = container.property(UNIT, "MainPID");
    container.run(INSTALL).fine();
    wait_until_it_answers(&container);
    assert_ne!(container.property(UNIT, "MainPID"), first);
    assert_eq!(container.run("cat /etc/credwatch/credwatch.toml").fine(), "# the operator's own");
}

/// A package like this one with the version and the configuration file of version 0.1.
fn package_of_version_0_1() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let tree = folder.path().join("tree");
    output_of(Command::new("dpkg-deb").arg("-R").arg(package()).arg(&tree));
    let control = tree.join("DEBIAN/control");
    let text = std::fs::read_to_string(&control).expect("readable");
    let version = format!("Version: {}-1\n", env!("CARGO_PKG_VERSION"));
    assert!(text.contains(&version), "{text}");
    std::fs::write(&control, text.replace(&version, "Version: 0.1.0-1\n")).expect("written");
    let old = repository("tests/version-0.1/conffile.toml");
    std::fs::copy(old, tree.join("etc/credwatch/credwatch.toml")).expect("copied");
    let package = folder.path().join("old.deb");
    output_of(
        Command::new("dpkg-deb")
            .args(["--root-owner-group", "-Znone", "-b"])
            .arg(&tree)
            .arg(package),
    );
    folder
}

#[test]
fn an_upgrade_from_version_0_1_keeps_the_configuration_and_the_state() {
    let container = Container::boot();
    container.copy(package_of_version_0_1().path().join("old.deb"), "/var/tmp/old.deb", "0644");
    container.copy(package(), "/var/tmp/credwatch.deb", "0644");
    let version = "dpkg-query --show --showformat='${Version}' credwatch";
    container.run("DEBIAN_FRONTEND=noninteractive dpkg --install /var/tmp/old.deb 2>&1").fine();
    assert_eq!(container.run(version).fine(), "0.1.0-1");

    // What the operator wrote, and what the daemon of then saved.
    let configuration =
        std::fs::read_to_string(repository("tests/version-0.1/saved.toml")).expect("readable");
    container.write("/etc/credwatch/credwatch.toml", "0644", &configuration);
    let (state, _) = saved_state();
    container.run("mkdir -p /var/lib/private/credwatch").fine();
    container.write("/var/lib/private/credwatch/state.json", "0600", &state);

    // dpkg asks about the changed file. The default answer keeps it.
    container.run("yes '' | dpkg --install /var/tmp/credwatch.deb 2>&1").fine();
    assert_ne!(container.run(version).fine(), "0.1.0-1");
    assert_eq!(container.run("cat /etc/credwatch/credwatch.toml").fine(), configuration.trim_end());
    container.systemctl("start", UNIT).fine();
    wait_until_it_answers(&container);
    let metrics = container.curl("/metrics").expect("metrics").1;
    let runway = "credwatch_token_time_to_expiry_seconds{provider=\"good\"} ";
    let left = metrics.lines().find_map(|line| line.strip_prefix(runway)).expect("a runway");
    // The token lives for two hours, and its probe was about a minute before.
    let left: f64 = left.parse().expect("a number");
    assert!((6000.0..7200.0).contains(&left), "{left}");
    let files = container.run("ls /var/lib/private/credwatch").fine();
    assert!(files.contains("state.json") && files.contains("state.redb"), "{files}");
}

#[test]
fn the_socket_unit_is_disabled_by_default_and_stays_open_during_an_upgrade() {
    let (container, _) = installed();
    assert_eq!(container.property("credwatch.socket", "ActiveState"), "inactive");
    assert_eq!(container.property("credwatch.socket", "UnitFileState"), "disabled");
    container.write("/etc/default/credwatch", "0644", "ARGS=--web.systemd-socket\n");
    container.systemctl("enable --now", "credwatch.socket").fine();
    wait_until_it_answers(&container);
    let (service, socket) = (
        container.property(UNIT, "MainPID"),
        container.property("credwatch.socket", "ActiveEnterTimestampMonotonic"),
    );
    container.run(INSTALL).fine();
    assert_ne!(container.property(UNIT, "MainPID"), service, "the service was restarted");
    assert_eq!(
        container.property("credwatch.socket", "ActiveEnterTimestampMonotonic"),
        socket,
        "the socket was open all the time"
    );
    assert!(container.curl("/livez").is_some_and(|(status, _)| status == 200));
    container.run("DEBIAN_FRONTEND=noninteractive dpkg --purge credwatch 2>&1").fine();
    assert!(container.curl("/livez").is_none(), "the socket is closed");
}

#[test]
fn the_package_has_manual_pages_completions_and_a_list_of_components() {
    let (container, _) = installed();
    for page in ["credwatch", "credwatch-run", "credwatch-recipes-test"] {
        let text = container.run(&format!("MANWIDTH=100 man {page}")).fine();
        assert!(text.contains("SYNOPSIS") && text.contains(page), "{text}");
    }
    assert!(container.run("whatis credwatch").fine().contains("credential"));
    // Runs the completion of bash: for the command, then for a flag.
    let complete = |words: &str, place: usize| {
        let lines = format!(
            ". /usr/share/bash-completion/bash_completion; . \
             /usr/share/bash-completion/completions/credwatch; \
             COMP_WORDS=({words}); COMP_CWORD={place}; _credwatch credwatch \
             \"${{COMP_WORDS[$COMP_CWORD]}}\" \"${{COMP_WORDS[$COMP_CWORD-1]}}\"; echo \
             ${{COMPREPLY[@]}}"
        );
        container.write("/var/tmp/complete", "0644", &lines);
        container.run("bash /var/tmp/complete").fine()
    };
    assert_eq!(complete("credwatch ch", 1), "check");
    assert_eq!(complete("credwatch check --conf", 2), "--config.file");
    container
        .run("grep -q '^#compdef credwatch' /usr/share/zsh/vendor-completions/_credwatch")
        .fine();
    container
        .run("grep -q 'complete -c credwatch' /usr/share/fish/vendor_completions.d/credwatch.fish")
        .fine();

    let parts: serde_json::Value = serde_json::from_str(
        &container.run("cat /usr/share/doc/credwatch/credwatch.cdx.json").fine(),
    )
    .expect("JSON");
    let names: Vec<_> = parts["components"]
        .as_array()
        .expect("components")
        .iter()
        .filter_map(|part| part["name"].as_str())
        .collect();
    assert!(names.contains(&"rustls") && names.len() > 100, "{names:?}");
    assert!(!names.contains(&"proptest"), "the list has no dependencies of tests");
    assert!(
        !parts.to_string().contains(env!("CARGO_MANIFEST_DIR")),
        "the list does not have the path of the build"
    );
}

#[test]
fn the_program_and_the_package_have_the_same_version() {
    let (container, _) = installed();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(container.run("credwatch --version").fine(), format!("credwatch {version}"));
    assert_eq!(
        container.run("dpkg-query --show --showformat='${Version}' credwatch").fine(),
        format!("{version}-1")
    );
    let changes = container.run("zcat /usr/share/doc/credwatch/changelog.Debian.gz").fine();
    assert!(changes.starts_with(&format!("credwatch ({version}-1) ")), "{changes}");
    container.run("credwatch check --config.file=/etc/credwatch/credwatch.toml").fine();
    container
        .run("credwatch check --config.file=/usr/share/doc/credwatch/examples/config.example.toml")
        .fine();
}
