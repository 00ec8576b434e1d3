//! Child processes: a pipe for questions and answers, and figures from `/proc`.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::{ROLE, Result};

/// On each architecture Linux reports CPU time in hundredths of a second.
const TICKS_PER_SECOND: f64 = 100.0;

/// A child process; killed when it goes out of scope.
pub struct Process(Child);

impl Process {
    /// Starts the process without the environment variables that credwatch would read.
    pub fn start(command: &mut Command) -> Result<Self> {
        for name in [
            "RUST_LOG", "JOURNAL_STREAM", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy",
            "CREDENTIALS_DIRECTORY",
        ] {
            command.env_remove(name);
        }
        let program = command.get_program().display().to_string();
        command
            .spawn()
            .map(Self)
            .map_err(|error| format!("{program} does not start: {error}").into())
    }

    /// The child process, for its pipes.
    pub fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    /// User and system CPU time of all threads so far, in seconds.
    pub fn cpu(&self) -> Result<f64> {
        let stat = self.read("stat")?;
        // The name of the program is in parentheses and can have spaces.
        let fields: Vec<&str> =
            stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |index: usize| {
            fields
                .get(index)
                .and_then(|field| field.parse::<f64>().ok())
                .ok_or("the stat file of a process has an unknown format")
        };
        Ok((ticks(11)? + ticks(12)?) / TICKS_PER_SECOND)
    }

    /// The current resident memory, in megabytes.
    pub fn resident(&self) -> Result<f64> {
        let status = self.read("status")?;
        let kib = status.lines().find_map(|line| {
            line.strip_prefix("VmRSS:")?.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()
        });
        Ok(kib.ok_or("the status file of a process has an unknown format")? * 1024.0 / 1e6)
    }

    fn read(&self, name: &str) -> Result<String> {
        std::fs::read_to_string(format!("/proc/{}/{name}", self.0.id()))
            .map_err(|error| format!("a process has ended too early: {error}").into())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A child process with this binary in a role. It answers each line of its standard input with a
/// line of numbers. It ends when its input ends, so it cannot outlive the measuring process.
pub struct Worker {
    process: Process,
    questions: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Worker {
    /// Starts this binary in a role.
    pub fn start(role: &str, arguments: &[&OsStr]) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(ROLE).arg(role).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = Process::start(&mut command)?;
        let (questions, answers) = (
            process.child().stdin.take().ok_or("no pipe")?,
            process.child().stdout.take().ok_or("no pipe")?,
        );
        Ok(Self { process, questions, answers: BufReader::new(answers).lines() })
    }

    /// The child process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Asks for the current numbers.
    pub fn ask(&mut self) -> Result<Vec<u64>> {
        writeln!(self.questions)?;
        let line = self.answers.next().ok_or("a worker has ended too early")??;
        line.split_whitespace().map(|word| word.parse().map_err(Into::into)).collect()
    }
}

/// The child's side: answers each line until the input ends.
pub fn answer(numbers: impl Fn() -> Vec<u64>) -> Result<()> {
    for line in std::io::stdin().lock().lines() {
        line?;
        let words: Vec<String> = numbers().iter().map(ToString::to_string).collect();
        println!("{}", words.join(" "));
    }
    Ok(())
}
