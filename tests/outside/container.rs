//! The image of `deploy/container`, built and run by podman. Only the compiler is left out: the
//! image gets the program that `make package` has built.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value as Json;

use super::programs::servers::output_of;
use super::support::{repository, signal, wait_for};

/// Megabytes. A larger image has files that it does not need.
const LARGEST: u64 = 32;

/// A storage of podman with the image.
struct Engine {
    storage: tempfile::TempDir,
}

impl Engine {
    fn with_the_image() -> Self {
        let program = repository("target/dist/credwatch");
        assert!(program.is_file(), "{} is missing; run `make package`", program.display());
        let engine = Self { storage: tempfile::tempdir().expect("a folder") };
        output_of(engine.script("build").arg(program));
        engine
    }

    fn script(&self, command: &str) -> Command {
        let mut script = Command::new(repository("tests/container/engine.sh"));
        script.arg(command).arg(self.storage.path());
        script
    }

    /// `podman run` with the restrictions that the documents name, and without a network.
    fn run(&self, configuration: &Path) -> Command {
        let mut podman = self.script("podman");
        podman
            .args(["run", "--rm", "--read-only", "--cap-drop=all", "--network=none"])
            .args(["--env=SECRET=x", "--add-host=hosts.example:127.0.0.1"])
            .args(["--volume=state:/var/lib/credwatch", "--volume"])
            .arg(format!("{}:/etc/credwatch/credwatch.toml:ro", configuration.display()));
        podman
    }
}

/// A running container. Dropping this value ends it.
struct Running {
    podman: Child,
    process: String,
    /// Has the output of podman.
    folder: tempfile::TempDir,
}

impl Running {
    /// Starts the image with the arguments, else with those of the image.
    fn start(mut run: Command, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("process");
        let mut podman = run
            .arg(format!("--pidfile={}", file.display()))
            .arg("credwatch")
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.path().join("log")).expect("a file"))
            .spawn()
            .expect("the script starts");
        let process = wait_for("the container to start", || {
            let ended = podman.try_wait().expect("its status");
            assert!(ended.is_none(), "podman ended with {ended:?}");
            std::fs::read_to_string(&file).ok().filter(|process| !process.is_empty())
        });
        Self { podman, process, folder }
    }

    /// A file about the process, or a file that the process sees below `root`.
    fn file(&self, name: &str) -> String {
        let path = format!("/proc/{}/{name}", self.process);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// The value of a line of `/proc/PID/status`.
    fn status(&self, name: &str) -> String {
        let text = self.file("status");
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.unwrap_or_else(|| panic!("no {name}: {text}")).split_whitespace().collect()
    }

    /// The answer at the port, as soon as there is one. Panics if the container has ended.
    fn wait_for(&mut self, path: &str) -> String {
        wait_for(&format!("{path} of the container"), || {
            if let Some(status) = self.podman.try_wait().expect("its status") {
                let log = std::fs::read_to_string(self.folder.path().join("log"));
                panic!("podman ended with {status}: {}", log.unwrap_or_default());
            }
            self.get(path)
        })
    }

    /// The answer at the port of the image, from the network of the container.
    fn get(&self, path: &str) -> Option<String> {
        let ask = format!(
            "exec 3<>/dev/tcp/127.0.0.1/9797 && printf 'GET {path} HTTP/1.0\\r\\n\\r\\n' >&3 && \
             cat <&3"
        );
        let output = Command::new("nsenter")
            .args(["--target", &self.process, "--net", "bash", "-c", &ask])
            .output()
            .expect("nsenter");
        let answer = String::from_utf8_lossy(&output.stdout).into_owned();
        output.status.success().then_some(answer)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.podman.try_wait(), Ok(None)) {
            signal(&self.podman, Signal::TERM);
            let _ = self.podman.wait();
        }
    }
}

/// The host of one provider is in `/etc/hosts`, and only name servers know that of another one.
const CONFIGURATION: &str = r#"
[providers.known]
recipe = "oauth2-client-credentials"
parameters.token_url = "http://hosts.example:9/token"
credentials.client_id = { env = "SECRET" }
credentials.client_secret = { env = "SECRET" }

[providers.unknown]
recipe = "oauth2-client-credentials"
parameters.token_url = "https://name-servers.example/token"
credentials.client_id = { env = "SECRET" }
credentials.client_secret = { env = "SECRET" }

[providers.paused]
recipe = "oauth2-client-credentials"
parameters.token_url = "http://hosts.example:9/token"
credentials.client_id = { env = "SECRET" }
credentials.client_secret = { env = "SECRET" }

[[maintenance]]
providers = ["paused"]
weekdays = ["sun"]
from = "02:00"
to = "03:00"
time_zone = "Europe/Berlin"
"#;

#[test]
fn the_image_is_small_and_runs_without_privileges_and_without_a_shell() {
    let engine = Engine::with_the_image();
    let format = ["image", "inspect", "--format", "{{.Size}}", "credwatch"];
    let size: u64 = output_of(engine.script("podman").args(format)).trim().parse().expect("bytes");
    println!("the image has {} kB", size / 1000);
    assert!(size < LARGEST * 1_000_000, "{size} bytes");

    let folder = tempfile::tempdir().expect("a folder");
    let configuration = folder.path().join("credwatch.toml");
    std::fs::write(&configuration, CONFIGURATION).expect("written");
    // Fails without the time zones of the image.
    output_of(engine.run(&configuration).args(["credwatch", "check"]));
    let shell = engine.run(&configuration).args(["--entrypoint=/bin/sh", "credwatch"]).output();
    assert!(!shell.expect("it runs").status.success(), "there is a shell");

    let mut demo = engine.script("podman");
    demo.args(["run", "--rm", "--network=none"]);
    let mut demo = Running::start(demo, &["demo", "--web.listen-address=:9797"]);
    demo.wait_for("/livez");
    drop(demo);

    let mut running = Running::start(engine.run(&configuration), &[]);
    let alive = running.wait_for("/livez");
    assert!(alive.starts_with("HTTP/1.0 200") || alive.starts_with("HTTP/1.1 200"), "{alive}");
    assert_eq!(running.status("Uid"), "65532".repeat(4));
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_eq!(running.status(set), "0".repeat(16), "{set}");
    }
    let mounts = running.file("mountinfo");
    let root = mounts.lines().find(|line| line.split(' ').nth(4) == Some("/")).expect("a root");
    assert!(root.split(' ').nth(5).is_some_and(|flags| flags.starts_with("ro")), "{root}");
    let authorities = running.file("root/etc/ssl/certs/ca-certificates.crt");
    assert!(authorities.matches("BEGIN CERTIFICATE").count() > 100);

    // Names are resolved as the C library does it, by the file and then by name servers.
    let states = wait_for("both probes", || {
        let answer = running.get("/healthz")?;
        let json: Json = serde_json::from_str(answer.split("\r\n\r\n").nth(1)?).ok()?;
        let providers = json["providers"].clone();
        let done = ["known", "unknown"].map(|name| providers[name]["state"] != "unknown");
        (done == [true, true]).then_some(providers)
    });
    assert_eq!(states["known"]["reason"], "connect", "{states}");
    assert_eq!(states["unknown"]["reason"], "dns", "{states}");
    let message = states["unknown"]["message"].as_str().unwrap_or_default();
    assert!(message.ends_with("no name server answers"), "{message}");

    let start = Instant::now();
    signal(&running.podman, Signal::TERM);
    let ended = running.podman.wait().expect("its status");
    let took = start.elapsed();
    println!("the container stopped after {took:?}");
    // podman sends SIGKILL after ten seconds.
    assert!(ended.success() && took < Duration::from_secs(5), "{ended} after {took:?}");
    let state = engine.storage.path().join("root/volumes/state/_data/state.redb");
    assert!(state.is_file(), "the state is in the volume");
}
