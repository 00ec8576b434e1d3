//! Compares the list of credentials in a recorded exchange.

use super::Prepared;
use super::differences::{compare, words, written};
use crate::outcome::ListRead;

impl Prepared {
    /// Adds the differences between the expected list of credentials and this one.
    pub fn compare_list(&self, list: Option<&ListRead>, differences: &mut Vec<String>) {
        let expected = &self.exchange.outcome;
        let line = |name: &str, expires: &str| format!("{name}: {expires}");
        let (mut wanted, mut found) = (Vec::new(), Vec::new());
        for (place, row) in expected.listed.iter().enumerate() {
            wanted.push(line(&row.name, &written(&row.expires)));
            if let (Some(created), Some(Ok(list))) = (&row.created, list) {
                let real = list.rows.get(place).and_then(|row| row.created);
                let real = real.map_or_else(|| "unknown".to_owned(), |time| time.to_string());
                compare("created", &written(created), &real, differences);
            }
        }
        let (mut dropped, mut code) = (0, "");
        match list {
            Some(Ok(list)) => {
                found.extend(list.rows.iter().map(|row| line(&row.name, &words(row.expiry))));
                dropped = list.dropped;
            }
            Some(Err(failure)) => code = failure.code.as_str(),
            None => {}
        }
        compare("listed", &wanted.join(", "), &found.join(", "), differences);
        let wanted = expected.listed_dropped.to_string();
        compare("listed_dropped", &wanted, &dropped.to_string(), differences);
        compare("list_code", expected.list_code.as_deref().unwrap_or(""), code, differences);
    }
}
