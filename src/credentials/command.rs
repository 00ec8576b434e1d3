//! Reads a secret from a program, such as the client of a vault.

use std::io;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use secrecy::zeroize::Zeroizing;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::error::{CommandError, SecretError};
use super::shown;
use crate::files;

/// Variables of the service manager for the daemon only.
const NOT_INHERITED: [&str; 6] = [
    "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES",
];

/// Runs a program and returns what it prints on standard output. Standard error is dropped, because
/// it may hold the secret as well. At the deadline the program and its children are killed. A
/// thread that holds `turn` starts the program, because a file system that hangs keeps the thread.
pub async fn run(
    arguments: &[String],
    deadline: Duration,
    turn: &Arc<Semaphore>,
) -> Result<Zeroizing<String>, SecretError> {
    let end = Instant::now() + deadline;
    let (program, child) = match tokio::time::timeout_at(end, start(arguments, turn)).await {
        Ok(Some(started)) => started,
        Ok(None) => (shown::unknown_program(), Err(CommandError::Start(io::Error::other("stop")))),
        Err(_) => (shown::unknown_program(), Err(CommandError::Timeout(deadline))),
    };
    let printed = match child {
        Ok(child) => tokio::time::timeout_at(end, printed(child))
            .await
            .unwrap_or(Err(CommandError::Timeout(deadline))),
        Err(error) => Err(error),
    };
    printed.map_err(|error| SecretError::Command { program, error })
}

/// How messages name the program, and the program that runs. `None` when the runtime stops.
async fn start(
    arguments: &[String],
    turn: &Arc<Semaphore>,
) -> Option<(String, Result<Running, CommandError>)> {
    let turn = Arc::clone(turn).acquire_owned().await.ok()?;
    let arguments = arguments.to_vec();
    let starting = tokio::task::spawn_blocking(move || {
        let (program, rest) = arguments
            .split_first()
            .map_or(("", &[][..]), |(program, rest)| (program.as_str(), rest));
        let child = spawn(program, rest).map_err(CommandError::Start);
        let name = shown::program(program);
        drop(turn);
        (name, child)
    });
    starting.await.ok()
}

fn spawn(program: &str, arguments: &[String]) -> io::Result<Running> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true);
    for name in NOT_INHERITED {
        command.env_remove(name);
    }
    let child = command.spawn()?;
    Ok(Running { group: Group(child.id()), child })
}

/// A program that runs. When it is dropped, the program and its children are killed.
struct Running {
    group: Group,
    child: Child,
}

async fn printed(mut running: Running) -> Result<Zeroizing<String>, CommandError> {
    let child = &mut running.child;
    // One allocation: growing would leave copies of the secret behind.
    let mut text = Zeroizing::new(Vec::with_capacity(2 * 64 * 1024));
    if let Some(output) = child.stdout.take() {
        let limited = &mut output.take(files::SECRET + 1);
        limited.read_to_end(&mut text).await.map_err(CommandError::Read)?;
    }
    // A program that prints more waits for a reader of the rest, and would never end.
    if text.len() as u64 > files::SECRET {
        return Err(CommandError::TooLarge);
    }
    let status = child.wait().await.map_err(CommandError::Read)?;
    // Another process may soon get this number.
    running.group.0 = None;
    if !status.success() {
        return Err(CommandError::Failed(status));
    }
    let text = std::str::from_utf8(&text).map_err(|_| CommandError::NotText)?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Kills the process group of a program that did not end.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        let pid =
            self.0.and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            // An error means that the group has ended.
            let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Vec<String> {
        ["/bin/sh", "-c", script].map(str::to_owned).to_vec()
    }

    const LONG: Duration = Duration::from_secs(20);

    fn turn() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(1))
    }

    #[tokio::test(start_paused = true)]
    async fn a_program_that_does_not_start_in_time_holds_up_no_thread_of_the_probes() {
        // The permit stands for an earlier start that still hangs.
        let (turn, program) = (turn(), sh("echo s3cret"));
        let hanging = Arc::clone(&turn).acquire_owned().await.expect("it is free");
        let error = run(&program, LONG, &turn).await.expect_err("it waits").to_string();
        assert_eq!(error, "the program of this credential: did not end within 20s");
        drop(hanging);
    }

    #[tokio::test]
    async fn the_standard_output_of_a_program_is_the_secret() {
        let printed =
            run(&sh("echo s3cret; echo noise >&2"), LONG, &turn()).await.expect("it works");
        assert_eq!(*printed, "s3cret\n");
    }

    #[tokio::test]
    async fn a_failed_program_is_reported_only_by_name_and_status() {
        let error = run(&sh("echo s3cret; echo s3cret >&2; exit 3"), LONG, &turn())
            .await
            .expect_err("it fails")
            .to_string();
        assert_eq!(error, "/bin/sh: failed (exit status: 3)");
        let error = run(&["/nonexistent/vault".to_owned()], LONG, &turn())
            .await
            .expect_err("there is none")
            .to_string();
        assert!(
            error.starts_with("/nonexistent/vault: cannot be started: No such file"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_program_that_hangs_is_killed_with_its_children() {
        let folder = tempfile::tempdir().expect("a folder");
        let mark = folder.path().join("pid");
        let script = format!("sleep 600 & echo $! > {}; wait", mark.display());
        let error = run(&sh(&script), Duration::from_millis(300), &turn())
            .await
            .expect_err("it hangs")
            .to_string();
        assert_eq!(error, "/bin/sh: did not end within 300ms");
        let child = std::fs::read_to_string(mark).expect("it had begun");
        let stat = format!("/proc/{}/stat", child.trim());
        let gone = || std::fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "));
        tokio::time::timeout(LONG, async {
            while !gone() {
                tokio::task::yield_now().await;
            }
        })
        .await
        .expect("the child is ended too");
    }

    #[tokio::test]
    async fn endless_output_is_refused() {
        let error = run(&sh("yes"), LONG, &turn()).await.expect_err("too much").to_string();
        assert_eq!(error, "/bin/sh: printed more than 64 KiB");
    }
}
