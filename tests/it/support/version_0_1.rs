//! What version 0.1 has left.

use std::time::SystemTime;

use serde_json::Value as Json;

use super::documents::document;

/// The state of version 0.1, with all its times later by the same number of seconds, so that the
/// last of them is a minute ago.
pub fn saved_state() -> (String, f64) {
    let mut state: Json =
        serde_json::from_str(&document("tests/version-0.1/state.json")).expect("JSON");
    let times = |state: &Json| -> Vec<f64> {
        let providers = state["providers"].as_array().expect("providers");
        providers.iter().filter_map(|provider| provider["last_attempt"].as_f64()).collect()
    };
    let last = times(&state).into_iter().fold(0.0, f64::max);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    let later = now.as_secs_f64() - 60.0 - last;
    let mut open = vec![&mut state];
    while let Some(part) = open.pop() {
        match part {
            Json::Object(members) => open.extend(members.values_mut()),
            Json::Array(items) => open.extend(items),
            value => {
                if let Some(time) = value.as_f64().filter(|number| *number > 1e9) {
                    *value = (time + later).into();
                }
            }
        }
    }
    (state.to_string(), later)
}
