//! The load that this machine can carry now. Other programs may use its processors.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// The providers on a machine that is fast enough, and on a very slow one. A program without
/// optimisation needs many times as long for a hostile answer.
const PROVIDERS: (usize, usize) = (if cfg!(debug_assertions) { 1_000 } else { 2_000 }, 300);

/// How long the measurement takes.
const MEASURED: Duration = Duration::from_millis(1_500);

/// Two idle processors make so many exchanges in a second and carry all providers with ease.
const ENOUGH: f64 = 6_000.0;

/// The number of providers for a campaign: the full number when the machine makes enough exchanges
/// with two threads, else in proportion.
pub fn providers() -> usize {
    let Some(rate) = exchanges() else { return PROVIDERS.0 };
    let share = (rate / ENOUGH).clamp(0.0, 1.0);
    let steps = (0..=20_u8).rev().find(|step| f64::from(*step) / 20.0 <= share).unwrap_or(0);
    let providers = (PROVIDERS.0 * usize::from(steps) / 20).max(PROVIDERS.1);
    eprintln!("endurance: {rate:.0} exchanges in a second, so {providers} providers");
    providers
}

/// How many short connections to itself this process makes in a second.
fn exchanges() -> Option<f64> {
    let listener = TcpListener::bind("127.0.0.1:0").ok()?;
    let address = listener.local_addr().ok()?;
    let serving = std::thread::spawn(move || {
        let mut byte = [0];
        // The client ends the measurement with a zero.
        while let Ok((mut stream, _)) = listener.accept() {
            if stream.read_exact(&mut byte).is_err() || byte[0] == 0 {
                return;
            }
            let _ = stream.write_all(&byte);
        }
    });
    let exchange = |byte: u8| -> std::io::Result<()> {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(&[byte])?;
        let _ = stream.read(&mut [0])?;
        Ok(())
    };
    let (start, mut count) = (Instant::now(), 0_u32);
    while start.elapsed() < MEASURED {
        exchange(1).ok()?;
        count += 1;
    }
    let rate = f64::from(count) / start.elapsed().as_secs_f64();
    exchange(0).ok()?;
    serving.join().ok()?;
    Some(rate)
}
