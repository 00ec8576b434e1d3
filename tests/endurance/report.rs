//! The report: a table at the end of the campaign.

use std::time::Duration;

/// One line of the table. `kept` says whether the bound was kept, if there is one.
pub struct Row {
    what: String,
    seen: String,
    bound: String,
    kept: Option<bool>,
}

/// All lines, and all violations of a bound.
#[derive(Default)]
pub struct Report {
    rows: Vec<Row>,
    pub violations: Vec<String>,
    excused: f64,
}

/// The content of a cell: a text or a number.
pub struct Cell(String);

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<usize> for Cell {
    fn from(number: usize) -> Self {
        Self(number.to_string())
    }
}

/// The report shows at most so many examples of one kind.
const MOST_EXAMPLES: usize = 5;

impl Report {
    /// Adds a figure without a bound, which explains others.
    pub fn figure(&mut self, what: &str, seen: impl Into<Cell>) {
        self.rows.push(Row {
            what: what.to_owned(),
            seen: seen.into().0,
            bound: String::new(),
            kept: None,
        });
    }

    /// Adds a figure with a bound.
    pub fn judge(&mut self, what: &str, seen: impl Into<Cell>, bound: impl Into<Cell>, kept: bool) {
        let (Cell(seen), Cell(bound)) = (seen.into(), bound.into());
        if !kept {
            self.violations.push(format!("{what}: {seen}, where the bound is {bound}"));
        }
        self.rows.push(Row { what: what.to_owned(), seen, bound, kept: Some(kept) });
    }

    /// Adds a list that must be empty.
    pub fn none(&mut self, what: &str, found: &[String]) {
        self.judge(what, found.len(), 0, found.is_empty());
        self.violations
            .extend(found.iter().take(MOST_EXAMPLES).map(|example| format!("  {example}")));
    }

    /// Sets the share of pauses that were outside their bounds because the machine was too busy.
    pub fn excused(&mut self, part: f64) {
        self.excused = part;
    }

    /// The last line of a campaign without violations.
    pub fn passed(&self) -> String {
        // Times on a busy machine prove nothing about the daemon.
        if self.excused > 0.01 {
            return format!(
                "endurance: passed as far as could be judged: the machine was too busy for {:.0} % \
                 of all pauses",
                self.excused * 100.0
            );
        }
        "endurance: passed".into()
    }

    /// The table as text.
    pub fn table(&self) -> String {
        let lines: Vec<[&str; 4]> = std::iter::once(["", "seen", "bound", ""])
            .chain(self.rows.iter().map(|row| {
                let verdict = row.kept.map_or("", |kept| if kept { "kept" } else { "BROKEN" });
                [row.what.as_str(), &row.seen, &row.bound, verdict]
            }))
            .collect();
        let width = |column: usize| {
            lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default()
        };
        let widths = [width(0), width(1), width(2)];
        let mut text = String::new();
        for [what, seen, bound, verdict] in lines {
            let line = format!(
                "{what:<0$}  {seen:<1$}  {bound:<2$}  {verdict}",
                widths[0], widths[1], widths[2]
            );
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// Median, 99th percentile and maximum, in seconds, as text.
pub fn quantiles(times: &[Duration]) -> String {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    // The nearest rank.
    let at = |percent: usize| {
        sorted
            .get((sorted.len() * percent).div_ceil(100).max(1) - 1)
            .map_or(f64::NAN, Duration::as_secs_f64)
    };
    if sorted.is_empty() {
        "none".into()
    } else {
        format!("p50 {:.2} s, p99 {:.2} s, max {:.2} s", at(50), at(99), at(100))
    }
}

/// A count as a floating-point number.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
pub fn float(count: usize) -> f64 {
    count as f64
}
