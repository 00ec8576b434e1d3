//! The two text formats of an exposition.

use std::borrow::Cow;

/// The format of an exposition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// The Prometheus text format 0.0.4.
    #[default]
    Text,
    /// `OpenMetrics` 1.0. Samples are the same; help, type and unit differ, and there is an end.
    OpenMetrics,
}

/// The last line of `OpenMetrics`.
pub const END: &str = "# EOF\n";

/// The units that the name of a family can end with.
const UNITS: [&str; 2] = ["seconds", "bytes"];

impl Format {
    /// The content type.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// Appends help and type of a family. In `OpenMetrics` the name of a counter has no `_total`
    /// there.
    pub(super) fn push_family(self, text: &mut Vec<u8>, name: &str, kind: &str, help: &str) {
        let mut push = |parts: &[&str]| {
            for part in parts {
                text.extend_from_slice(part.as_bytes());
            }
        };
        if self == Self::Text {
            return push(&["# HELP ", name, " ", help, "\n# TYPE ", name, " ", kind, "\n"]);
        }
        let name = name.strip_suffix("_total").unwrap_or(name);
        let help = if help.contains('"') { help.replace('"', "\\\"") } else { help.to_owned() };
        push(&["# HELP ", name, " ", &help, "\n# TYPE ", name, " ", kind, "\n"]);
        let ends = |unit: &&&str| name.strip_suffix(**unit).is_some_and(|rest| rest.ends_with('_'));
        if let Some(unit) = UNITS.iter().find(ends) {
            push(&["# UNIT ", name, " ", unit, "\n"]);
        }
    }

    /// A whole exposition in the text format, in this format but without its end.
    pub(super) fn of_text(self, text: &str) -> Cow<'_, [u8]> {
        if self == Self::Text {
            return Cow::Borrowed(text.as_bytes());
        }
        let mut written = Vec::with_capacity(text.len() + 1_024);
        let mut help = "";
        for line in text.lines() {
            if let Some((_, rest)) =
                line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' '))
            {
                help = rest;
            } else if let Some((name, kind)) =
                line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' '))
            {
                self.push_family(&mut written, name, kind, help);
            } else {
                written.extend_from_slice(line.as_bytes());
                written.push(b'\n');
            }
        }
        Cow::Owned(written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines are those of the examples in the `OpenMetrics` specification 1.0.
    #[test]
    fn open_metrics_names_counters_without_total_and_tells_units() {
        let text = "# HELP process_cpu_seconds_total A \"total\".\n\
                    # TYPE process_cpu_seconds_total counter\n\
                    process_cpu_seconds_total 4.2\n\
                    # HELP up Up.\n# TYPE up gauge\nup 1\n";
        assert_eq!(Format::Text.of_text(text).as_ref(), text.as_bytes());
        let written = Format::OpenMetrics.of_text(text).into_owned();
        assert_eq!(
            String::from_utf8(written).expect("text"),
            "# HELP process_cpu_seconds A \\\"total\\\".\n# TYPE process_cpu_seconds counter\n\
             # UNIT process_cpu_seconds seconds\nprocess_cpu_seconds_total 4.2\n\
             # HELP up Up.\n# TYPE up gauge\nup 1\n"
        );
    }
}
