//! Compresses a text while it is written.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::metrics::{Sink, piece};

/// The size at which compressed bytes are handed over.
const PIECE: usize = 32 * 1024;

/// Compresses pieces of text and hands the result over to another sink.
pub struct Gzip<'a>(GzEncoder<Compressed<'a>>);

/// The compressed bytes.
struct Compressed<'a> {
    sink: &'a mut dyn Sink,
    bytes: Vec<u8>,
}

impl<'a> Gzip<'a> {
    /// An encoder that hands the compressed bytes over to `sink`.
    pub fn new(sink: &'a mut dyn Sink) -> Self {
        // Higher levels take eight times as long and save only a fifth of the bytes.
        Self(GzEncoder::new(Compressed { sink, bytes: piece() }, Compression::fast()))
    }

    /// Writes the end.
    ///
    /// # Errors
    /// When nobody reads the bytes any more.
    pub fn finish(self) -> io::Result<()> {
        let mut rest = self.0.finish()?;
        rest.sink.take(&mut rest.bytes)
    }
}

impl Sink for Gzip<'_> {
    fn take(&mut self, piece: &mut Vec<u8>) -> io::Result<()> {
        self.0.write_all(piece)?;
        piece.clear();
        Ok(())
    }
}

impl Write for Compressed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() >= PIECE {
            self.sink.take(&mut self.bytes)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn pieces_of_any_size_are_one_text_again() {
        let lines: Vec<String> = (0..40_000_u64).map(|line| (line * line).to_string()).collect();
        let text = lines.join("\n");
        for size in [1_000, 64 * 1024, 1 << 20] {
            let mut out: Vec<u8> = Vec::new();
            let mut gzip = Gzip::new(&mut out);
            for piece in text.as_bytes().chunks(size) {
                gzip.take(&mut piece.to_vec()).expect("memory takes everything");
            }
            gzip.finish().expect("memory takes everything");
            let mut read = String::new();
            GzDecoder::new(out.as_slice()).read_to_string(&mut read).expect("it is gzip");
            assert!(read == text, "pieces of {size}");
        }
    }
}
