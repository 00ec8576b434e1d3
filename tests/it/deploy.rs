//! The examples in `deploy/` agree with the program and with each other.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Output;

use serde_json::Value as Json;

use super::support::alerts::read;
use super::support::daemon::credwatch;
use super::support::repository;
use super::support::yaml::yaml;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The manifests in a file of `deploy/kubernetes`.
fn manifests(file: &str) -> Vec<Json> {
    read(&format!("deploy/kubernetes/{file}")).split("\n---\n").map(yaml).collect()
}

/// The manifest of this kind in a file.
#[track_caller]
fn manifest(file: &str, kind: &str) -> Json {
    let mut found = manifests(file).into_iter().filter(|manifest| manifest["kind"] == kind);
    found.next().unwrap_or_else(|| panic!("{file} has no {kind}"))
}

/// The strings of a list.
fn list(json: &Json) -> Vec<&str> {
    json.as_array().into_iter().flatten().map(|item| item.as_str().expect("a string")).collect()
}

/// The flags of `credwatch run`.
fn help() -> String {
    text(&credwatch().args(["run", "--help"]).output().expect("it runs").stdout)
}

#[track_caller]
fn assert_known_flags(arguments: &[&str]) {
    let help = help();
    assert_eq!(arguments.first(), Some(&"run"), "{arguments:?}");
    for argument in &arguments[1..] {
        let flag = argument.split('=').next().expect("a flag");
        assert!(flag.starts_with("--") && help.contains(&format!("{flag} ")), "{argument}");
    }
}

/// Checks a configuration whose secrets are in this directory, as `credwatch check` does.
fn check(configuration: &str, directory: &str, secrets: &[&str]) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("credwatch.toml");
    // Replaces the paths of the secrets by paths of this test.
    let here = configuration.replace(directory, folder.path().to_str().expect("UTF-8"));
    std::fs::write(&file, here).expect("written");
    for name in secrets {
        let path = folder.path().join(name);
        std::fs::write(&path, "x").expect("written");
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o440)).expect("set");
    }
    let flag = format!("--config.file={}", file.display());
    credwatch().args(["check", "--strict", &flag]).output().expect("it runs")
}

#[track_caller]
fn assert_fine(output: &Output) {
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success() && err.is_empty(), "{out}{err}");
    assert!(out.ends_with("fine, 1 provider\n"), "{out}");
}

#[test]
fn the_configuration_for_kubernetes_is_valid() {
    let file = "config/config.yaml";
    let (config, secret) = (manifest(file, "ConfigMap"), manifest(file, "Secret"));
    let names: Vec<&str> =
        secret["stringData"].as_object().expect("secrets").keys().map(String::as_str).collect();
    let configuration = config["data"]["credwatch.toml"].as_str().expect("a configuration");
    assert_fine(&check(configuration, "/run/secrets/credwatch", &names));
    let output = check(configuration, "/run/secrets/credwatch", &names[1..]);
    assert!(!output.status.success(), "a missing secret is found");
}

#[test]
fn the_configuration_for_compose_is_valid() {
    let configuration = read("deploy/compose/credwatch/credwatch.toml");
    assert_fine(&check(&configuration, "/run/secrets", &["billing-api-id", "billing-api-secret"]));
}

#[test]
fn the_image_copies_existing_files_and_its_arguments_are_those_of_the_pods() {
    let image = read("deploy/container/Containerfile");
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
    let command = words("CMD")[0].concat();
    let arguments: Vec<String> = serde_json::from_str(&command).expect("a list");
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    assert_known_flags(&arguments);
    let allowed = "--web.allowed-hosts=localhost,127.0.0.1,[::1],credwatch";
    assert!(arguments.contains(&allowed), "a name of another site reads the page");
    let compose = yaml(&read("deploy/compose/compose.yaml"));
    assert!(list(&compose["services"]["credwatch"]["command"]).contains(&allowed));
    for (file, kind) in [("one", "Deployment"), ("shards", "StatefulSet")] {
        let pod = manifest(&format!("{file}/credwatch.yaml"), kind);
        let container = &pod["spec"]["template"]["spec"]["containers"][0];
        let of_pod = list(&container["args"]);
        assert_known_flags(&of_pod);
        assert!(of_pod.starts_with(&arguments), "{kind}: {of_pod:?}");
        assert_eq!(
            container["image"],
            concat!("credwatch:", env!("CARGO_PKG_VERSION")),
            "WRITE_MANIFESTS=1 cargo test --test outside kubernetes writes it"
        );
    }
}

/// Whether all entries of one table are in the other one.
fn is_part(some: &Json, all: &Json) -> bool {
    let some = some.as_object().expect("a table");
    !some.is_empty() && some.iter().all(|(key, value)| all[key] == *value)
}

/// The names of the items of a list.
fn names(list: &Json) -> BTreeSet<&str> {
    let items = list.as_array().into_iter().flatten();
    items.map(|item| item["name"].as_str().expect("a name")).collect()
}

#[test]
fn the_objects_for_kubernetes_find_each_other() {
    let monitor = manifest("operator/credwatch.yaml", "ServiceMonitor");
    let config = manifests("config/config.yaml");
    for (folder, kind) in [("one", "Deployment"), ("shards", "StatefulSet")] {
        let file = format!("{folder}/credwatch.yaml");
        let (owner, service) = (manifest(&file, kind), manifest(&file, "Service"));
        let (spec, template) = (&owner["spec"], &owner["spec"]["template"]);
        let labels = &template["metadata"]["labels"];
        assert!(is_part(&spec["selector"]["matchLabels"], labels), "{kind}");
        assert!(is_part(&service["spec"]["selector"], labels), "{kind}");
        let selected = &monitor["spec"]["selector"]["matchLabels"];
        assert!(is_part(selected, &service["metadata"]["labels"]), "{kind}");

        let (pod, container) = (&template["spec"], &template["spec"]["containers"][0]);
        let port = &service["spec"]["ports"][0];
        assert!(names(&container["ports"]).contains(port["targetPort"].as_str().expect("a name")));
        assert_eq!(monitor["spec"]["endpoints"][0]["port"], port["name"]);

        let mut volumes = names(&pod["volumes"]);
        let claims = spec["volumeClaimTemplates"].as_array().into_iter().flatten();
        volumes.extend(claims.map(|claim| claim["metadata"]["name"].as_str().expect("a name")));
        assert_eq!(names(&container["volumeMounts"]), volumes, "{kind}");
        for volume in pod["volumes"].as_array().expect("volumes") {
            let (kind, name) = if volume["configMap"].is_object() {
                ("ConfigMap", &volume["configMap"]["name"])
            } else if volume["secret"].is_object() {
                ("Secret", &volume["secret"]["secretName"])
            } else {
                ("PersistentVolumeClaim", &volume["persistentVolumeClaim"]["claimName"])
            };
            let mut all = config.iter().cloned().chain(manifests(&file));
            assert!(
                all.any(|one| one["kind"] == kind && one["metadata"]["name"] == *name),
                "{file} has no {kind} {name}"
            );
        }
    }
}

#[test]
fn each_pod_of_the_stateful_set_watches_its_own_share() {
    let file = "shards/credwatch.yaml";
    let (set, service) = (manifest(file, "StatefulSet"), manifest(file, "Service"));
    assert_eq!(set["spec"]["serviceName"], service["metadata"]["name"]);
    assert_eq!(service["spec"]["clusterIP"], "None", "each pod has a name of its own");
    let container = &set["spec"]["template"]["spec"]["containers"][0];
    let arguments = list(&container["args"]);
    let shard = arguments.iter().find_map(|one| one.strip_prefix("--shard=")).expect("a shard");
    let variables = container["env"].as_array().expect("variables");
    let name = variables.iter().find(|one| one["name"] == "POD_NAME").expect("the variable");
    assert_eq!(name["valueFrom"]["fieldRef"]["fieldPath"], "metadata.name");
    let replicas: u32 = set["spec"]["replicas"].as_str().expect("text").parse().expect("a number");
    assert!(replicas > 1);
    let is_shard = |index: u32| {
        let pod = format!("{}-{index}", set["metadata"]["name"].as_str().expect("a name"));
        let shard = shard.replace("$(POD_NAME)", &pod);
        let arguments = ["run", "--config.file=none", &format!("--shard={shard}")];
        let output = credwatch().args(arguments).output().expect("it runs");
        !text(&output.stderr).contains("is not a shard")
    };
    // The first pod has the number 0.
    assert!((0..replicas).all(is_shard) && !is_shard(replicas), "{shard}, {replicas} pods");
}
