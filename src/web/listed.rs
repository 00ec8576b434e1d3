//! The list of credentials of a provider, as JSON.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::outcome::Expiry;
use crate::provider::Provider;
use crate::state::{Listed, is_over};
use crate::time::date;

/// The last complete list, and why the last try did not read it as a whole.
pub fn listed(listed: &Listed, provider: &Provider, now: Timestamp) -> Value {
    let live = listed.live(provider, now);
    let credentials: Vec<Value> = listed
        .ends(provider)
        .map(|(row, expiry)| {
            json!({
                "name": &*row.name,
                "expires": expiry.time().map(date),
                "never_expires": expiry == Expiry::Never,
                "created": row.created.map(date),
                "replaced": is_over(expiry, now) && live.contains(&*row.title),
            })
        })
        .collect();
    let failure = listed.failure().map(|failure| {
        json!({
            "reason": failure.reason.word(),
            "code": failure.code.as_str(),
            "message": failure.message.as_str(),
        })
    });
    json!({
        "last_complete": listed.complete().map(date),
        "dropped": listed.list().dropped,
        "failure": failure,
        "credentials": credentials,
    })
}
