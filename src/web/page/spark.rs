//! The last probes of a provider as a picture.

use maud::{Markup, html};

use super::format::{count, took};
use crate::state::history::{History, MOST_PROBES};

/// Height and width of the picture, and the width of one probe in it.
const HEIGHT: f64 = 20.0;
const STEP: f64 = 4.0;

/// What the heights mean.
pub const SCALE: &str = "The last 24 probes, the newest on the right. The height of a bar is the \
                         duration, from 10 ms to 10 s on a logarithmic scale. A failure has the \
                         full height and a cross.";

/// The last probes as a picture, the newest on the right. All pictures have the same scale.
pub fn sparkline(history: &History) -> Markup {
    let probes = history.probes();
    let (mut bars, mut crosses, mut bands) = (String::new(), String::new(), String::new());
    for (place, past) in (MOST_PROBES - probes.len().min(MOST_PROBES)..).zip(probes) {
        #[expect(clippy::cast_precision_loss, reason = "at most a few dozen")]
        let left = place as f64 * STEP;
        if past.reason.is_some() {
            crosses.push_str(&format!("M{left:.0} 8l3 3m0-3l-3 3"));
            bands.push_str(&format!("M{:.1} {HEIGHT}v-{HEIGHT}", left + 1.5));
        } else {
            let height = height(f64::from(past.duration));
            bars.push_str(&format!("M{:.1} {HEIGHT}v-{height:.1}", left + 1.5));
        }
    }
    html! {
        svg.spark viewBox="0 0 96 20" role="img" {
            title { (description(history)) }
            @if !bars.is_empty() { path.good d=(bars) {} }
            @if !crosses.is_empty() { path.band d=(bands) {} path.bad d=(crosses) {} }
        }
    }
}

/// The height of a bar: 10 ms is the lowest and 10 s the highest one.
fn height(seconds: f64) -> f64 {
    ((seconds * 1_000.0 / 10.0).log10() / 3.0).clamp(0.08, 1.0) * (HEIGHT - 2.0)
}

/// The picture of the last probes in words.
fn description(history: &History) -> String {
    let probes = history.probes();
    let failed = probes.iter().filter(|past| past.reason.is_some()).count();
    let good: Vec<f64> = probes
        .iter()
        .filter(|past| past.reason.is_none())
        .map(|past| f64::from(past.duration))
        .collect();
    let mut text = format!("The last {}: {failed} failed", count(probes.len(), "probe", "probes"));
    if let (Some(shortest), Some(longest)) =
        (good.iter().copied().reduce(f64::min), good.iter().copied().reduce(f64::max))
    {
        text.push_str(&format!(", the others took {} to {}", took(shortest), took(longest)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{Expiry, Failure, Issued, Outcome, Reason};
    use crate::web::page::samples::probe;

    #[test]
    fn the_picture_of_the_last_probes_has_a_description_in_words() {
        let mut history = History::default();
        assert_eq!(description(&history), "The last 0 probes: 0 failed");
        for outcome in [
            Outcome::Issued(Issued {
                expiry: Expiry::Never,
                lifetime: None,
                disagreement: None,
                fingerprint: 1,
            }),
            Outcome::Failed(Failure::new(Reason::Timeout, "")),
        ] {
            history.record(&probe(outcome));
        }
        let text = "The last 2 probes: 1 failed, the others took 200ms to 200ms";
        assert_eq!(description(&history), text);
        let picture = sparkline(&history).into_string();
        assert!(picture.contains(&format!("<title>{text}</title>")), "{picture}");
        // 200 ms is 20 times 10 ms: log10(20) / 3 * 18 is 7.8.
        assert!(picture.contains(r#"class="good" d="M89.5 20v-7.8""#), "{picture}");
        assert!(picture.contains(r#"class="bad" d="M92 8l3 3m0-3l-3 3""#), "{picture}");
    }

    #[test]
    fn all_pictures_have_the_same_scale() {
        let expected =
            [(0.0, 1.44), (0.01, 1.44), (0.1, 6.0), (1.0, 12.0), (10.0, 18.0), (60.0, 18.0)];
        for (seconds, expected) in expected {
            assert!((height(seconds) - expected).abs() < 0.01, "{seconds}");
        }
    }
}
