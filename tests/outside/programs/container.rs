//! A container with a real systemd as PID 1, started by `tests/systemd/container.sh`. Each test has
//! its own container. It has only the loopback network, and loses all changes at its end.

use std::fs::File;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use crate::support::{repository, wait_for};

/// A booted container. Dropping this value ends it.
pub struct Container {
    script: Child,
    leader: String,
    /// Has the socket, and a file with the output of the console.
    folder: tempfile::TempDir,
}

/// The result of a command in the container.
pub struct Ran {
    pub command: String,
    pub status: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    fn of(command: String, output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        Self {
            command,
            status: output.status.code(),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }

    /// Asserts that the command succeeded. Returns its standard output.
    #[track_caller]
    pub fn fine(self) -> String {
        assert_eq!(self.status, Some(0), "{}: {}\n{}", self.command, self.out, self.err);
        self.out
    }

    /// Asserts that the command failed. Returns its output.
    #[track_caller]
    pub fn failed(self) -> String {
        assert!(
            self.status.is_some_and(|status| status != 0),
            "{} should have failed: {}",
            self.command,
            self.out
        );
        format!("{}\n{}", self.out, self.err)
    }
}

/// One entry of the journal.
#[derive(Clone, Debug)]
pub struct Entry {
    pub priority: u8,
    pub message: String,
}

impl Container {
    /// Boots a container and waits until its services have started.
    pub fn boot() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        socket.set_read_timeout(Some(Duration::from_millis(100))).expect("set");
        let console = File::create(folder.path().join("console")).expect("a file");
        let script = script("boot")
            .arg(&path)
            // The container ends when this pipe is closed, so also when the tests are killed.
            .stdin(Stdio::piped())
            .stdout(console.try_clone().expect("a copy"))
            .stderr(console)
            .spawn()
            .expect("the script of the container starts");
        let mut container = Self { script, leader: String::new(), folder };
        wait_for("the container to boot", || container.receive(&socket));
        container
    }

    /// Receives one message about the boot. `Some` if the boot is complete.
    fn receive(&mut self, socket: &UnixDatagram) -> Option<()> {
        if let Some(status) = self.script.try_wait().expect("its status") {
            panic!("the container ended with {status}: {}", self.console());
        }
        let mut bytes = [0; 4096];
        let length = socket.recv(&mut bytes).ok()?;
        let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
        if let Some(leader) =
            text.lines().find_map(|line| line.strip_prefix("X_NSPAWN_LEADER_PID="))
        {
            leader.clone_into(&mut self.leader);
        }
        text.lines().any(|line| line == "READY=1").then_some(())
    }

    fn console(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("console")).unwrap_or_default()
    }

    /// Runs a shell command in the container, as root.
    pub fn run(&self, line: &str) -> Ran {
        let output = script("run")
            .args([&self.leader, "sh", "-c", line])
            .stdin(Stdio::null())
            .output()
            .expect("the script runs");
        Ran::of(line.to_owned(), &output)
    }

    /// Copies a file into the container.
    pub fn copy(&self, from: impl AsRef<std::path::Path>, path: &str, mode: &str) {
        let from = from.as_ref();
        let file = File::open(from).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
        let output = script("copy")
            .args([&self.leader, mode, path])
            .stdin(file)
            .output()
            .expect("the script runs");
        Ran::of(format!("copy to {path}"), &output).fine();
    }

    /// Writes a file in the container.
    pub fn write(&self, path: &str, mode: &str, text: &str) {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("written");
        self.copy(file.path(), path, mode);
    }

    /// Runs `systemctl VERB UNIT`.
    pub fn systemctl(&self, verb: &str, unit: &str) -> Ran {
        self.run(&format!("systemctl {verb} {unit}"))
    }

    /// One property of a unit.
    pub fn property(&self, unit: &str, name: &str) -> String {
        self.run(&format!("systemctl show --property={name} --value {unit}")).fine()
    }

    /// Waits until a property of a unit has a value.
    pub fn wait_for_property(&self, unit: &str, name: &str, value: &str) {
        wait_for(&format!("{name} of {unit} to be {value}"), || {
            (self.property(unit, name) == value).then_some(())
        });
    }

    /// Adds settings to a unit: `NAME.conf` in its drop-in folder.
    pub fn drop_in(&self, unit: &str, name: &str, text: &str) {
        self.write(&format!("/etc/systemd/system/{unit}.d/{name}.conf"), "0644", text);
        self.systemctl("daemon-reload", "").fine();
    }

    /// A field of `/proc/PID/status` of the main process of a unit.
    pub fn process(&self, unit: &str, field: &str) -> String {
        let pid = self.property(unit, "MainPID");
        let status = self.run(&format!("cat /proc/{pid}/status")).fine();
        let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        line.unwrap_or_else(|| panic!("no {field} in {status}")).trim().to_owned()
    }

    /// Gets a path of the daemon. Returns status and body, or `None` without a response.
    pub fn curl(&self, path: &str) -> Option<(u16, String)> {
        let ran = self.run(&format!(
            "curl --silent --max-time 10 --write-out '\\n%{{http_code}}' \
                                     'http://127.0.0.1:9797{path}'"
        ));
        let (body, status) = ran.out.rsplit_once('\n').unwrap_or(("", &ran.out));
        (ran.status == Some(0)).then(|| (status.parse().expect("a status"), body.to_owned()))
    }

    /// The value of one sample. `name` is its full name with labels, as exposed.
    pub fn sample(&self, name: &str) -> Option<f64> {
        let (_, metrics) = self.curl("/metrics")?;
        metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
    }

    /// The journal of a unit: its own entries, and those of systemd about it.
    pub fn journal(&self, unit: &str) -> Vec<Entry> {
        let lines = self
            .run(&format!("journalctl --sync; journalctl --unit={unit} --output=json --all"))
            .fine();
        let entry = |line: &str| {
            let json: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
            Entry {
                priority: text("PRIORITY").parse().expect("a priority"),
                message: text("MESSAGE"),
            }
        };
        lines.lines().map(entry).collect()
    }

    /// Waits until a unit has logged a message with this text.
    pub fn wait_for_message(&self, unit: &str, text: &str) -> Entry {
        wait_for(&format!("{unit} to log {text:?}"), || {
            self.journal(unit).into_iter().find(|entry| entry.message.contains(text))
        })
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if std::thread::panicking() && !self.leader.is_empty() {
            let journal = self.run(
                "systemctl --failed; journalctl --sync; journalctl --lines=200 --priority=info",
            );
            eprintln!(
                "inside the container:\n{}\n{}\n{}",
                self.console(),
                journal.out,
                journal.err
            );
        }
        drop(self.script.stdin.take());
        let _ = self.script.wait();
    }
}

fn script(command: &str) -> Command {
    let mut script = Command::new(repository("tests/systemd/container.sh"));
    script.arg(command);
    script
}
