//! Logs on standard error as logfmt or JSON, one line for each event.
//!
//! At every level the log holds only events of credwatch itself. Libraries write headers and bodies
//! at `trace`, and those hold credentials.

use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::sync::OnceLock;

use serde_json::{Map, Value as Json};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::diagnostic::{Fault, Sentence, Severity};
use crate::printable::printable;

/// The format of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// `level=info msg="token issued" provider=x`
    #[default]
    #[value(alias = "text")]
    Logfmt,
    /// `{"level":"info","msg":"token issued","provider":"x"}`
    Json,
}

/// The log level: the least important events that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Verbosity {
    /// Failures of the daemon that the operator must repair.
    Error,
    /// Problems that the operator should look at.
    Warn,
    /// Changes of state.
    Info,
    /// Every probe.
    Debug,
    /// All events.
    Trace,
}

impl From<Verbosity> for LevelFilter {
    fn from(verbosity: Verbosity) -> Self {
        match verbosity {
            Verbosity::Error => Self::ERROR,
            Verbosity::Warn => Self::WARN,
            Verbosity::Info => Self::INFO,
            Verbosity::Debug => Self::DEBUG,
            Verbosity::Trace => Self::TRACE,
        }
    }
}

/// Faults that are logged of one configuration.
const MOST_LOGGED: usize = 20;

/// Writes faults to the log, each with its place.
pub fn log_faults(faults: &[Fault]) {
    for fault in faults.iter().take(MOST_LOGGED) {
        match fault.severity {
            Severity::Error => tracing::error!(
                at = fault.place(),
                hint = fault.hint.as_ref().map(Sentence::as_str),
                "{}",
                fault.message
            ),
            Severity::Warning => tracing::warn!(
                at = fault.place(),
                hint = fault.hint.as_ref().map(Sentence::as_str),
                "{}",
                fault.message
            ),
        }
    }
    if faults.len() > MOST_LOGGED {
        tracing::warn!(
            count = faults.len() - MOST_LOGGED,
            "more faults than are logged; `credwatch check` shows all"
        );
    }
}

/// Starts logging. Without `verbosity` the level is the one in `RUST_LOG`, else `info`.
pub fn start(verbosity: Option<Verbosity>, format: Format) {
    let from_environment = || {
        let value = std::env::var("RUST_LOG").unwrap_or_default();
        let word = value.rsplit(['=', ',']).next().unwrap_or_default().trim().to_lowercase();
        word.parse::<LevelFilter>().ok().filter(|_| !word.is_empty())
    };
    let level =
        verbosity.map(LevelFilter::from).or_else(from_environment).unwrap_or(LevelFilter::INFO);
    let layer = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(std::io::stderr)
        .event_format(Lines { format });
    let filter = Targets::new().with_target(env!("CARGO_PKG_NAME"), level);
    // When logging has already started, as in a test, the first start stays in force.
    let _ = tracing_subscriber::registry().with(filter).with(layer).try_init();
}

/// The prefix that gives a line its priority in the systemd journal (`sd-daemon(3)`). Empty when
/// standard error is not the journal.
#[must_use]
pub fn journal_prefix(level: Level) -> &'static str {
    match level {
        _ if !writes_to_journal() => "",
        Level::ERROR => "<3>",
        Level::WARN => "<4>",
        Level::INFO => "<6>",
        Level::DEBUG | Level::TRACE => "<7>",
    }
}

/// Whether systemd connected standard error to the journal: `JOURNAL_STREAM` holds device and inode
/// of that stream (`systemd.exec(5)`).
fn writes_to_journal() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| {
        let stream = std::env::var("JOURNAL_STREAM").unwrap_or_default();
        std::fs::metadata("/proc/self/fd/2")
            .is_ok_and(|stderr| stream == format!("{}:{}", stderr.dev(), stderr.ino()))
    })
}

struct Lines {
    format: Format,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut line = Map::new();
        // The journal adds its own time stamps.
        if !writes_to_journal() {
            line.insert(
                "ts".into(),
                jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string().into(),
            );
        }
        line.insert("level".into(), word(*event.metadata().level()).into());
        line.insert("msg".into(), fields.message.into());
        line.extend(fields.others);
        write!(writer, "{}", journal_prefix(*event.metadata().level()))?;
        match self.format {
            Format::Json => writeln!(writer, "{}", printable(&Json::Object(line).to_string())),
            Format::Logfmt => {
                for (place, (name, value)) in line.iter().enumerate() {
                    let gap = if place == 0 { "" } else { " " };
                    write!(writer, "{gap}{name}={}", logfmt(value))?;
                }
                writeln!(writer)
            }
        }
    }
}

fn word(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

/// A value in logfmt: quoted when it is empty or has spaces, quotes, `=` or control characters.
fn logfmt(value: &Json) -> String {
    match value {
        Json::String(text)
            if !text.is_empty()
                && text.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '"' | '=' | '\\')) =>
        {
            text.clone()
        }
        other => printable(&other.to_string()).into_owned(),
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    others: Map<String, Json>,
}

impl Fields {
    fn add(&mut self, field: &Field, value: Json) {
        self.others.insert(field.name().to_owned(), value);
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        } else {
            self.add(field, format!("{value:?}").into());
        }
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value.into());
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value.into());
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value.into());
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value.into());
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, value.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logfmt_value_is_quoted_when_it_has_special_characters() {
        for (value, written) in [
            ("plain", "plain"),
            ("", "\"\""),
            ("two words", "\"two words\""),
            ("a\"b\n", "\"a\\\"b\\n\""),
            ("a=b", "\"a=b\""),
            ("a\u{9b}b\u{202e}\u{2028}", "\"a\\u009bb\\u202e\\u2028\""),
        ] {
            assert_eq!(logfmt(&value.into()), written);
        }
        assert_eq!(logfmt(&5.into()), "5");
    }
}
