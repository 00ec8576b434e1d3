//! Writes samples in the text format. It buffers large pieces, copies prepared label sets and
//! formats numbers without allocation.

use std::io::{self, Write};

/// The size at which the buffer is written, in bytes.
const PIECE: usize = 64 * 1024;

/// Writes families and samples.
pub struct Encoder<'w> {
    out: Box<dyn Write + 'w>,
    buffer: Vec<u8>,
}

impl<'w> Encoder<'w> {
    /// An encoder that writes to `out`.
    pub fn new(out: impl Write + 'w) -> Self {
        Self { out: Box::new(out), buffer: Vec::with_capacity(PIECE + 4096) }
    }

    /// Writes help and type of a family, before its samples.
    pub fn family(&mut self, name: &str, kind: &str, help: &str) -> io::Result<()> {
        write!(self.buffer, "# HELP {name} {help}\n# TYPE {name} {kind}\n")
    }

    /// Writes one sample. `labels` is an open label set, `{provider="x"`; `more` continues it.
    #[inline]
    pub fn sample(&mut self, name: &str, labels: &str, more: &str, value: f64) -> io::Result<()> {
        self.buffer.extend_from_slice(name.as_bytes());
        self.buffer.extend_from_slice(labels.as_bytes());
        self.buffer.extend_from_slice(more.as_bytes());
        self.buffer.extend_from_slice(b"} ");
        push_number(&mut self.buffer, value);
        self.buffer.push(b'\n');
        if self.buffer.len() >= PIECE { self.flush() } else { Ok(()) }
    }

    /// Writes text that is already in the format.
    pub fn raw(&mut self, text: &str) -> io::Result<()> {
        self.buffer.extend_from_slice(text.as_bytes());
        if self.buffer.len() >= PIECE { self.flush() } else { Ok(()) }
    }

    /// Writes the rest of the buffer.
    pub fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        self.out.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

/// A number in the text format: whole numbers without a point, others with the fewest digits that
/// keep the value.
fn push_number(buffer: &mut Vec<u8>, value: f64) {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() < EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^53")]
        buffer.extend_from_slice(itoa::Buffer::new().format(value as i64).as_bytes());
    } else if value.is_finite() {
        buffer.extend_from_slice(ryu::Buffer::new().format_finite(value).as_bytes());
    } else if value.is_nan() {
        buffer.extend_from_slice(b"NaN");
    } else {
        buffer.extend_from_slice(if value > 0.0 { b"+Inf" } else { b"-Inf" });
    }
}

/// `name="value"` with the value escaped: backslash, quote and line feed.
pub fn label(name: &str, value: &str) -> String {
    let mut text = String::with_capacity(name.len() + value.len() + 3);
    text.push_str(name);
    text.push_str("=\"");
    for character in value.chars() {
        match character {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            other => text.push(other),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus::{Encoder as _, Opts, Registry, TextEncoder};

    /// The sample that the `prometheus` crate writes for a gauge with one label.
    fn by_crate(value: f64, text: &str) -> String {
        let registry = Registry::new();
        let gauge = prometheus::GaugeVec::new(Opts::new("g", "h"), &["l"]).expect("a gauge");
        gauge.with_label_values(&[text]).set(value);
        registry.register(Box::new(gauge)).expect("registered");
        let mut out = Vec::new();
        TextEncoder::new().encode(&registry.gather(), &mut out).expect("encoded");
        String::from_utf8(out).expect("text").lines().last().expect("a sample").to_owned()
    }

    fn by_us(value: f64, text: &str) -> String {
        let mut out = Vec::new();
        let mut encoder = Encoder::new(&mut out);
        encoder.sample("g", &format!("{{{}", label("l", text)), "", value).expect("written");
        encoder.finish().expect("written");
        String::from_utf8(out).expect("text").trim_end().to_owned()
    }

    #[test]
    fn labels_are_escaped_as_the_prometheus_crate_does_it() {
        for text in ["", "plain", "a\"b", "a\\b", "a\nb", "ä{}=,\t", "\\\"\n"] {
            assert_eq!(by_us(1.0, text), by_crate(1.0, text), "{text:?}");
        }
    }

    #[test]
    fn numbers_have_the_value_that_the_prometheus_crate_writes() {
        for value in [
            0.0,
            1.0,
            -1.0,
            0.1,
            1.5,
            1e-9,
            123_456_789.25,
            1_700_003_600.0,
            9e15,
            1e16,
            1e22,
            1e300,
            -0.0,
            f64::MAX,
            f64::MIN_POSITIVE,
            f64::INFINITY,
            f64::NEG_INFINITY,
        ] {
            let number = |line: String| {
                line.rsplit(' ').next().expect("a value").parse::<f64>().expect("a number")
            };
            assert_eq!(
                number(by_us(value, "x")).partial_cmp(&number(by_crate(value, "x"))),
                Some(std::cmp::Ordering::Equal),
                "{value}"
            );
        }
        assert!(by_us(f64::NAN, "x").ends_with(" NaN"));
        assert!(by_us(1_700_003_600.0, "x").ends_with(" 1700003600"));
    }
}
