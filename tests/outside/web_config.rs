//! The web configuration gets the same verdicts as from promtool.

use std::path::PathBuf;
use std::process::Command;

use credwatch::web_config::WebConfig;

/// Where Debian's golang-github-prometheus-exporter-toolkit-dev keeps the toolkit's own test files.
const TOOLKIT: &str = "/usr/share/gocode/src/github.com/prometheus/exporter-toolkit/web/testdata";

/// Files on which the verdicts differ on purpose: what promtool takes and we do not.
const REFUSED_ON_PURPOSE: [(&str, &str); 4] = [
    (
        "tls_config_noAuth.requireanyclientcert.good.yml",
        "a certificate that nobody verifies protects nothing",
    ),
    (
        "web_config_noAuth_noHTTP2.good.yml",
        "its only cipher suite is one without forward secrecy, which rustls does not have",
    ),
    ("web_config_noAuth_noHTTP2Cipher.bad.yml", "likewise"),
    (
        "web_config_noAuth_someCurves.good.yml",
        "its only curve is P-521, which rustls has no key exchange for",
    ),
];

#[test]
fn the_toolkits_own_files_get_the_verdict_of_promtool() {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(TOOLKIT)
        .unwrap_or_else(|error| panic!("{TOOLKIT}: {error}; run `make test`, which installs it"))
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            path.extension().is_some_and(|extension| extension == "yml" || extension == "yaml")
        })
        .collect();
    paths.sort();
    assert!(paths.len() >= 30, "{paths:?}");
    let mut seen = Vec::new();
    for path in paths {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let promtool = Command::new("promtool")
            .args(["check", "web-config"])
            .arg(&path)
            .output()
            .expect("promtool runs; `make test` installs it");
        let ours = WebConfig::load(Some(&path));
        let reasons = ours
            .as_ref()
            .err()
            .map(|faults| faults.iter().map(ToString::to_string).collect::<String>())
            .unwrap_or_default();
        let purpose = REFUSED_ON_PURPOSE.iter().find(|(known, _)| *known == name);
        if let Some((_, why)) = purpose {
            assert!(
                promtool.status.success() && ours.is_err(),
                "{name} is no exception any more: {why}"
            );
            seen.push(name);
        } else {
            assert_eq!(
                ours.is_ok(),
                promtool.status.success(),
                "{name}: {}\n{reasons}",
                String::from_utf8_lossy(&promtool.stderr)
            );
        }
    }
    assert_eq!(seen.len(), REFUSED_ON_PURPOSE.len(), "{seen:?}");
}
