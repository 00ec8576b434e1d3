//! Reads the rows of one page.

use std::sync::Arc;

use jiff::Timestamp;
use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, Value};
use serde_json::Value as Json;

use crate::language::answer::describe;
use crate::language::context::Context;
use crate::language::convert::scalar;
use crate::language::expression::{Compiled, explain};
use crate::language::flow::keeps_whole_values;
use crate::language::tree::Tree;
use crate::outcome::{Expiry, Failure, ListReadings, Named, malformed};
use crate::recipe::definition::Absent;
use crate::recipe::expiry::{created_at, credential_ends_at};
use crate::recipe::list_rules::ListRules;
use crate::secret::{HIDDEN, Redactor, is_listed_secret};

/// The longest text of a name that is looked at, in bytes.
const LONGEST_TEXT: usize = 1_024;

/// The rules for the rows of one page, and what the page says beside its rows.
pub struct Page<'a> {
    pub rules: &'a ListRules,
    /// The values that each rule can use, beside the row.
    pub names: &'a Context,
    pub body: &'a [u8],
    /// When the page arrived.
    pub received: Timestamp,
    /// The secrets that no name may show.
    pub secrets: &'a Redactor,
}

/// A row, whole and without the members that are secret by their names.
struct Row {
    whole: (Arc<Tree>, usize),
    open: (Arc<Tree>, usize),
    /// The values of the secret members.
    hidden: Arc<[String]>,
    /// Whether a text of the row is a secret, so that nothing made of it may be shown.
    repeats_secret: bool,
}

impl Page<'_> {
    /// Adds the credentials of the rows of this page to `found`, `room` at most. Returns how many
    /// rows were not looked at.
    ///
    /// # Errors
    /// When the page has no rows, or a time in a row cannot be read.
    pub fn read(
        &self,
        mut room: usize,
        found: &mut Vec<Named>,
        reading: &mut ListReadings,
    ) -> Result<(usize, usize), Failure> {
        let rows = self.rules.rows.evaluate(&self.names.value());
        let Some(rows) = rows.map_err(|error| self.unreadable("rows", &error))?.into_rows() else {
            let body = describe(self.body);
            let problem = format!("the answer, {body}, has no rows where the list should be");
            return Err(malformed("list_missing", &problem));
        };
        let (before, mut left_out) = (room, 0);
        for row in rows {
            if self.rules.each.is_empty() {
                left_out += usize::from(room == 0);
                if room > 0 {
                    room -= 1;
                    let row = self.row(serde_json::to_value(&row).unwrap_or_default());
                    found.extend(self.credential(&row, None, reading)?);
                }
                continue;
            }
            if room == 0 {
                // At least the row itself.
                left_out += 1;
                continue;
            }
            let outer = serde_json::to_value(&row).unwrap_or_default();
            let inner = self.inner_rows(&outer)?;
            left_out += inner.len().saturating_sub(room);
            let outer = self.row(self.without_inner_rows(outer));
            for row in inner.into_iter().take(room) {
                room -= 1;
                let row = self.row(serde_json::to_value(&row).unwrap_or_default());
                found.extend(self.credential(&outer, Some(&row), reading)?);
            }
        }
        reading.pages += 1;
        reading.rows += before - room;
        Ok((before - room, left_out))
    }

    /// The inner rows of a row, those of each array in turn.
    fn inner_rows(&self, outer: &Json) -> Result<Vec<Value>, Failure> {
        let (tree, size) = (Arc::new(Tree::new(outer.clone())), size(outer));
        let names = self.names_of(&(tree, size), None);
        let mut all = Vec::new();
        for rule in &self.rules.each {
            match rule.evaluate(&names.value()) {
                Ok(inner) => all.extend(inner.into_rows().unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::UndefinedError => {}
                Err(error) => return Err(self.unreadable("each", &error)),
            }
        }
        Ok(all)
    }

    /// The row as the rules for its inner rows see it. Each evaluation costs the size of the row,
    /// so the arrays of inner rows would use up the budget.
    fn without_inner_rows(&self, mut outer: Json) -> Json {
        for path in &self.rules.inner {
            let Some((name, holders)) = path.split_last() else { continue };
            let holder = holders.iter().try_fold(&mut outer, |holder, name| holder.get_mut(name));
            if let Some(members) = holder.and_then(Json::as_object_mut) {
                members.remove(name);
            }
        }
        outer
    }

    fn row(&self, json: Json) -> Row {
        let (mut open, mut hidden) = (json.clone(), Vec::new());
        remove_secrets(&mut open, &mut hidden);
        let repeats_secret = repeats_secret(&open, self.secrets);
        let tree = |json: Json| {
            let size = size(&json);
            (Arc::new(Tree::new(json)), size)
        };
        Row { whole: tree(json), open: tree(open), hidden: hidden.into(), repeats_secret }
    }

    fn names_of(&self, row: &(Arc<Tree>, usize), each: Option<&(Arc<Tree>, usize)>) -> Context {
        let mut names = self.names.clone();
        for (name, tree) in [("row", Some(row)), ("each", each)] {
            if let Some((tree, size)) = tree {
                names.add_tree(name, Arc::clone(tree), *size);
            }
        }
        names
    }

    /// The credential of a row; `None` when it does not count.
    fn credential(
        &self,
        row: &Row,
        each: Option<&Row>,
        reading: &mut ListReadings,
    ) -> Result<Option<Named>, Failure> {
        let names = self.names_of(&row.whole, each.map(|each| &each.whole));
        if let Some(keep) = &self.rules.keep {
            match keep.evaluate(&names.value()) {
                Ok(value) if value.is_true() => {}
                Err(error) if error.kind() != ErrorKind::UndefinedError => {
                    return Err(self.unreadable("keep", &error));
                }
                Ok(_) | Err(_) => {
                    reading.not_kept += 1;
                    return Ok(None);
                }
            }
        }
        let (expiry, created) = (self.expiry(&names)?, self.created(&names)?);
        let open = self.names_of(&row.open, each.map(|each| &each.open));
        let rows = [Some(row), each];
        let mut text = |rules: &[Compiled]| {
            for rule in rules {
                let text = self.text(rule, &open, rows);
                match &text {
                    Some(text) if text == HIDDEN => reading.hide(&rule.source, false),
                    None if is_removed(rule, &names) => reading.hide(&rule.source, true),
                    _ => {}
                }
                if let Some(text) = text {
                    return text;
                }
            }
            String::new()
        };
        let (name, id) = (text(&self.rules.name), text(&self.rules.id));
        Ok(Some(Named { name, id, expiry, created }))
    }

    /// The text of a rule for a name, without secrets; `None` when it is blank.
    fn text(&self, rule: &Compiled, names: &Context, rows: [Option<&Row>; 2]) -> Option<String> {
        let rows = || rows.into_iter().flatten();
        let is_whole = keeps_whole_values(&rule.source);
        if !is_whole && rows().any(|row| row.repeats_secret) {
            return Some(HIDDEN.to_owned());
        }
        let value = rule.evaluate(&names.value()).ok()?;
        let text = match value.kind() {
            ValueKind::String => value.as_str()?.to_owned(),
            ValueKind::Number => scalar(&value).ok()?,
            _ => return None,
        };
        let end = (0..=text.len().min(LONGEST_TEXT)).rev().find(|at| text.is_char_boundary(*at))?;
        let holds = |row: &Row| row.hidden.iter().any(|secret| text.contains(secret.as_str()));
        let is_hidden = rows().any(holds);
        let text = text[..end].trim();
        if text.is_empty() {
            return None;
        }
        let is_hidden = is_hidden || !is_whole && self.secrets.has_part(text);
        Some(if is_hidden { HIDDEN.to_owned() } else { self.secrets.scrub(text) })
    }

    /// When the credential ends: the first time, else never if a rule says so.
    fn expiry(&self, names: &Context) -> Result<Expiry, Failure> {
        let mut never = Expiry::Unknown;
        for place in &self.rules.expiry {
            let expiry = match self.value_at("expiry", &place.rule, names)? {
                None if place.absent == Absent::Never => Expiry::Never,
                None => continue,
                Some(value) => credential_ends_at(&value, place.unit, self.received)
                    .map_err(|problem| no_time("expiry", &place.rule, &problem))?,
            };
            if let Expiry::At(_) = expiry {
                return Ok(expiry);
            }
            never = expiry;
        }
        Ok(never)
    }

    fn created(&self, names: &Context) -> Result<Option<Timestamp>, Failure> {
        for (rule, unit) in &self.rules.created {
            let Some(value) = self.value_at("created", rule, names)? else { continue };
            let created = created_at(&value, *unit, self.received)
                .map_err(|problem| no_time("created", rule, &problem))?;
            if created.is_some() {
                return Ok(created);
            }
        }
        Ok(None)
    }

    fn value_at(
        &self,
        key: &str,
        rule: &Compiled,
        names: &Context,
    ) -> Result<Option<Value>, Failure> {
        match rule.evaluate(&names.value()) {
            Ok(value) if value.is_undefined() => Ok(None),
            Ok(value) => Ok(Some(value)),
            Err(error) if error.kind() == ErrorKind::UndefinedError => Ok(None),
            Err(error) => Err(self.unreadable(key, &error)),
        }
    }

    fn unreadable(&self, key: &str, error: &Error) -> Failure {
        let problem = format!("`list.{key}` cannot be worked out: {}", explain(error));
        malformed("list_unreadable", &self.secrets.scrub(&problem))
    }
}

/// Whether a rule that found no name finds one in the whole rows.
fn is_removed(rule: &Compiled, whole: &Context) -> bool {
    let value = rule.evaluate(&whole.value()).unwrap_or_default();
    matches!(value.kind(), ValueKind::String | ValueKind::Number)
        && !value.as_str().is_some_and(|text| text.trim().is_empty())
}

fn no_time(key: &str, rule: &Compiled, problem: &str) -> Failure {
    let problem = format!("`list.{key}` at `{}` is {problem}", rule.source);
    malformed("list_unreadable", &problem)
}

trait IntoRows {
    /// The rows of a value: the items of an array, one object, or none for null. `None` for
    /// anything else.
    fn into_rows(self) -> Option<Vec<Value>>;
}

impl IntoRows for Value {
    fn into_rows(self) -> Option<Vec<Value>> {
        match self.kind() {
            ValueKind::Seq | ValueKind::Iterable => Some(self.try_iter().ok()?.collect()),
            // A list of one in XML is its only item.
            ValueKind::Map => Some(vec![self]),
            ValueKind::None => Some(Vec::new()),
            _ => None,
        }
    }
}

/// Removes the members that are secret by their names, and adds their texts to `hidden`.
fn remove_secrets(json: &mut Json, hidden: &mut Vec<String>) {
    match json {
        Json::Array(items) => items.iter_mut().for_each(|item| remove_secrets(item, hidden)),
        Json::Object(members) => members.retain(|name, value| {
            let texts: Vec<String> = match &*value {
                Json::Array(items) => items.iter().filter_map(text_of).collect(),
                value => text_of(value).into_iter().collect(),
            };
            let is_secret = texts.iter().any(|text| is_listed_secret(name, text));
            if is_secret {
                hidden.extend(texts.into_iter().filter(|text| is_listed_secret(name, text)));
            } else {
                remove_secrets(value, hidden);
            }
            !is_secret
        }),
        _ => {}
    }
}

fn text_of(json: &Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text.trim().to_owned()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Whether a text is a whole secret of the attempt.
fn repeats_secret(json: &Json, secrets: &Redactor) -> bool {
    match json {
        Json::String(text) => secrets.knows(text),
        Json::Array(items) => items.iter().any(|item| repeats_secret(item, secrets)),
        Json::Object(members) => members.values().any(|value| repeats_secret(value, secrets)),
        _ => false,
    }
}

/// About the bytes of a row.
fn size(json: &Json) -> usize {
    match json {
        Json::String(text) => text.len() + 3,
        Json::Array(items) => 2 + items.iter().map(size).sum::<usize>(),
        Json::Object(members) => {
            2 + members.iter().map(|(name, value)| name.len() + 4 + size(value)).sum::<usize>()
        }
        _ => 4,
    }
}
