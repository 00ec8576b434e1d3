//! A reader of `/metrics` that checks the rules of the exposition format.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hasher, RandomState};

use crate::files::number;
use crate::truth::Class;

/// The state of a provider, as the daemon reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Unknown,
    Healthy,
    Failing,
    Broken,
}

impl State {
    /// The state with this label value.
    pub fn from_word(word: &str) -> Option<Self> {
        [
            ("unknown", Self::Unknown),
            ("healthy", Self::Healthy),
            ("failing", Self::Failing),
            ("broken", Self::Broken),
        ]
        .into_iter()
        .find_map(|(known, state)| (known == word).then_some(state))
    }
}

/// The content of one scrape.
#[derive(Clone, Default)]
pub struct Reading {
    /// Each provider with its state and the class of its failure.
    pub states: HashMap<usize, (State, Option<Class>)>,
    pub in_flight: f64,
    /// How many providers are paused.
    pub paused: usize,
    pub reload_worked: bool,
    /// When the current configuration was loaded.
    pub reloaded_at: f64,
    pub series: usize,
}

/// Compares each scrape with the one before.
#[derive(Default)]
pub struct Exposition {
    hasher: RandomState,
    /// All counters of the last scrape, by the hash of their series.
    counters: HashMap<u64, f64>,
    providers: HashSet<usize>,
}

/// At most so many problems of one scrape are kept.
const MOST_PROBLEMS: usize = 5;

impl Exposition {
    /// Reads one scrape. Returns its content and its problems.
    pub fn read(&mut self, text: &str) -> (Reading, Vec<String>) {
        let mut page = Page {
            reading: Reading::default(),
            problems: Vec::new(),
            family: "",
            kind: "",
            families: HashSet::new(),
        };
        let mut seen = HashSet::with_capacity(self.counters.len() * 2);
        let mut counters = HashMap::with_capacity(self.counters.len());
        if !text.ends_with('\n') {
            page.problem("the text does not end with a line feed", "");
        }
        for line in text.lines() {
            if let Some(comment) = line.strip_prefix("# ") {
                page.comment(comment);
                continue;
            }
            let Some((series, value)) = page.sample(line) else { continue };
            let mut hasher = self.hasher.build_hasher();
            hasher.write(series.as_bytes());
            let hash = hasher.finish();
            if !seen.insert(hash) {
                page.problem("a series appears twice", line);
            }
            if page.kind == "gauge" {
                continue;
            }
            counters.insert(hash, value);
            // If reloads removed a provider and added it again, its counters start at zero.
            let stayed =
                provider_of(series).is_none_or(|provider| self.providers.contains(&provider));
            if let Some(before) =
                self.counters.get(&hash).filter(|before| stayed && value < **before)
            {
                page.problem(&format!("a counter has decreased from {before}"), line);
            }
        }
        page.reading.series = seen.len();
        self.counters = counters;
        self.providers = page.reading.states.keys().copied().collect();
        page.problems.truncate(MOST_PROBLEMS);
        (page.reading, page.problems)
    }
}

struct Page<'a> {
    reading: Reading,
    problems: Vec<String>,
    family: &'a str,
    kind: &'a str,
    families: HashSet<&'a str>,
}

impl<'a> Page<'a> {
    fn problem(&mut self, problem: &str, line: &str) {
        self.problems.push(format!("/metrics: {problem}: {line}"));
    }

    fn comment(&mut self, comment: &'a str) {
        let mut words = comment.splitn(3, ' ');
        let (what, name, rest) =
            (words.next(), words.next().unwrap_or_default(), words.next().unwrap_or_default());
        match what {
            Some("HELP") if !rest.is_empty() => {}
            Some("TYPE") if matches!(rest, "gauge" | "counter" | "histogram") => {
                if !self.families.insert(name) {
                    self.problem("a family appears twice", comment);
                }
                (self.family, self.kind) = (name, rest);
            }
            _ => self.problem("the comment is neither HELP nor TYPE", comment),
        }
    }

    /// Reads a line. Returns its series and its value.
    fn sample(&mut self, line: &'a str) -> Option<(&'a str, f64)> {
        let parsed = line
            .rsplit_once(' ')
            .and_then(|(series, value)| Some((series, value.parse::<f64>().ok()?)));
        let Some((series, value)) = parsed else {
            self.problem("the line is no sample", line);
            return None;
        };
        if !value.is_finite() {
            self.problem("the value is not a finite number", line);
        }
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let suffix = name.strip_prefix(self.family).unwrap_or("?");
        if !(suffix.is_empty()
            || self.kind == "histogram" && matches!(suffix, "_bucket" | "_sum" | "_count"))
        {
            self.problem(&format!("the sample is among those of {}", self.family), line);
        }
        if !are_labels(labels) {
            self.problem("the labels are malformed", line);
        }
        match name {
            "credwatch_probes_in_flight" => self.reading.in_flight = value,
            "credwatch_provider_paused" if value > 0.0 => self.reading.paused += 1,
            "credwatch_config_last_reload_successful" => self.reading.reload_worked = value > 0.5,
            "credwatch_config_last_reload_success_timestamp_seconds" => {
                self.reading.reloaded_at = value;
            }
            "credwatch_provider_state" if value > 0.5 => {
                let state = label(labels, "state").and_then(State::from_word);
                let Some((provider, state)) = provider_of(series).zip(state) else {
                    self.problem("the provider or the state is unknown", line);
                    return None;
                };
                if self.reading.states.insert(provider, (state, None)).is_some() {
                    self.problem("a provider has two states", line);
                }
            }
            "credwatch_provider_failure_info" => {
                let class = label(labels, "class").and_then(Class::from_word);
                match provider_of(series)
                    .and_then(|provider| self.reading.states.get_mut(&provider))
                {
                    Some(known) if class.is_some() => known.1 = class,
                    _ => self.problem("the provider or the class is unknown", line),
                }
            }
            _ => {}
        }
        Some((series, value))
    }
}

/// Whether the rest of a series after `{` is labels and `}`.
fn are_labels(labels: &str) -> bool {
    let mut rest = labels;
    while rest != "}" {
        let Some((name, value)) = rest.split_once("=\"") else { return false };
        let Some(end) = end_of_value(value) else { return false };
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if name.is_empty() || !name.bytes().all(is_name) {
            return false;
        }
        rest = value[end + 1..].trim_start_matches(',');
    }
    true
}

/// The place of the quote at the end of a value.
fn end_of_value(value: &str) -> Option<usize> {
    let mut is_escaped = false;
    value.bytes().position(|byte| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    })
}

/// The value of this label.
pub fn label<'a>(labels: &'a str, name: &str) -> Option<&'a str> {
    let start = labels.find(&format!("{name}=\""))? + name.len() + 2;
    labels[start..].split('"').next()
}

/// The provider of a series. `None` for a series about the daemon itself.
pub fn provider_of(series: &str) -> Option<usize> {
    const START: &str = "{provider=\"";
    let start = series.find(START)? + START.len();
    number(series[start..].split('"').next()?)
}
