//! Dates in a configuration.

use jiff::Timestamp;
use toml::value::Datetime;

use super::file;
use super::shared::Context;

/// When the secret of a provider expires.
pub fn secret_expires(file: &file::Provider, context: &mut Context<'_>) -> Option<Timestamp> {
    let date = file.secret_expires.as_ref()?;
    let Some(time) = timestamp(date.0.get_ref()) else {
        let problem = "expected a date such as 2027-01-31, or a date with time and offset, before \
                       the year 9999";
        context.error(date.0.span(), problem);
        return None;
    };
    if time < context.now {
        context.warn(date.0.span(), "this date is in the past: the secret has expired");
    }
    Some(time)
}

/// A date without a time stands for its start in UTC, so that the warning is not late.
pub fn timestamp(date: &Datetime) -> Option<Timestamp> {
    let text = date.to_string();
    match (date.date, date.time, date.offset) {
        (Some(_), Some(_), Some(_)) => text.parse().ok(),
        (Some(_), Some(_), None) => format!("{text}Z").parse().ok(),
        (Some(_), None, None) => format!("{text}T00:00:00Z").parse().ok(),
        _ => None,
    }
}
