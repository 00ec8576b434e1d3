//! The two text formats of an exposition.

use std::borrow::Cow;

use jiff::Timestamp;

use crate::time::unix_seconds;

/// The format of an exposition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// The Prometheus text format 0.0.4.
    #[default]
    Text,
    /// `OpenMetrics` 1.0. Samples are the same; help, type and unit differ, and there is an end.
    OpenMetrics,
}

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

    /// The last line.
    pub(super) fn end(self) -> &'static [u8] {
        match self {
            Self::Text => b"",
            Self::OpenMetrics => b"# EOF\n",
        }
    }

    /// Whether samples can tell when a counter or histogram began.
    pub(super) fn has_created(self) -> bool {
        self == Self::OpenMetrics
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

    /// A whole exposition in the text format, in this format but without its end. All counters and
    /// histograms began at `created`; `None` when that is not told.
    pub(super) fn of_text(self, text: &str, created: Option<Timestamp>) -> Cow<'_, [u8]> {
        if self == Self::Text {
            return Cow::Borrowed(text.as_bytes());
        }
        let mut written = Vec::with_capacity(text.len() + 1_024);
        let (mut help, mut told) = ("", None);
        for line in text.lines() {
            if let Some((_, rest)) =
                line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' '))
            {
                help = rest;
            } else if let Some((name, kind)) =
                line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' '))
            {
                self.push_family(&mut written, name, kind, help);
                told = created.and_then(|created| Some((last_sample(name, kind)?, created)));
            } else {
                written.extend_from_slice(line.as_bytes());
                written.push(b'\n');
                if let Some(((sample, name), created)) = &told
                    && let Some(rest) = line.strip_prefix(sample)
                    && let Some((labels, _)) = rest.rsplit_once(' ')
                {
                    let line = format!("{name}_created{labels} {}\n", unix_seconds(*created));
                    written.extend_from_slice(line.as_bytes());
                }
            }
        }
        Cow::Owned(written)
    }
}

/// The name of the last sample of a counter or histogram, and the name of the family in
/// `OpenMetrics`; `None` for a gauge.
fn last_sample<'n>(name: &'n str, kind: &str) -> Option<(String, &'n str)> {
    match kind {
        "counter" => Some((name.to_owned(), name.strip_suffix("_total").unwrap_or(name))),
        "histogram" => Some((format!("{name}_count"), name)),
        _ => None,
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
        assert_eq!(Format::Text.of_text(text, None).as_ref(), text.as_bytes());
        let written = Format::OpenMetrics.of_text(text, None).into_owned();
        assert_eq!(
            String::from_utf8(written).expect("text"),
            "# HELP process_cpu_seconds A \\\"total\\\".\n# TYPE process_cpu_seconds counter\n\
             # UNIT process_cpu_seconds seconds\nprocess_cpu_seconds_total 4.2\n\
             # HELP up Up.\n# TYPE up gauge\nup 1\n"
        );
    }

    #[test]
    fn each_counter_and_histogram_tells_when_it_began_after_its_last_sample() {
        let text = "# HELP a_total A.\n# TYPE a_total counter\n\
                    a_total{x=\"1 2\"} 4\na_total{x=\"\"} 5\n\
                    # HELP h H.\n# TYPE h histogram\n\
                    h_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 2\nh_sum 0.5\nh_count 2\n\
                    # HELP up Up.\n# TYPE up gauge\nup 1\n";
        let began = Timestamp::from_millisecond(1_798_761_600_250).expect("a time");
        let written = Format::OpenMetrics.of_text(text, Some(began)).into_owned();
        let written = String::from_utf8(written).expect("text");
        let samples: Vec<&str> = written.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            samples,
            [
                "a_total{x=\"1 2\"} 4",
                "a_created{x=\"1 2\"} 1798761600.25",
                "a_total{x=\"\"} 5",
                "a_created{x=\"\"} 1798761600.25",
                "h_bucket{le=\"1\"} 2",
                "h_bucket{le=\"+Inf\"} 2",
                "h_sum 0.5",
                "h_count 2",
                "h_created 1798761600.25",
                "up 1",
            ]
        );
        assert!(
            !String::from_utf8_lossy(&Format::Text.of_text(text, Some(began))).contains("_created")
        );
    }
}
