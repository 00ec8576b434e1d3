//! Helpers of the tests.

pub mod alerts;
pub mod board;
pub mod daemon;
pub mod documents;
pub mod endpoint;
pub mod fakes;
pub mod mutate;
pub mod version_0_1;
pub mod web;
pub mod yaml;

use std::path::PathBuf;
use std::process::Child;
use std::sync::Arc;
use std::time::{Duration, Instant};

use credwatch::config::load_text;
use credwatch::provider::Provider;
use rustix::process::{Pid, Signal, kill_process};

/// A path inside the repository.
pub fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The first provider of a configuration without faults.
#[track_caller]
pub fn provider(configuration: &str) -> Arc<Provider> {
    let plan = load_text("test", configuration).unwrap_or_else(|faults| panic!("{}", faults[0]));
    Arc::clone(&plan.providers[0])
}

/// Sends a signal to a child process.
pub fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).expect("it runs");
}

/// Waits until `condition` returns a value. Panics with `what` after a minute: the machine can be
/// busy.
pub fn wait_for<T>(what: &str, condition: impl FnMut() -> Option<T>) -> T {
    wait_within(Duration::from_secs(60), what, condition)
}

/// Waits like [`wait_for`], with another time limit.
pub fn wait_within<T>(bound: Duration, what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(start.elapsed() < bound, "timed out waiting for {what}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// All files below a folder with this extension, sorted. Panics if there are fewer than `least`, so
/// that a test cannot pass because it found no files.
pub fn files(folder: &str, ending: &str, least: usize) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![repository(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(
        found.len() >= least,
        "found only {} files in {folder}, expected at least {least}",
        found.len()
    );
    found
}
