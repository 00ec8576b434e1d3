//! A gzip encoder for text whose lines repeat (RFC 1951, RFC 1952).
//!
//! The lines of an exposition differ from earlier ones in a few characters. So the distance of the
//! last repetition nearly always fits again, and the fixed codes of deflate are short enough.

use std::io;

use flate2::Crc;

use crate::metrics::Sink;

/// The longest distance of a repetition.
const REACH: usize = 32 * 1024;

/// The longest repetition.
const LONGEST: usize = 258;

/// The shortest repetition that is searched.
const SHORTEST: usize = 4;

/// The number of places that are remembered, as a power of two.
const SLOTS: u32 = 13;

/// The size at which compressed bytes are handed over.
const PIECE: usize = 32 * 1024;

/// No flags, no time, compressed fast, unknown system.
const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255];

/// Compresses pieces of text and hands the result over to another sink.
pub struct Gzip<'a> {
    sink: &'a mut dyn Sink,
    /// The text that a repetition can refer to, then the text of the current piece.
    window: Vec<u8>,
    /// The number of bytes before the window.
    before: usize,
    /// Where a text with this hash was last, counted from the start, in the lowest 32 bits.
    places: Box<[u32]>,
    /// The distance of the last repetition.
    distance: usize,
    bits: Bits,
    check: Crc,
}

impl<'a> Gzip<'a> {
    /// An encoder that hands the compressed bytes over to `sink`.
    pub fn new(sink: &'a mut dyn Sink) -> Self {
        let mut bits = Bits { bytes: HEAD.to_vec(), word: 0, count: 0 };
        // One block for everything, in the fixed codes. It is not the last one.
        bits.push(0b010, 3);
        Self {
            sink,
            window: Vec::new(),
            before: 0,
            places: vec![0; 1 << SLOTS].into(),
            distance: 1,
            bits,
            check: Crc::new(),
        }
    }

    /// Writes the end.
    ///
    /// # Errors
    /// When nobody reads the bytes any more.
    pub fn finish(mut self) -> io::Result<()> {
        let Self { bits, check, .. } = &mut self;
        bits.push(END.0, END.1);
        // An empty block, which is the last one.
        bits.push(0b011, 3);
        bits.push(END.0, END.1);
        bits.align();
        bits.bytes.extend_from_slice(&check.sum().to_le_bytes());
        bits.bytes.extend_from_slice(&check.amount().to_le_bytes());
        self.sink.take(&mut self.bits.bytes)
    }

    /// How many bytes from `place` on repeat those before them at this distance.
    fn repeated(&self, place: usize, distance: usize) -> usize {
        let (now, then) = (&self.window[place..], &self.window[place - distance..]);
        let mut length = 0;
        for (now, then) in now.chunks_exact(8).zip(then.chunks_exact(8)) {
            let differing = word(now) ^ word(then);
            if differing != 0 {
                return length + (differing.trailing_zeros() / 8) as usize;
            }
            length += 8;
        }
        let rest = now[length..].iter().zip(&then[length..]);
        length + rest.take_while(|(now, then)| now == then).count()
    }

    /// The distance at which the next four bytes may repeat, when there is one.
    fn found(&mut self, place: usize) -> Option<usize> {
        let next = self.window.get(place..place + 4)?;
        let next = u32::from_le_bytes(next.try_into().ok()?);
        let slot = (next.wrapping_mul(0x9e37_79b1) >> (32 - SLOTS)) as usize;
        let now = low(self.before + place);
        let distance = now.wrapping_sub(std::mem::replace(&mut self.places[slot], now)) as usize;
        (1..=place.min(REACH)).contains(&distance).then_some(distance)
    }

    fn compress(&mut self, start: usize) {
        let mut place = start;
        while place < self.window.len() {
            let mut length = 0;
            if self.distance <= place {
                length = self.repeated(place, self.distance);
            }
            if length < SHORTEST
                && let Some(distance) = self.found(place)
            {
                length = self.repeated(place, distance);
                if length >= SHORTEST {
                    self.distance = distance;
                }
            }
            if length < SHORTEST {
                let (code, count) = LITERALS[usize::from(self.window[place])];
                self.bits.push(code, count);
                place += 1;
            } else {
                self.bits.repeat(length, self.distance);
                place += length;
            }
        }
    }
}

impl Sink for Gzip<'_> {
    fn take(&mut self, piece: &mut Vec<u8>) -> io::Result<()> {
        let old = self.window.len().saturating_sub(REACH);
        self.window.drain(..old);
        self.before += old;
        let start = self.window.len();
        self.window.extend_from_slice(piece);
        self.check.update(piece);
        piece.clear();
        self.compress(start);
        if self.bits.bytes.len() >= PIECE { self.sink.take(&mut self.bits.bytes) } else { Ok(()) }
    }
}

fn word(bytes: &[u8]) -> u64 {
    bytes.try_into().map_or(0, u64::from_le_bytes)
}

/// The lowest 32 bits of a position.
fn low(position: usize) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "distances are below 2^32")]
    let low = position as u32;
    low
}

/// Bits in the order of deflate: the first one is the lowest of a byte.
struct Bits {
    bytes: Vec<u8>,
    word: u64,
    count: u32,
}

impl Bits {
    /// Appends at most 32 bits.
    #[inline]
    fn push(&mut self, bits: u32, count: u32) {
        self.word |= u64::from(bits) << self.count;
        self.count += count;
        if self.count >= 32 {
            self.bytes.extend_from_slice(&self.word.to_le_bytes()[..4]);
            self.word >>= 32;
            self.count -= 32;
        }
    }

    /// Fills the last byte with zeros.
    fn align(&mut self) {
        let bytes = self.count.div_ceil(8) as usize;
        self.bytes.extend_from_slice(&self.word.to_le_bytes()[..bytes]);
        (self.word, self.count) = (0, 0);
    }

    /// Appends a repetition of at least [`SHORTEST`] bytes.
    fn repeat(&mut self, mut length: usize, distance: usize) {
        let (distance_bits, distance_count) = distance_code(low(distance));
        while length > 0 {
            // The rest must not be shorter than the shortest code.
            let part = if length > LONGEST { LONGEST.min(length - 3) } else { length };
            let (bits, count) = LENGTHS[part - 3];
            self.push(bits, count);
            self.push(distance_bits, distance_count);
            length -= part;
        }
    }
}

/// A code of deflate with its extra bits, and their number.
type Coded = (u32, u32);

/// The end of a block.
const END: Coded = symbol(256);

static LITERALS: [Coded; 256] = {
    let mut codes = [(0, 0); 256];
    let mut literal = 0_u32;
    while literal < 256 {
        codes[literal as usize] = symbol(literal);
        literal += 1;
    }
    codes
};

/// The codes of the lengths from 3 to 258.
static LENGTHS: [Coded; 256] = {
    let mut codes = [(0, 0); 256];
    let mut length = 3_u32;
    while length <= 258 {
        codes[length as usize - 3] = length_code(length);
        length += 1;
    }
    codes
};

/// The fixed code of a literal or length (RFC 1951, section 3.2.6). A Huffman code begins with its
/// highest bit.
const fn symbol(symbol: u32) -> Coded {
    let (code, count) = match symbol {
        0..=143 => (0b0011_0000 + symbol, 8),
        144..=255 => (0b1_1001_0000 + symbol - 144, 9),
        256..=279 => (symbol - 256, 7),
        _ => (0b1100_0000 + symbol - 280, 8),
    };
    (code.reverse_bits() >> (32 - count), count)
}

/// The code of a length from 3 to 258 (RFC 1951, section 3.2.5).
const fn length_code(length: u32) -> Coded {
    if length == 258 {
        return symbol(285);
    }
    let offset = length - 3;
    let extra = if offset < 8 { 0 } else { offset.ilog2() - 2 };
    let (code, count) = symbol(257 + 4 * extra + (offset >> extra));
    (code | (offset & ((1 << extra) - 1)) << count, count + extra)
}

/// The code of a distance from 1 to 32768 (RFC 1951, section 3.2.5).
const fn distance_code(distance: u32) -> Coded {
    let offset = distance - 1;
    let extra = if offset < 4 { 0 } else { offset.ilog2() - 1 };
    let code = 2 * extra + (offset >> extra);
    let code = code.reverse_bits() >> 27;
    (code | (offset & ((1 << extra) - 1)) << 5, 5 + extra)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    /// What another program reads from the compressed text, and the compressed size.
    fn read(pieces: &[&[u8]]) -> (Vec<u8>, usize) {
        let mut out: Vec<u8> = Vec::new();
        let mut gzip = Gzip::new(&mut out);
        for piece in pieces {
            gzip.take(&mut piece.to_vec()).expect("memory takes everything");
        }
        gzip.finish().expect("memory takes everything");
        let mut text = Vec::new();
        GzDecoder::new(out.as_slice()).read_to_end(&mut text).expect("it is gzip");
        (text, out.len())
    }

    /// Numbers that look random.
    fn numbers() -> impl Iterator<Item = u32> {
        std::iter::successors(Some(7_u32), |last| {
            Some(last.wrapping_mul(1_664_525).wrapping_add(1_013_904_223))
        })
        .map(|number| number >> 8)
    }

    #[test]
    fn another_decoder_reads_the_same_text() {
        let noise: Vec<u8> =
            numbers().map(|number| number.to_le_bytes()[0]).take(200_000).collect();
        let line = |number: u32| {
            let labels = "class=\"network\",reason=\"connect\",code=\"\"";
            format!("failures_total{{provider=\"provider-{number:05}\",{labels}}} 0\n").into_bytes()
        };
        let lines: Vec<u8> = (0..20_000).flat_map(line).collect();
        let runs: Vec<u8> = numbers()
            .take(3_000)
            .flat_map(|number| vec![number.to_le_bytes()[0]; number as usize % 1_100])
            .collect();
        for text in [&b""[..], b"a", b"abcabcabcabc", &noise, &lines, &runs] {
            for size in [1_usize, 3, 1_000, 64 * 1024, 1 << 24] {
                if size == 1 && text.len() > 1_000 {
                    continue;
                }
                let pieces: Vec<&[u8]> = text.chunks(size).collect();
                assert!(read(&pieces).0 == text, "{} bytes in pieces of {size}", text.len());
            }
        }
        assert!(read(&[&lines]).1 < lines.len() / 16);
    }

    #[test]
    fn each_length_and_each_kind_of_distance_is_read_back() {
        for length in (1..600).chain([REACH - 1, REACH, REACH + 1, 70_000]) {
            let text: Vec<u8> =
                numbers().map(|number| number.to_le_bytes()[1]).take(length).collect();
            let twice = [text.clone(), text].concat();
            assert!(read(&[&twice]).0 == twice, "{length}");
        }
    }

    #[test]
    fn codes_are_those_of_the_tables_of_the_standard() {
        // RFC 1951, section 3.2.5: first length or distance, code, number of extra bits.
        for (length, code, extra) in [
            (3, 257, 0),
            (10, 264, 0),
            (11, 265, 1),
            (19, 269, 2),
            (35, 273, 3),
            (67, 277, 4),
            (131, 281, 5),
            (227, 284, 5),
            (258, 285, 0),
        ] {
            let (bits, count) = symbol(code);
            assert_eq!(length_code(length), (bits, count + extra), "{length}");
        }
        for (distance, code, extra) in
            [(1, 0, 0), (4, 3, 0), (5, 4, 1), (7, 5, 1), (9, 6, 2), (193, 15, 6), (24_577, 29, 13)]
        {
            let bits = u32::reverse_bits(code) >> 27;
            assert_eq!(distance_code(distance), (bits, 5 + extra), "{distance}");
        }
    }
}
