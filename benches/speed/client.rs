//! A blocking HTTP client for scrapes, with a new connection for each.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::Result;

/// The longest time for a response.
const PATIENCE: Duration = Duration::from_secs(20);

/// Gets a path as text. A status other than 200 is an error.
pub fn text(address: &str, path: &str) -> Result<String> {
    Ok(String::from_utf8(body(address, path, false)?)?)
}

/// Gets the bytes of a path, compressed if `gzip` is set. HTTP/1.0 avoids a chunked body.
pub fn body(address: &str, path: &str, gzip: bool) -> Result<Vec<u8>> {
    let mut stream = send(address, path, "1.0", gzip)?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let head = bytes
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .ok_or("an answer without an end of its head")?
        + 4;
    check(&bytes[..head])?;
    Ok(bytes.split_off(head))
}

/// The time of a GET, from before the connection to the last byte. The body is read and dropped.
pub fn time(address: &str, path: &str, gzip: bool) -> Result<Duration> {
    let start = Instant::now();
    let mut stream = send(address, path, "1.1", gzip)?;
    let mut buffer = vec![0; 256 * 1024];
    let mut length = stream.read(&mut buffer)?;
    check(&buffer[..length])?;
    while length > 0 {
        length = stream.read(&mut buffer)?;
    }
    Ok(start.elapsed())
}

/// The time of a GET, from before the connection to the first byte after the head.
pub fn first_byte(address: &str, path: &str) -> Result<Duration> {
    let start = Instant::now();
    let mut stream = send(address, path, "1.0", false)?;
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    let is_head = |bytes: &[u8]| !bytes.windows(5).any(|window| window.starts_with(b"\r\n\r\n"));
    while is_head(&bytes) {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return Err("an answer without a body".into());
        }
        bytes.extend_from_slice(&buffer[..length]);
    }
    let time = start.elapsed();
    check(&bytes)?;
    stream.read_to_end(&mut bytes)?;
    Ok(time)
}

fn send(address: &str, path: &str, version: &str, gzip: bool) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let coding = if gzip { "gzip" } else { "identity" };
    let request = format!(
        "GET {path} HTTP/{version}\r\nHost: {address}\r\nAccept-Encoding: {coding}\r\nConnection: \
         close\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;
    Ok(stream)
}

fn check(answer: &[u8]) -> Result<()> {
    if answer.get(9..12) == Some(b"200") {
        Ok(())
    } else {
        Err("an answer with another status than 200".into())
    }
}
