//! Child processes: started, asked over a pipe, measured through `/proc`, ended by their id.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::{ROLE, Result};

/// Linux counts CPU time for user space in hundredths of a second, on every architecture.
const TICKS_PER_SECOND: f64 = 100.0;

/// A child process; killed when it goes out of scope.
pub struct Process(Child);

impl Process {
    /// Starts it, with nothing of this environment that it would look at.
    pub fn start(command: &mut Command) -> Result<Self> {
        for name in [
            "RUST_LOG",
            "JOURNAL_STREAM",
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "http_proxy",
            "https_proxy",
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

    /// The child itself, for its pipes.
    pub fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    /// CPU time so far, user and system, over all threads, in seconds.
    pub fn cpu(&self) -> Result<f64> {
        let stat = self.read("stat")?;
        // The name of the program, in parentheses, can hold blanks.
        let fields: Vec<&str> =
            stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |index: usize| {
            fields
                .get(index)
                .and_then(|field| field.parse::<f64>().ok())
                .ok_or("the stat file of a process has another form")
        };
        Ok((ticks(11)? + ticks(12)?) / TICKS_PER_SECOND)
    }

    /// Resident memory now, in megabytes.
    pub fn resident(&self) -> Result<f64> {
        let status = self.read("status")?;
        let kib = status.lines().find_map(|line| {
            line.strip_prefix("VmRSS:")?.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()
        });
        Ok(kib.ok_or("the status file of a process has another form")? * 1024.0 / 1e6)
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

/// This binary in one of its roles. It answers each line on its standard input with one of numbers,
/// and ends with its input: so it cannot outlive the process that measures it.
pub struct Worker {
    process: Process,
    questions: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Worker {
    /// Starts it.
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

    /// Its process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// The numbers that it knows now.
    pub fn ask(&mut self) -> Result<Vec<u64>> {
        writeln!(self.questions)?;
        let line = self.answers.next().ok_or("a worker has ended too early")??;
        line.split_whitespace().map(|word| word.parse().map_err(Into::into)).collect()
    }
}

/// The worker's side: answers until the input ends.
pub fn answer(numbers: impl Fn() -> Vec<u64>) -> Result<()> {
    for line in std::io::stdin().lock().lines() {
        line?;
        let words: Vec<String> = numbers().iter().map(ToString::to_string).collect();
        println!("{}", words.join(" "));
    }
    Ok(())
}
