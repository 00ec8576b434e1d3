//! Recognizes the time of a request in a sample, and writes the expression that computes it.

/// The forms of a date and a time with `#` for a digit, and their `strftime` forms.
const FORMS: [(&str, &str); 6] = [
    ("####-##-##T##:##:##", "%Y-%m-%dT%H:%M:%S"),
    ("####-##-## ##:##:##", "%Y-%m-%d %H:%M:%S"),
    ("####/##/## ##:##:##", "%Y/%m/%d %H:%M:%S"),
    ("########T######", "%Y%m%dT%H%M%S"),
    ("##############", "%Y%m%d%H%M%S"),
    ("####-##-##T##:##", "%Y-%m-%dT%H:%M"),
];

/// The expression for the time of the attempt in the form of a sample; `None` if this is no time.
/// It fits where a name says that the value is a time, so a number counts as one by its length.
pub fn expression(sample: &str) -> Option<String> {
    let text = sample.trim();
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return match text.len() {
            9 | 10 => Some("now_s".into()),
            12 | 13 => Some("now_ms".into()),
            16 => Some("now_ms * 1000".into()),
            19 => Some("now_ms * 1000000".into()),
            14 if text.starts_with("20") => Some("now_s | strftime('%Y%m%d%H%M%S')".into()),
            8 if text.starts_with("20") => Some("now_s | strftime('%Y%m%d')".into()),
            _ => None,
        };
    }
    dated(text)
}

/// The expression for a text that is a date with a time, whatever its name.
pub fn dated(text: &str) -> Option<String> {
    if text.ends_with(" GMT") && text.len() == 29 && text.as_bytes().get(3) == Some(&b',') {
        return Some("now_s | strftime('%a, %d %b %Y %H:%M:%S GMT')".into());
    }
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).collect();
    let (form, strftime) = FORMS.iter().find(|(form, _)| shape.starts_with(form))?;
    let rest = &text[form.len()..];
    let digits = rest
        .strip_prefix('.')
        .map_or(0, |fraction| fraction.chars().take_while(char::is_ascii_digit).count());
    let fraction = if digits == 0 { String::new() } else { format!(".{}", "0".repeat(digits)) };
    let zone = &rest[fraction.len()..];
    if zone == "Z" && fraction.is_empty() && form.len() == 19 && form.contains('T') {
        return Some("now_iso".into());
    }
    let shift = offset(zone)?;
    let now = match shift {
        0 => "now_s".to_owned(),
        shift if shift < 0 => format!("(now_s - {})", -shift),
        shift => format!("(now_s + {shift})"),
    };
    Some(format!("{now} | strftime('{strftime}{fraction}{zone}')"))
}

/// The `strftime` form of a day without a time.
pub fn day(text: &str) -> Option<&'static str> {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).collect();
    let number = |from: usize| text.get(from..from + 2).and_then(|two| two.parse::<u8>().ok());
    match shape.as_str() {
        "####-##-##" => Some("%Y-%m-%d"),
        "####/##/##" => Some("%Y/%m/%d"),
        "##.##.####" => Some("%d.%m.%Y"),
        "##-##-####" => Some("%d-%m-%Y"),
        "##/##/####" if number(0)? > 12 => Some("%d/%m/%Y"),
        "##/##/####" => Some("%m/%d/%Y"),
        "########" if text.starts_with("20") && number(4)? <= 12 && number(6)? <= 31 => {
            Some("%Y%m%d")
        }
        _ => None,
    }
}

/// The seconds of an offset: `Z`, `+08:00`, `-0500` or nothing.
fn offset(zone: &str) -> Option<i64> {
    if zone.is_empty() || zone == "Z" {
        return Some(0);
    }
    let sign = match zone.as_bytes()[0] {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits = zone[1..].replace(':', "");
    let is_number = digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number: i64 = digits.parse().ok().filter(|_| is_number)?;
    Some(sign * (number / 100 * 3600 + number % 100 * 60))
}

/// Whether a number is a time between 2001 and 2099, in seconds or milliseconds.
pub fn is_epoch(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
        && matches!(text.len(), 10 | 13)
        && text.starts_with(['1', '2', '3'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_written_in_the_form_of_the_sample() {
        for (sample, expected) in [
            ("2023-11-14", Some("%Y-%m-%d")),
            ("14/11/2023", Some("%d/%m/%Y")),
            ("11/14/2023", Some("%m/%d/%Y")),
            ("14.11.2023", Some("%d.%m.%Y")),
            ("20231114", Some("%Y%m%d")),
            ("20239914", None),
            ("86400000", None),
            ("2023-11-14T22:13:20Z", None),
        ] {
            assert_eq!(day(sample), expected, "{sample}");
        }
    }

    /// The right sides follow `strftime(3)`.
    #[test]
    fn the_form_of_a_sample_decides_how_the_time_is_written() {
        for (sample, expected) in [
            ("1700000000", Some("now_s")),
            ("1700000000123", Some("now_ms")),
            ("20231114221320", Some("now_s | strftime('%Y%m%d%H%M%S')")),
            ("20231114T221320Z", Some("now_s | strftime('%Y%m%dT%H%M%SZ')")),
            ("2023-11-14T22:13:20Z", Some("now_iso")),
            ("2023-11-14T22:13:20.123Z", Some("now_s | strftime('%Y-%m-%dT%H:%M:%S.000Z')")),
            ("2023-11-14T22:13:20", Some("now_s | strftime('%Y-%m-%dT%H:%M:%S')")),
            (
                "2023-11-14T22:13:20+09:00",
                Some("(now_s + 32400) | strftime('%Y-%m-%dT%H:%M:%S+09:00')"),
            ),
            (
                "2023-11-14 22:13:20-0330",
                Some("(now_s - 12600) | strftime('%Y-%m-%d %H:%M:%S-0330')"),
            ),
            (
                "Tue, 14 Nov 2023 22:13:20 GMT",
                Some("now_s | strftime('%a, %d %b %Y %H:%M:%S GMT')"),
            ),
            ("2023-11-14", None),
            ("2023-11-14T22:13:20 or later", None),
            ("12", None),
        ] {
            assert_eq!(expression(sample).as_deref(), expected, "{sample}");
        }
    }
}
