//! The end of a credential in words, and as JSON.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::outcome::Expiry;
use crate::time::{human_duration, unix_seconds};

/// What is known about an end, in words that follow the name of the credential.
pub fn told(expiry: Expiry, now: Timestamp) -> String {
    match expiry {
        Expiry::At(time) => {
            let left = unix_seconds(time) - unix_seconds(now);
            let at = time.strftime("%Y-%m-%d %H:%M:%S UTC");
            if left > 0.0 {
                format!("ends in {}, at {at}", human_duration(left))
            } else {
                format!("ended {} ago, at {at}", human_duration(-left))
            }
        }
        Expiry::Never => "never ends".into(),
        Expiry::Unknown => "has no known end".into(),
    }
}

/// A time, `"never"`, or null when the end is not known.
pub fn expires(expiry: Expiry) -> Value {
    match expiry {
        Expiry::At(end) => json!(end.to_string()),
        Expiry::Never => json!("never"),
        Expiry::Unknown => json!(null),
    }
}
