//! The examples in `deploy/` agree with the program.

use super::support::daemon::credwatch;
use super::support::repository;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_configuration_for_kubernetes_is_valid() {
    let manifest =
        std::fs::read_to_string(repository("deploy/kubernetes/config.yaml")).expect("readable");
    let lines = manifest.split("credwatch.toml: |\n").nth(1).expect("a configuration").lines();
    let configuration: String =
        lines.map_while(|line| line.strip_prefix("    ")).flat_map(|line| [line, "\n"]).collect();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("credwatch.toml");
    // Replaces the paths of the secrets by paths of this test.
    std::fs::write(
        &file,
        configuration.replace("/run/secrets/credwatch", folder.path().to_str().expect("UTF-8")),
    )
    .expect("written");
    for name in ["billing-api-id", "billing-api-secret"] {
        assert!(manifest.contains(&format!("\n  {name}: ")), "the secret has {name}");
        std::fs::write(folder.path().join(name), "x").expect("written");
        std::fs::set_permissions(
            folder.path().join(name),
            std::os::unix::fs::PermissionsExt::from_mode(0o440),
        )
        .expect("set");
    }
    let output = credwatch()
        .arg("check")
        .arg(format!("--config.file={}", file.display()))
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(
        text(&output.stdout).ends_with("fine, 1 provider\n") && output.stderr.is_empty(),
        "{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
}

#[test]
fn the_image_copies_existing_files_and_its_arguments_are_known_flags() {
    let image =
        std::fs::read_to_string(repository("deploy/container/Containerfile")).expect("readable");
    let words = |instruction: &str| -> Vec<Vec<String>> {
        let lines =
            image.lines().filter_map(|line| line.strip_prefix(instruction)?.strip_prefix(' '));
        lines.map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
    };
    let copied = words("COPY");
    for sources in copied
        .iter()
        .filter(|words| !words[0].starts_with("--from"))
        .map(|words| &words[..words.len() - 1])
    {
        assert!(sources.iter().all(|source| repository(source).exists()), "{sources:?}");
    }
    assert!(copied.len() >= 5);
    assert_eq!(words("USER"), [["65532:65532"]]);
    let deployment =
        std::fs::read_to_string(repository("deploy/kubernetes/deployment.yaml")).expect("readable");
    let help = text(&credwatch().args(["run", "--help"]).output().expect("it runs").stdout);
    let arguments: Vec<String> =
        serde_json::from_str(&words("CMD")[0].concat().replace(',', ", ")).expect("a list");
    assert_eq!(arguments[0], "run");
    for argument in &arguments[1..] {
        let flag = argument.split('=').next().expect("a flag");
        assert!(
            help.contains(flag) && deployment.contains(&format!("- {argument}\n")),
            "{argument}"
        );
    }
}
