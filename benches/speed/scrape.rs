//! Scrapes of the daemon, compared with the same bytes from memory.

use std::net::TcpListener;
use std::path::Path;

use axum::Router;
use axum::http::header;
use axum::routing::get;
use bytes::Bytes;

use crate::daemon::Daemon;
use crate::process::Worker;
use crate::table::{Reach, Row, Samples, float};
use crate::{Result, client, process, progress};

/// The number of scrapes of each kind.
const ROUNDS: usize = 11;

/// Returns the rows for the scrapes of a daemon.
pub fn measure(daemon: &Daemon, folder: &Path) -> Result<Vec<Row>> {
    let plain = client::body(daemon.address(), "/metrics", false)?;
    let gzip = client::body(daemon.address(), "/metrics", true)?;
    let (plain_file, gzip_file) = (folder.join("metrics.txt"), folder.join("metrics.txt.gz"));
    std::fs::write(&plain_file, &plain)?;
    std::fs::write(&gzip_file, &gzip)?;
    let mut server = Worker::start("static", &[plain_file.as_os_str(), gzip_file.as_os_str()])?;
    let port = server.ask()?.first().copied().unwrap_or_default();
    let floor = format!("127.0.0.1:{port}");
    let mut samples = [const { Vec::new() }; 4];
    for _ in 0..ROUNDS {
        for (index, (address, compressed)) in [
            (floor.as_str(), false),
            (daemon.address(), false),
            (&floor, true),
            (daemon.address(), true),
        ]
        .into_iter()
        .enumerate()
        {
            samples[index].push(client::time(address, "/metrics", compressed)?.as_secs_f64() * 1e3);
        }
    }
    let mut others = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        let times = [
            client::first_byte(daemon.address(), "/metrics")?,
            client::time(daemon.address(), "/", false)?,
            client::time(daemon.address(), "/api/v1/providers", false)?,
        ];
        for (samples, time) in others.iter_mut().zip(times) {
            samples.push(time.as_secs_f64() * 1e3);
        }
    }
    let [first_byte, page, list] = others.map(Samples);
    progress(&format!("made {ROUNDS} scrapes of each kind"));
    let [floor_plain, ours_plain, floor_gzip, ours_gzip] = samples.map(Samples);
    let series = plain
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty() && !line.starts_with(b"#"))
        .count();
    Ok(vec![
        Row::new("scrape of 10000 providers", ours_plain, "ms")
            .beside("static bytes", &floor_plain)
            .reach(Reach::Ratio(2.5, 2.0)),
        Row::new("scrape of 10000 providers, gzip", ours_gzip, "ms")
            .beside("static bytes, gzip", &floor_gzip)
            .reach(Reach::Value(60.0, 40.0)),
        Row::new("  its first byte", first_byte, "ms").reach(Reach::Value(5.0, 2.0)),
        Row::new("  its series", Samples::one(float(series as u64)), ""),
        Row::new("  its size", Samples::one(float(plain.len() as u64) / 1e6), "MB"),
        Row::new("  its size, gzip", Samples::one(float(gzip.len() as u64) / 1e6), "MB"),
        Row::new("first page of 10000 providers", page, "ms").reach(Reach::Value(20.0, 10.0)),
        Row::new("list of 1000 of them (API)", list, "ms"),
    ])
}

/// Serves the bytes of two files in this process: the floor for scrapes.
pub fn serve_static(plain: &Path, gzip: &Path) -> Result<()> {
    let (plain, gzip) = (Bytes::from(std::fs::read(plain)?), Bytes::from(std::fs::read(gzip)?));
    let kind = credwatch::metrics::Format::Text.content_type();
    let answer = move |headers: header::HeaderMap| {
        let compressed = headers.get(header::ACCEPT_ENCODING).is_some_and(|value| value == "gzip");
        let body = if compressed { gzip.clone() } else { plain.clone() };
        async move { ([(header::CONTENT_TYPE, kind)], body) }
    };
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let port = listener.local_addr()?.port();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.spawn(async move {
        axum::serve(
            tokio::net::TcpListener::from_std(listener)?,
            Router::new().route("/metrics", get(answer)),
        )
        .await
    });
    process::answer(|| vec![port.into()])?;
    runtime.shutdown_background();
    Ok(())
}
