//! Samples, and the table at the end.

/// The result of each round.
#[derive(Clone)]
pub struct Samples(pub Vec<f64>);

impl Samples {
    /// A value that is measured only once.
    pub fn one(value: f64) -> Self {
        Self(vec![value])
    }

    /// The median.
    pub fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        if sorted.len() % 2 == 1 {
            sorted[middle]
        } else {
            f64::midpoint(sorted[middle - 1], sorted[middle])
        }
    }

    /// The ratio to the other samples, round by round. Both values of a round are measured within
    /// seconds, so a busy machine changes both.
    pub fn over(&self, other: &Self) -> Self {
        // A value that was measured once counts for each round.
        let theirs = other.0.iter().copied().chain(std::iter::repeat(other.median()));
        Self(self.0.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect())
    }

    fn range(&self) -> (f64, f64) {
        self.0.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(*value), high.max(*value))
        })
    }
}

/// The limits of a figure: the required value, and the aim.
#[derive(Clone, Copy)]
pub enum Reach {
    /// No limit; the figure explains others.
    Nothing,
    /// Limits of the ratio.
    Ratio(f64, f64),
    /// Limits of the figure itself, in its unit.
    Value(f64, f64),
}

/// One line of the table.
pub struct Row {
    metric: String,
    unit: &'static str,
    ours: Samples,
    peer: Option<(String, Samples)>,
    missing: Option<String>,
    reach: Reach,
}

impl Row {
    /// A figure of credwatch.
    pub fn new(metric: impl Into<String>, ours: Samples, unit: &'static str) -> Self {
        Self { metric: metric.into(), unit, ours, peer: None, missing: None, reach: Reach::Nothing }
    }

    /// Adds the figure of another program, in the same unit.
    pub fn beside(self, name: impl Into<String>, theirs: &Samples) -> Self {
        Self { peer: Some((name.into(), theirs.clone())), ..self }
    }

    /// Says why the figure of the other program is missing.
    pub fn without(self, why: impl Into<String>) -> Self {
        Self { missing: Some(why.into()), ..self }
    }

    /// Sets the limits.
    pub fn reach(self, reach: Reach) -> Self {
        Self { reach, ..self }
    }

    fn cells(&self) -> [String; 6] {
        let ratio = self.peer.as_ref().map(|(_, theirs)| self.ours.over(theirs));
        let peer = match (&self.peer, &self.missing) {
            (Some((name, theirs)), _) => format!("{} {name}", figure(theirs.median(), self.unit)),
            (None, Some(why)) => why.clone(),
            (None, None) => String::new(),
        };
        let shown = ratio.as_ref().map_or_else(String::new, |ratio| {
            let (low, high) = ratio.range();
            format!("{} ({}–{})", digits(ratio.median()), digits(low), digits(high))
        });
        let judged = match self.reach {
            Reach::Nothing => None,
            Reach::Ratio(reach, aim) => ratio.map(|ratio| (ratio.median(), reach, aim)),
            Reach::Value(reach, aim) => Some((self.ours.median(), reach, aim)),
        };
        let verdict = match judged {
            None => "",
            Some((value, _, aim)) if value <= aim => "aim reached",
            Some((value, reach, _)) if value <= reach => "reached",
            Some(_) => "MISSED",
        };
        let target = match self.reach {
            Reach::Nothing => String::new(),
            Reach::Ratio(reach, _) => format!("≤ {} ×", digits(reach)),
            Reach::Value(reach, _) => format!("≤ {} {}", trimmed(reach), self.unit),
        };
        [
            self.metric.clone(),
            figure(self.ours.median(), self.unit),
            peer,
            shown,
            target,
            verdict.to_owned(),
        ]
    }
}

fn figure(value: f64, unit: &str) -> String {
    if unit.is_empty() { trimmed(value) } else { format!("{} {unit}", digits(value)) }
}

/// The number with three significant digits.
fn digits(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        large if large >= 10.0 => format!("{value:.1}"),
        large if large >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// The number without trailing zeros.
fn trimmed(value: f64) -> String {
    format!("{value}")
}

/// A count as a floating-point number.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
pub fn float(count: u64) -> f64 {
    count as f64
}

/// The table as text.
pub fn print(rows: &[Row]) -> String {
    let heads =
        ["metric", "credwatch", "floor or peer", "ratio (range)", "reach", ""].map(str::to_owned);
    let lines: Vec<[String; 6]> =
        std::iter::once(heads).chain(rows.iter().map(Row::cells)).collect();
    let width = |column: usize| {
        lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..6).map(width).collect();
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        let cells: Vec<String> =
            line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
        if number == 0 {
            let rules: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
            text.push_str(rules.join("  ").trim_end());
            text.push('\n');
        }
    }
    text
}
