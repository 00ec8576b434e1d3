//! The files in the Debian package: all are there, and they work without the sources.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::package::package;
use super::programs::servers::{Version, output_of};
use super::support::{files, repository};

const DASHBOARDS: &str = "usr/share/credwatch/dashboards";
const DOCUMENTS: &str = "usr/share/doc/credwatch";

/// The files of the package, unpacked.
fn unpacked() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    output_of(Command::new("dpkg-deb").arg("-x").arg(package()).arg(folder.path()));
    folder
}

/// All files below a folder of the package, with their paths in it.
fn below(folder: &Path) -> Vec<PathBuf> {
    let mut open = vec![folder.to_owned()];
    let mut found = Vec::new();
    while let Some(place) = open.pop() {
        for entry in std::fs::read_dir(&place).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found
}

#[test]
fn the_package_has_each_rule_board_template_document_and_completion() {
    let folder = unpacked();
    let mut expected: BTreeSet<String> = [
        "etc/credwatch/credwatch.toml",
        "usr/bin/credwatch",
        "usr/lib/systemd/system/credwatch.service",
        "usr/lib/systemd/system/credwatch.socket",
        "usr/share/bash-completion/completions/credwatch",
        "usr/share/zsh/vendor-completions/_credwatch",
        "usr/share/fish/vendor_completions.d/credwatch.fish",
        "usr/share/credwatch/schema/credwatch.json",
        "usr/share/credwatch/schema/recipes.json",
        "usr/share/credwatch/dashboards/credwatch.tmpl",
        "usr/share/doc/credwatch/README.md",
        "usr/share/doc/credwatch/SECURITY.md",
        "usr/share/doc/credwatch/changelog.gz",
        "usr/share/doc/credwatch/copyright",
        "usr/share/doc/credwatch/credwatch.cdx.json",
        "usr/share/doc/credwatch/docs/openapi.json",
        "usr/share/doc/credwatch/examples/config.example.toml",
        "usr/share/doc/credwatch/examples/credentials.conf.example",
    ]
    .map(str::to_owned)
    .into();
    // What the sources have in these folders, so that a new file cannot be forgotten.
    for (source, ending, least, place) in [
        ("docs", "md", 15, DOCUMENTS),
        ("dashboards", "md", 1, "usr/share/credwatch"),
        ("dashboards", "yml", 5, "usr/share/credwatch"),
        ("dashboards", "json", 2, "usr/share/credwatch"),
        ("dashboards/mixin", "libsonnet", 3, "usr/share/credwatch"),
        ("dashboards/provisioning", "yaml", 2, "usr/share/credwatch"),
    ] {
        for path in files(source, ending, least) {
            let path = path.strip_prefix(repository("")).expect("below the repository");
            expected.insert(format!("{place}/{}", path.display()));
        }
    }
    assert!(expected.len() > 40, "{expected:?}");
    let missing: Vec<&String> =
        expected.iter().filter(|path| !folder.path().join(path).is_file()).collect();
    assert!(missing.is_empty(), "the package lacks {missing:?}");
}

/// The names of the pages about a command and the commands in it.
fn pages_of(command: &clap::Command, name: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::from([name.to_owned()]);
    for inner in command.get_subcommands() {
        all.extend(pages_of(inner, &format!("{name}-{}", inner.get_name())));
    }
    all
}

/// The text of a packed manual page.
fn page(folder: &Path, name: &str) -> String {
    let path = folder.join(format!("usr/share/man/man1/{name}.1.gz"));
    let file = std::fs::File::open(&path).unwrap_or_else(|_| panic!("{name} has no page"));
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("a packed text");
    text.replace("\\-", "-").replace("\\fR", "").replace("\\fB", "")
}

#[test]
fn every_command_has_a_manual_page_and_no_page_names_another_that_is_missing() {
    let folder = unpacked();
    let commands = pages_of(&credwatch::cli::line(), "credwatch");
    assert!(commands.len() > 12 && commands.contains("credwatch-recipes-test"), "{commands:?}");
    let there: BTreeSet<String> = below(&folder.path().join("usr/share/man"))
        .iter()
        .filter_map(|path| path.file_name()?.to_str()?.strip_suffix(".1.gz"))
        .map(str::to_owned)
        .collect();
    assert_eq!(commands, there, "commands on the left, manual pages on the right");
    let mut named = BTreeSet::new();
    for command in &commands {
        let text = page(folder.path(), command);
        let (_, see_also) = text.split_once(".SH SEE ALSO").expect("its last section");
        assert!(command == "credwatch" || see_also.contains(".BR credwatch (1)"), "{see_also}");
        for before in text.split("(1)").filter(|before| before.len() < text.len()) {
            let word = before.trim_end().rsplit(|c: char| !c.is_ascii_lowercase() && c != '-');
            let word = word.map(str::to_owned).next().unwrap_or_default();
            if word.starts_with("credwatch") {
                assert!(commands.contains(&word), "{command} names {word}(1)");
                named.insert(word);
            }
        }
    }
    assert_eq!(named, commands, "a page leads to each page");
}

#[test]
fn the_links_of_the_documents_work_in_the_package() {
    let folder = unpacked();
    let mut seen = 0;
    for file in below(folder.path()) {
        if file.extension().is_none_or(|ending| ending != "md") {
            continue;
        }
        let text = std::fs::read_to_string(&file).expect("readable");
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = target.split('#').next().unwrap_or_default();
            if target.contains("://") || path.is_empty() {
                continue;
            }
            let linked = file.parent().expect("a folder").join(path);
            assert!(linked.is_file(), "{} links to {target}", file.display());
            seen += 1;
        }
    }
    assert!(seen > 100, "{seen}");
}

#[test]
fn the_rules_and_the_example_for_alertmanager_work_where_the_package_has_them() {
    let folder = unpacked();
    let dashboards = folder.path().join(DASHBOARDS);
    for version in Version::BOTH {
        for file in ["alerts", "recording"] {
            let rules = dashboards.join(format!("{file}.yml"));
            output_of(version.promtool().args(["check", "rules"]).arg(&rules));
        }
    }
    let example = dashboards.join("alertmanager.example.yml");
    output_of(Command::new("amtool").arg("check-config").arg(example));
}

#[test]
fn lintian_finds_nothing_in_the_package() {
    let options = ["--fail-on", "error,warning", "--tag-display-limit", "0", "--allow-root"];
    output_of(Command::new("lintian").args(options).arg(package()));
}

/// `make release` is `make package` and then this step.
#[test]
fn the_files_of_a_release_stand_together_with_their_checksums() {
    output_of(Command::new(repository("tests/package/make.sh")).arg("collect"));
    let folder = repository("target/release-artefacts");
    let version = env!("CARGO_PKG_VERSION");
    let sums = std::fs::read_to_string(folder.join("SHA256SUMS")).expect("readable");
    let names: BTreeSet<&str> =
        sums.lines().filter_map(|line| Some(line.split_once("  ")?.1)).collect();
    let there: BTreeSet<String> = below(&folder)
        .iter()
        .filter_map(|path| path.file_name()?.to_str())
        .filter(|name| *name != "SHA256SUMS")
        .map(str::to_owned)
        .collect();
    assert_eq!(names, there.iter().map(String::as_str).collect());
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(names.contains(package().file_name().and_then(|name| name.to_str()).expect("a name")));
    assert!(names.iter().all(|name| name.contains(version)), "{names:?}");
    output_of(Command::new("sha256sum").args(["--check", "SHA256SUMS"]).current_dir(&folder));

    let archive = names.iter().find(|name| name.ends_with(".tar.gz")).expect("an archive");
    let list = output_of(Command::new("tar").arg("-tzf").arg(folder.join(archive)));
    for file in ["credwatch", "LICENSE-MIT", "LICENSE-APACHE", "credwatch.service"] {
        assert!(list.lines().any(|line| line.ends_with(&format!("/{file}"))), "{file}: {list}");
    }
}
