//! A secret from a program, such as the client of a vault.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::Command;

use super::{LARGEST, SecretError};

/// What the service manager tells the daemon, and nobody else.
const NOT_INHERITED: [&str; 6] = [
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_FDNAMES",
];

/// Runs a program and returns what it prints on standard output. Nothing that it prints gets
/// anywhere else: what it writes to standard error may hold the secret as well. At the deadline it
/// is ended, with all that it started.
pub async fn run(arguments: &[String], deadline: Duration) -> Result<String, SecretError> {
    let (program, rest) =
        arguments.split_first().map_or(("", &[][..]), |(program, rest)| (program.as_str(), rest));
    let failed = |problem: String| SecretError::Command { program: program.to_owned(), problem };
    let mut command = Command::new(program);
    command
        .args(rest)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true);
    for name in NOT_INHERITED {
        command.env_remove(name);
    }
    let mut child =
        command.spawn().map_err(|error| failed(format!("cannot be started: {error}")))?;
    let mut group = Group(child.id());
    let mut output =
        child.stdout.take().ok_or_else(|| failed("has no output".into()))?.take(LARGEST + 1);
    let mut text = Vec::new();
    let whole = async {
        output.read_to_end(&mut text).await?;
        // It would wait for ever for somebody who reads the rest.
        if text.len() as u64 > LARGEST { Ok(None) } else { child.wait().await.map(Some) }
    };
    let status = match tokio::time::timeout(deadline, whole).await {
        Ok(status) => {
            status.map_err(|error: std::io::Error| failed(format!("cannot be read: {error}")))?
        }
        Err(_) => return Err(failed(format!("did not end within {deadline:?}"))),
    };
    let Some(status) = status else {
        return Err(failed(format!("printed more than {} KiB", LARGEST / 1024)));
    };
    // Its number may soon be somebody else's.
    group.0 = None;
    if !status.success() {
        return Err(failed(format!("failed ({status})")));
    }
    String::from_utf8(text).map_err(|_| failed("printed what is no UTF-8 text".into()))
}

/// Ends a process group that was not waited for to its end.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        let pid =
            self.0.and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            // An error says that nothing is left of it.
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

    #[tokio::test]
    async fn what_a_program_prints_is_the_secret_and_its_errors_are_not() {
        let printed = run(&sh("echo s3cret; echo noise >&2"), LONG).await.expect("it works");
        assert_eq!(printed, "s3cret\n");
    }

    #[tokio::test]
    async fn a_program_that_fails_is_told_by_name_and_status_only() {
        let error = run(&sh("echo s3cret; echo s3cret >&2; exit 3"), LONG)
            .await
            .expect_err("it fails")
            .to_string();
        assert_eq!(error, "/bin/sh: failed (exit status: 3)");
        let error = run(&["/nonexistent/vault".to_owned()], LONG)
            .await
            .expect_err("there is none")
            .to_string();
        assert!(
            error.starts_with("/nonexistent/vault: cannot be started: No such file"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_program_that_hangs_is_ended_with_its_children() {
        let folder = tempfile::tempdir().expect("a folder");
        let mark = folder.path().join("pid");
        let script = format!("sleep 600 & echo $! > {}; wait", mark.display());
        let error =
            run(&sh(&script), Duration::from_millis(300)).await.expect_err("it hangs").to_string();
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
    async fn endless_output_is_cut_off() {
        let error = run(&sh("yes"), LONG).await.expect_err("too much").to_string();
        assert_eq!(error, "/bin/sh: printed more than 64 KiB");
    }
}
