//! The command and its flags.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Map, json};
use url::Url;

use super::super::configuration;
use super::super::flags::{ConfigFlag, Output, refused};
use super::super::print::{complain_of, note, redraw, say, say_styled, window};
use super::asked::{Daemon, Overview, Wanted};
use super::frame::{Window, frame};
use crate::config::{DEFAULT_ADDRESS, is_loopback, load_once};
use crate::files;
use crate::runtime::block_on;
use crate::time::unix_seconds;

#[derive(Args)]
pub struct Flags {
    /// The daemon [default: the first of `web.listen_addresses`, else `http://127.0.0.1:9797/`].
    #[arg(long, value_name = "URL", conflicts_with = "file")]
    url: Option<String>,
    #[command(flatten)]
    config: ConfigFlag,
    /// Ask every two seconds and show the answer in place, until Ctrl-C.
    #[arg(long, conflicts_with = "output")]
    watch: bool,
    /// The user, when the daemon asks for a login.
    #[arg(long, value_name = "NAME", requires = "password_file")]
    user: Option<String>,
    /// The file with the password of the user.
    #[arg(long, value_name = "FILE", requires = "user")]
    password_file: Option<PathBuf>,
    /// The format of the result; `json` is one object.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    output: Output,
}

/// The exit status when the daemon does not answer.
const EXIT_NO_ANSWER: u8 = 3;

/// The time between two requests of `--watch`.
const PERIOD: Duration = Duration::from_secs(2);

/// The most lines without a terminal.
const MOST_LINES: usize = 100;

pub fn main(flags: &Flags) -> ExitCode {
    let daemon = match daemon(flags) {
        Ok(daemon) => daemon,
        Err(code) => return code,
    };
    let shown = if flags.watch { watch(&daemon) } else { once(&daemon, flags.output) };
    shown.unwrap_or_else(|error| {
        complain_of(&format!("cannot start: {error}"));
        ExitCode::FAILURE
    })
}

fn refuse(problem: &str) -> ExitCode {
    complain_of(problem);
    ExitCode::from(2)
}

/// The daemon that the flags mean.
fn daemon(flags: &Flags) -> Result<Daemon, ExitCode> {
    let (url, wanted) = match &flags.url {
        Some(text) => (parse(text).ok_or_else(|| {
            refuse("--url: write http://HOST:PORT/ or https://HOST/PATH/, without user or password")
        })?, None),
        None => of_configuration(&flags.config)?,
    };
    let password = match &flags.password_file {
        None => None,
        Some(file) => Some(files::read_secret(file).map_err(|error| {
            refuse(&format!("--password-file: cannot read {}: {error}", file.display()))
        })?),
    };
    let password = password.map(|text| SecretString::from(text.trim()));
    if let Some(file) = &flags.password_file {
        warn_of_readers(file, &url);
    }
    Ok(Daemon::new(url, wanted, flags.user.as_deref().zip(password.as_ref())))
}

/// Warns when others can read the password, in its file or on its way.
fn warn_of_readers(file: &Path, url: &Url) {
    if std::fs::metadata(file).is_ok_and(|meta| meta.permissions().mode() & 0o004 != 0) {
        let file = file.display();
        note(&format!("warning: everybody on this host can read the password: chmod o-r {file}"));
    }
    if url.scheme() == "http" && !url.host_str().is_some_and(is_loopback) {
        note(&format!(
            "warning: everybody on the way to {url} can read the password, because this is http; \
             use https, or ask on the host of the daemon"
        ));
    }
}

/// The URL whose folder has the paths of the daemon.
fn parse(text: &str) -> Option<Url> {
    let text = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let mut url = Url::parse(&text).ok()?;
    let is_plain = ["http", "https"].contains(&url.scheme())
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none();
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    url.set_query(None);
    url.set_fragment(None);
    is_plain.then_some(url)
}

/// The URL of the address in the configuration, and the configuration, if it can be read.
fn of_configuration(flag: &ConfigFlag) -> Result<(Url, Option<Wanted>), ExitCode> {
    let file = flag.file.clone().or_else(configuration::default_file);
    let plan = file.map(|file| (load_once(&file), file));
    let mut wanted = None;
    let address = match plan {
        Some((Ok(plan), file)) => {
            let names = plan.providers.iter().map(|provider| provider.name.clone()).collect();
            wanted = Some(Wanted { file, names });
            plan.listen_addresses.first().copied()
        }
        Some((Err(faults), _)) if flag.file.is_some() => return Err(refused(&faults)),
        Some((Err(_), file)) => {
            note(&format!("{} has errors, so {DEFAULT_ADDRESS} is asked", file.display()));
            None
        }
        None => None,
    };
    let address =
        address.map_or_else(|| DEFAULT_ADDRESS.to_owned(), |it| reachable(it).to_string());
    let url = parse(&address);
    let url = url.ok_or_else(|| refuse("the address in the configuration makes no URL"))?;
    Ok((url, wanted))
}

/// The address to ask a server that listens on this one.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    (ip, address.port()).into()
}

fn exit(overview: &Overview) -> ExitCode {
    if overview.is_healthy() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn once(daemon: &Daemon, output: Output) -> io::Result<ExitCode> {
    let overview = match block_on(daemon.overview())? {
        Ok(overview) => overview,
        Err(problem) => {
            complain_of(&format!(
                "{}: {problem}\n  hint: is it started, and is this its address? --url=URL names \
                 another one (https with TLS)",
                daemon.url
            ));
            return Ok(ExitCode::from(EXIT_NO_ANSWER));
        }
    };
    if output == Output::Json {
        let states: Map<_, _> = overview
            .counts
            .iter()
            .map(|(state, count)| (state.word().to_owned(), (*count).into()))
            .collect();
        say(&format!(
            "{:#}",
            json!({
                "url": daemon.url.as_str(),
                "stalled": overview.stalled,
                "states": states,
                "paused": overview.paused,
                "paused_providers": overview.paused_providers,
                "providers": overview.providers,
            })
        ));
        return Ok(exit(&overview));
    }
    let now = Timestamp::now();
    let window =
        Window { width: window().map_or(usize::MAX, |(width, _)| width), height: MOST_LINES };
    let rows = overview.rows(unix_seconds(now));
    say_styled(
        &frame(daemon.url.as_str(), &clock(now), Some(&overview), &rows, None, &window).join("\n"),
    );
    Ok(exit(&overview))
}

fn clock(now: Timestamp) -> String {
    now.strftime("%H:%M:%S UTC").to_string()
}

fn watch(daemon: &Daemon) -> io::Result<ExitCode> {
    if window().is_none() {
        return Ok(refuse("--watch needs a terminal; `credwatch status` prints the state once"));
    }
    block_on(show_until_stopped(daemon))
}

/// Shows the state again and again. It ends with the process.
async fn show_until_stopped(daemon: &Daemon) -> ExitCode {
    let mut known: Option<Overview> = None;
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let problem = match daemon.overview().await {
            Ok(overview) => {
                known = Some(overview);
                None
            }
            Err(problem) => Some(problem),
        };
        let now = Timestamp::now();
        let rows = known.as_ref().map(|known| known.rows(unix_seconds(now)));
        let (width, height) = window().unwrap_or((80, 24));
        redraw(&frame(
            daemon.url.as_str(),
            &clock(now),
            known.as_ref(),
            &rows.unwrap_or_default(),
            problem.as_deref(),
            &Window { width, height },
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_the_configuration_becomes_one_that_can_be_asked() {
        for (listens, asked) in [
            ("0.0.0.0:9797", "http://127.0.0.1:9797/"),
            ("[::]:1", "http://[::1]:1/"),
            ("192.0.2.7:80", "http://192.0.2.7/"),
        ] {
            let address = reachable(listens.parse().expect("an address")).to_string();
            assert_eq!(parse(&address).expect("a URL").as_str(), asked);
        }
        assert_eq!(parse("https://a.example/x").expect("a URL").as_str(), "https://a.example/x/");
        for bad in ["ftp://a/", "http://u:p@a/", "http://", "a b"] {
            assert!(parse(bad).is_none(), "{bad}");
        }
    }
}
