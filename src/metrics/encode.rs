//! Writes samples in the text format, in large pieces. It copies prepared texts and formats numbers
//! without allocation.

use std::io;

use super::format::Format;

/// The size at which a piece is complete, in bytes.
const PIECE: usize = 64 * 1024;

/// Takes a text in pieces.
pub trait Sink {
    /// Takes all of `piece` and leaves an empty buffer.
    ///
    /// # Errors
    /// When nobody reads the text any more.
    fn take(&mut self, piece: &mut Vec<u8>) -> io::Result<()>;
}

impl Sink for Vec<u8> {
    fn take(&mut self, piece: &mut Vec<u8>) -> io::Result<()> {
        self.append(piece);
        Ok(())
    }
}

/// An empty buffer for one piece.
#[must_use]
pub fn piece() -> Vec<u8> {
    Vec::with_capacity(PIECE + PIECE / 8)
}

/// Writes families and samples.
pub struct Encoder<'s> {
    sink: &'s mut dyn Sink,
    buffer: Vec<u8>,
    format: Format,
}

impl<'s> Encoder<'s> {
    /// An encoder that writes to `sink`.
    pub fn new(sink: &'s mut dyn Sink, format: Format) -> Self {
        Self { sink, buffer: piece(), format }
    }

    /// The format.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Writes help and type of a family, before its samples.
    pub fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.format.push_family(&mut self.buffer, name, kind, help);
    }

    /// Writes one sample; see [`push_sample`].
    #[inline]
    pub fn sample(&mut self, open: &str, provider: &str, rest: &str, value: f64) {
        push_sample(&mut self.buffer, open, provider, rest, value);
    }

    /// Writes one line in three parts.
    #[inline]
    pub fn line(&mut self, open: &str, provider: &str, rest: &str) {
        push_parts(&mut self.buffer, open, provider, rest);
    }

    /// The text that was not handed over yet, to write to.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Hands over the buffer when it is a complete piece. Call it after a few lines.
    #[inline]
    pub fn complete(&mut self) -> io::Result<()> {
        if self.buffer.len() >= PIECE { self.sink.take(&mut self.buffer) } else { Ok(()) }
    }

    /// Writes text that is already in the format.
    pub fn raw(&mut self, text: &[u8]) -> io::Result<()> {
        text.chunks(PIECE).try_for_each(|chunk| {
            self.buffer.extend_from_slice(chunk);
            self.complete()
        })
    }

    /// Hands over the rest.
    pub fn finish(mut self) -> io::Result<()> {
        self.sink.take(&mut self.buffer)
    }
}

#[inline]
fn push_parts(buffer: &mut Vec<u8>, open: &str, provider: &str, rest: &str) {
    buffer.extend_from_slice(open.as_bytes());
    buffer.extend_from_slice(provider.as_bytes());
    buffer.extend_from_slice(rest.as_bytes());
}

/// Appends one sample. `open` is `NAME{provider="`, `provider` the escaped name, and `rest` closes
/// the label set, as `"} ` or `",state="broken"} `.
#[inline]
pub fn push_sample(buffer: &mut Vec<u8>, open: &str, provider: &str, rest: &str, value: f64) {
    push_parts(buffer, open, provider, rest);
    push_number(buffer, value);
    buffer.push(b'\n');
}

/// A number in the text format: whole numbers without a point, others with the fewest digits that
/// keep the value.
#[inline]
fn push_number(buffer: &mut Vec<u8>, value: f64) {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "a fraction is found by the comparison")]
    let whole = value as i64;
    #[expect(clippy::cast_precision_loss, reason = "a large number is written below")]
    let is_whole = (whole as f64).total_cmp(&(value + 0.0)).is_eq() && value.abs() < EXACT;
    let digit = usize::try_from(whole).ok().and_then(|whole| b"0123456789".get(whole));
    if let Some(digit) = digit.filter(|_| is_whole) {
        buffer.push(*digit);
    } else if is_whole {
        buffer.extend_from_slice(itoa::Buffer::new().format(whole).as_bytes());
    } else if value.is_finite() {
        buffer.extend_from_slice(ryu::Buffer::new().format_finite(value).as_bytes());
    } else if value.is_nan() {
        buffer.extend_from_slice(b"NaN");
    } else {
        buffer.extend_from_slice(if value > 0.0 { b"+Inf" } else { b"-Inf" });
    }
}

/// `name="value"` with the value escaped.
pub fn label(name: &str, value: &str) -> String {
    format!("{name}=\"{}\"", escaped(value))
}

/// The value of a label with backslash, quote and line feed escaped.
pub fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            other => text.push(other),
        }
    }
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
        push_sample(&mut out, "g{l=\"", &escaped(text), "\"} ", value);
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
