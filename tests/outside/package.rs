//! The Debian package, installed into the container with a real systemd.

use std::path::PathBuf;

use super::programs::container::Container;
use super::support::{repository, wait_for};

const UNIT: &str = "credwatch.service";

/// The package of this version, which `make package` has made.
fn package() -> PathBuf {
    let architecture = std::process::Command::new("dpkg")
        .arg("--print-architecture")
        .output()
        .expect("dpkg")
        .stdout;
    let architecture = String::from_utf8_lossy(&architecture).trim().to_owned();
    let path = repository("target/debian")
        .join(format!("credwatch_{}-1_{architecture}.deb", env!("CARGO_PKG_VERSION")));
    assert!(path.is_file(), "{} is missing; run `make package`, which makes it", path.display());
    path
}

const INSTALL: &str = "DEBIAN_FRONTEND=noninteractive dpkg --install /var/tmp/credwatch.deb 2>&1";

/// A container with the package installed, and everything in its file system before that.
fn installed() -> (Container, String) {
    let container = Container::boot();
    let before = everything(&container);
    container.copy(package(), "/var/tmp/credwatch.deb", "0644");
    container.run(INSTALL).fine();
    (container, before)
}

/// Every path but those of the kernel, of what runs, of caches, and dpkg's own notes; and every
/// user.
fn everything(container: &Container) -> String {
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
fn it_waits_for_its_operator_then_runs_and_a_purge_leaves_nothing() {
    let (container, before) = installed();
    assert!(
        !before.contains("credwatch.toml")
            && everything(&container).contains("/etc/credwatch/credwatch.toml\n")
    );
    assert_eq!(container.property(UNIT, "ActiveState"), "inactive");
    assert_eq!(container.property(UNIT, "UnitFileState"), "disabled");
    container.systemctl("enable --now", UNIT).fine();
    wait_until_it_answers(&container);
    assert_eq!(container.property(UNIT, "ActiveState"), "active");
    assert_eq!(container.property(UNIT, "Result"), "success");

    container.run("DEBIAN_FRONTEND=noninteractive dpkg --remove credwatch 2>&1").fine();
    assert!(container.curl("/livez").is_none(), "it was stopped");
    assert!(container.run("test -e /usr/bin/credwatch").status == Some(1));
    container.run("test -s /etc/credwatch/credwatch.toml").fine();
    container.run("DEBIAN_FRONTEND=noninteractive dpkg --purge credwatch 2>&1").fine();
    container.run("rm /var/tmp/credwatch.deb").fine();
    let (after, before): (Vec<_>, Vec<_>) = (
        everything(&container).lines().map(str::to_owned).collect(),
        before.lines().map(str::to_owned).collect(),
    );
    let left: Vec<_> = after.iter().filter(|path| !before.contains(path)).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn an_upgrade_restarts_what_runs_and_keeps_the_configuration() {
    let (container, _) = installed();
    container.run(INSTALL).fine();
    assert_eq!(
        container.property(UNIT, "ActiveState"),
        "inactive",
        "what did not run is not started"
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

#[test]
fn the_socket_is_there_for_who_wants_it_and_outlives_an_upgrade() {
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
    assert_ne!(container.property(UNIT, "MainPID"), service, "the service is started anew");
    assert_eq!(
        container.property("credwatch.socket", "ActiveEnterTimestampMonotonic"),
        socket,
        "the socket was open all the time"
    );
    assert!(container.curl("/livez").is_some_and(|(status, _)| status == 200));
    container.run("DEBIAN_FRONTEND=noninteractive dpkg --purge credwatch 2>&1").fine();
    assert!(container.curl("/livez").is_none(), "nobody listens any more");
}

#[test]
fn it_brings_manual_pages_completions_and_a_list_of_what_it_is_built_from() {
    let (container, _) = installed();
    for page in ["credwatch", "credwatch-run", "credwatch-recipes-test"] {
        let text = container.run(&format!("MANWIDTH=100 man {page}")).fine();
        assert!(text.contains("SYNOPSIS") && text.contains(page), "{text}");
    }
    assert!(container.run("whatis credwatch").fine().contains("credential"));
    // Completes as a shell that is asked for it: the command, then a flag of it.
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
    assert!(!names.contains(&"proptest"), "only what the program is made of");
    assert!(
        !parts.to_string().contains(env!("CARGO_MANIFEST_DIR")),
        "and nothing of where it was built"
    );
}

#[test]
fn it_says_which_version_it_is() {
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
