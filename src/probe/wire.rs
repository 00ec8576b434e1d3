//! Bounds what a provider can send over one connection.
//!
//! HTTP/1.1 has no limit on interim responses, HTTP/2 none on frames, and TLS none on its own
//! messages. So the bytes are counted below all of them.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hyper_util::client::legacy::connect::{Connected, Connection};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::marks::{Marks, current};

/// The most bytes of one connection. The largest body and head need less than half of them.
pub const MOST_BYTES: usize = 1024 * 1024;

/// After this many bytes, the thread goes on with another probe.
const SLICE: usize = 64 * 1024;

/// A TCP connection that counts what it reads.
pub struct Wire {
    tcp: TcpStream,
    /// Whether the other side is a proxy that forwards requests.
    forwards: bool,
    read: usize,
    slice: usize,
    /// Libraries lose the type of an error, so the marks tell that the limit was reached.
    marks: Option<Arc<Marks>>,
}

impl Wire {
    /// A new connection, on which nothing was read.
    pub fn new(tcp: TcpStream, forwards: bool) -> Self {
        Self { tcp, forwards, read: 0, slice: 0, marks: current() }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        if wire.read > MOST_BYTES {
            if let Some(marks) = &wire.marks {
                marks.set(|moments| moments.flooded = true);
            }
            return Poll::Ready(Err(io::ErrorKind::FileTooLarge.into()));
        }
        if wire.slice >= SLICE {
            wire.slice = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut wire.tcp).poll_read(context, buffer))?;
        let count = buffer.filled().len() - before;
        wire.read += count;
        wire.slice += count;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().tcp).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_shutdown(context)
    }
}

impl Connection for Wire {
    fn connected(&self) -> Connected {
        self.tcp.connected().proxy(self.forwards)
    }
}
