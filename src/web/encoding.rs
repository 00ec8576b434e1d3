//! The encodings and formats that a client accepts.

use axum::http::{HeaderMap, header};

use crate::metrics::Format;

/// Whether the client accepts gzip with a weight above 0 (RFC 9110, section 12.5.3).
pub fn accepts_gzip(headers: &HeaderMap) -> bool {
    let values =
        headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let refused = parts
            .filter_map(|part| part.strip_prefix("q="))
            .any(|weight| weight.parse::<f32>().is_ok_and(|weight| weight <= 0.0));
        name.eq_ignore_ascii_case("gzip") && !refused
    })
}

/// The format of metrics that the client prefers (RFC 9110, section 12.5.1): `OpenMetrics` 1.0
/// when it is named, with at least the weight of the text format.
pub fn accepted_format(headers: &HeaderMap) -> Format {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let (mut open, mut text) = (0.0_f32, 0.0_f32);
    for range in values.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
        let (mut weight, mut version) = (1.0, "1.0.0");
        for (name, value) in parts.filter_map(|part| part.split_once('=')) {
            match name.trim() {
                "q" => weight = value.trim().parse::<f32>().unwrap_or_default(),
                "version" => version = value.trim().trim_matches('"'),
                _ => {}
            }
        }
        match kind.as_str() {
            "application/openmetrics-text" if version == "1.0.0" => open = open.max(weight),
            "text/plain" => text = text.max(weight),
            _ => {}
        }
    }
    if open > 0.0 && open >= text { Format::OpenMetrics } else { Format::Text }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first two are those of Prometheus 3 and of Prometheus 2.
    #[test]
    fn open_metrics_is_the_answer_only_for_a_client_that_prefers_it() {
        for (value, expected) in [
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                 application/openmetrics-text;version=0.0.1;q=0.5,\
                 text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
                 text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                Format::OpenMetrics,
            ),
            (
                "application/openmetrics-text;version=1.0.0,\
                 application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5",
                Format::OpenMetrics,
            ),
            ("Application/OpenMetrics-Text; version=\"1.0.0\"", Format::OpenMetrics),
            ("application/openmetrics-text", Format::OpenMetrics),
            ("application/openmetrics-text;version=0.0.1", Format::Text),
            ("application/openmetrics-text;q=0, text/plain", Format::Text),
            ("application/openmetrics-text;q=0.3, text/plain;q=0.5", Format::Text),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Format::Text),
            ("*/*", Format::Text),
            ("", Format::Text),
        ] {
            let headers: HeaderMap =
                [(header::ACCEPT, value.parse().expect("a header"))].into_iter().collect();
            assert_eq!(accepted_format(&headers), expected, "{value}");
        }
        assert_eq!(accepted_format(&HeaderMap::new()), Format::Text);
    }

    #[test]
    fn gzip_is_used_only_when_the_client_accepts_it() {
        for (value, expected) in [
            ("gzip", true),
            ("deflate, gzip;q=0.5", true),
            ("GZIP", true),
            ("gzip;q=0", false),
            ("br", false),
            ("", false),
            ("x-gzip2", false),
        ] {
            let headers: HeaderMap =
                [(header::ACCEPT_ENCODING, value.parse().expect("a header"))].into_iter().collect();
            assert_eq!(accepts_gzip(&headers), expected, "{value}");
        }
    }
}
