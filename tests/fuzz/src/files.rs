//! The targets for texts of operators and for files: configuration, web config, sample commands,
//! saved state.

use std::sync::LazyLock;

use credwatch::authoring::{curl, draft};
use credwatch::config::load_text;
use credwatch::diagnostic::Fault;
use credwatch::state::saved::{self, Touched};
use credwatch::state::{Ledger, Moment};
use credwatch::web_config::WebConfig;
use jiff::Timestamp;

fn assert_shown(faults: &[Fault]) {
    for fault in faults {
        let text = fault.to_string();
        assert!(text.len() < 6_000, "a fault has {} bytes", text.len());
        assert!(
            !text.contains(|sign: char| sign.is_control() && sign != '\n'),
            "a fault controls the terminal: {text:?}"
        );
    }
}

/// Reads any configuration or refuses it with faults that can be printed.
pub fn configuration(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match load_text("fuzz", text) {
        Ok(plan) => assert_shown(&plan.warnings),
        Err(faults) => assert_shown(&faults),
    }
}

/// Reads any web config or refuses it.
pub fn web_config(data: &[u8]) {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), data).expect("writable");
    match WebConfig::load(Some(file.path())) {
        Ok(config) => assert_shown(config.warnings()),
        Err(faults) => assert_shown(&faults),
    }
}

/// Drafts a recipe from any text. A draft must load.
pub fn command(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let now = Timestamp::UNIX_EPOCH;
    let Ok(sample) = curl::parse(text) else { return };
    let Ok(draft) = draft::draft(&sample, draft::Options::default(), &[], now) else { return };
    assert!(draft.len() < 20 * text.len() + 20_000, "a draft has {} bytes", draft.len());
    if let Err(faults) = load_text("draft", &draft) {
        panic!("the draft of {text:?} does not load: {}\n{draft}", faults[0]);
    }
}

static LEDGER: LazyLock<Ledger> = LazyLock::new(|| {
    let text = "[providers.p]\nrecipe = \"basic\"\n[recipes.basic]\n\
                request.url = \"https://a.example\"\nresponse.token = \"json.t\"\n";
    let plan = load_text("state", text).unwrap_or_else(|faults| panic!("{}", faults[0]));
    Ledger::new(plan.providers, &[1.0])
});

/// Restores any saved state or refuses it. What was restored can be saved and restored again.
pub fn state(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let now = Moment { wall: LEDGER.now().wall, ..LEDGER.now() };
    let roster = LEDGER.roster();
    if saved::read(text, &roster, now, |_, _| Touched::Unknown).is_ok() {
        for entry in roster.all() {
            let Some(again) = saved::write(entry, now) else { continue };
            let read = saved::read_one(&again, &roster, now, &|_, _| Touched::No);
            assert!(read, "a saved state cannot be read: {}", String::from_utf8_lossy(&again));
        }
    }
}
