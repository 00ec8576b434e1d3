//! Compiles the rules for a list of credentials.

use std::ops::Range;
use std::time::Duration;

use super::compiler::Compiler;
use super::meanings::ANSWER;
use crate::diagnostic::{Sentence, Shown};
use crate::document::{Expressions, OneOrSeveral, Text};
use crate::language::expression::{Compiled, Side};
use crate::language::flow::keeps_whole_values;
use crate::language::taint::paths;
use crate::language::uses::uses;
use crate::recipe::definition::{CredentialKind, List, RowTime, TimeRule};
use crate::recipe::list_rules::{ListRules, RowPlace};

/// The most pages of a list.
const MOST_PAGES: u32 = 100;
/// The most credentials of a list that are kept.
const MOST_LISTED: u32 = 1_000;
/// How often a list can be read.
const INTERVALS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(7 * 24 * 3600)];

/// The members of a row that hold its inner rows and that no other rule uses.
fn inner_rows<'c>(
    each: &[Compiled],
    others: impl Iterator<Item = &'c Compiled>,
) -> Vec<Vec<String>> {
    let of_the_row = |rule: &Compiled| {
        let paths = paths(&rule.source).into_iter().filter(|path| path[0] == "row");
        paths.map(|path| path[1..].to_vec()).collect::<Vec<_>>()
    };
    let used: Vec<Vec<String>> = others.flat_map(of_the_row).collect();
    let is_free = |path: &Vec<String>| {
        !used.iter().any(|other| other.starts_with(path) || path.starts_with(other))
    };
    each.iter().flat_map(of_the_row).filter(is_free).collect()
}

impl Compiler<'_> {
    /// Compiles the list of a recipe. The names of the answer are known at this point.
    pub fn list(&mut self, list: &List, place: &Range<usize>) -> Option<ListRules> {
        let span = list.rows.as_ref().map_or(place.clone(), |rows| rows.0.span());
        if self.kind != CredentialKind::Static {
            self.fault(span.clone(), "`response.list` needs `kind = \"static\"`").hint =
                Some("request the token in a step, and read the list with it".into());
        }
        let Some(rows) = &list.rows else {
            self.fault(span, "the list has no `rows`").hint = Some(
                "say where the rows are in the answer, such as `rows = \"json.items\"`".into(),
            );
            return None;
        };
        self.bounds(list, &span);
        let rows = self.rows_of_the_answer(rows)?;
        for name in ["row", "each"] {
            if self.names.contains(name) {
                let problem = Sentence::fill(
                    "`{}` has a meaning of its own in `response.list`",
                    [name.into()],
                );
                self.fault(span.clone(), problem).hint = Some("choose another name".into());
                return None;
            }
        }
        let next = list.next.as_ref().and_then(|text| self.rule(text));
        self.names.add_members("row", &[]);
        let each = self.rules(&list.each);
        if !each.is_empty() {
            self.names.add_members("each", &[]);
        }
        let (name, id) = (self.texts_of_rows(&list.name), self.texts_of_rows(&list.id));
        if list.name.0.is_empty() && list.id.0.is_empty() {
            self.fault(span, "the list has neither `name` nor `id`").hint = Some(
                "say what the credential of a row is called, such as `name = \"row.name\"`".into(),
            );
        }
        let (expiry, created) = (self.row_times(&list.expiry), self.times(&list.created.0));
        let keep = list.keep.as_ref().and_then(|text| self.rule(text));
        let times = expiry.iter().map(|place| &place.rule);
        let times = times.chain(created.iter().map(|(rule, _)| rule));
        let others = name.iter().chain(&id).chain(times).chain(&keep);
        let inner = inner_rows(&each, others);
        Some(ListRules {
            rows,
            each,
            inner,
            name,
            id,
            expiry,
            created,
            keep,
            next,
            max_pages: list.max_pages as usize,
            most: list.most as usize,
            interval: list.interval.0,
        })
    }

    /// Compiles `rows`, which must use the answer.
    fn rows_of_the_answer(&mut self, rows: &Text) -> Option<Compiled> {
        let source = rows.0.get_ref();
        let uses_secret = || uses(source).iter().any(|used| self.names.is_secret(&used.path[0]));
        // Rows are not shown, so the whole body may be one of several places.
        let is_whole = self.hidden.is_empty() && keeps_whole_values(source) && !uses_secret();
        let rule = if is_whole { self.expression(Side::Response, rows)? } else { self.rule(rows)? };
        if !ANSWER.iter().any(|name| rule.uses.contains(*name)) {
            self.fault(rows.0.span(), "this rule uses no value of the answer").hint =
                Some("say where the rows are, such as `rows = \"json.items\"`".into());
            return None;
        }
        Some(rule)
    }

    /// Compiles the rules for what a credential is called. Secret members are removed from the rows
    /// only, so these rules use nothing else of the answer.
    fn texts_of_rows(&mut self, rules: &Expressions) -> Vec<Compiled> {
        let compiled = self.rules(rules);
        for (rule, text) in compiled.iter().zip(&rules.0) {
            if let Some(name) = ANSWER.iter().find(|name| rule.uses.contains(**name)) {
                let problem =
                    Sentence::fill("the name of a credential must not use `{}`", [(*name).into()]);
                self.fault(text.0.span(), problem).hint =
                    Some("use the members of `row` and `each`".into());
            }
        }
        compiled
    }

    fn row_times(&mut self, rules: &OneOrSeveral<RowTime>) -> Vec<RowPlace> {
        let compile = |RowTime { value, unit, absent }: &RowTime| {
            let times = self.times(&[TimeRule { value: value.clone(), unit: *unit }]);
            let places = times.into_iter();
            places.map(|(rule, unit)| RowPlace { rule, unit, absent: *absent }).next()
        };
        rules.0.iter().filter_map(compile).collect()
    }

    fn bounds(&mut self, list: &List, span: &Range<usize>) {
        let numbers = [("max_pages", list.max_pages, MOST_PAGES), ("most", list.most, MOST_LISTED)];
        for (key, number, largest) in numbers {
            if !(1..=largest).contains(&number) {
                let words = [key.into(), Shown::outside_of_files(largest)];
                let problem = Sentence::fill("`list.{}` is a number from 1 to {}", words);
                self.fault(span.clone(), problem);
            }
        }
        if !(INTERVALS[0]..=INTERVALS[1]).contains(&list.interval.0) {
            self.fault(span.clone(), "`list.interval` is a time from `1s` to `7d`");
        }
    }
}
