//! Places for connections: a bounded number. When none is free, a new connection takes the place of
//! the one that has made no progress for the longest time. So connections that only wait cannot
//! keep scrapers and supervisors out.
//!
//! Only an admitted request is progress: one with a right login, or one that needs none. While it
//! is in progress, its connection keeps its place, unless more than half of them have one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;

/// How much time a new connection has for its handshake and its first request, before it counts as
/// one that makes no progress.
const GRACE: Duration = Duration::from_secs(1);

/// The most connections that wait until an evicted one is closed.
const MOST_COMING: usize = 64;

/// How long a new connection waits until an evicted one is closed.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// The shortest time between two log lines about too many connections.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// A bounded number of places.
pub struct Places {
    free: Arc<Semaphore>,
    coming: Semaphore,
    open: Mutex<Open>,
}

/// The open connections by their numbers.
#[derive(Default)]
struct Open {
    next: u64,
    /// When the last log line about too many connections was written.
    logged: Option<Instant>,
    connections: HashMap<u64, Progress>,
}

struct Progress {
    last: Instant,
    /// Whether the last request was admitted.
    admitted: bool,
    /// Whether it is in progress.
    busy: bool,
    evict: watch::Sender<bool>,
}

impl Places {
    /// At most this many connections.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(most)),
            coming: Semaphore::new(MOST_COMING),
            open: Mutex::default(),
        }
    }

    /// Takes a free place, or that of another connection. `None` when too many connections arrive
    /// together.
    pub async fn enter(self: &Arc<Self>) -> Option<Place> {
        let permit = if let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() {
            permit
        } else {
            let _coming = self.coming.try_acquire().ok()?;
            tokio::time::timeout(LONGEST_WAIT, self.freed()).await.ok()??
        };
        let (evict, evicted) = watch::channel(false);
        let mut open = self.open();
        open.next += 1;
        let number = open.next;
        let last = Instant::now() + GRACE;
        open.connections.insert(number, Progress { last, admitted: false, busy: false, evict });
        Some(Place { mark: Mark { number, places: Arc::clone(self), evicted }, _permit: permit })
    }

    /// Evicts a connection, and waits for its place.
    async fn freed(&self) -> Option<OwnedSemaphorePermit> {
        // When many arrive together, all open connections are evicted already. Then the first of
        // those that arrived before is next.
        while !self.evict() && self.free.available_permits() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Arc::clone(&self.free).acquire_owned().await.ok()
    }

    /// Ends the connection without progress for the longest time: one with an admitted request in
    /// progress only when more than half have one. `false` when there is no connection.
    fn evict(&self) -> bool {
        let mut open = self.open();
        if open.logged.is_none_or(|logged| logged.elapsed() >= LOG_INTERVAL) {
            open.logged = Some(Instant::now());
            tracing::warn!(
                "too many connections at the same time; those without progress are closed"
            );
        }
        let busy = open.connections.values().filter(|progress| progress.busy).count();
        let too_many = busy > open.connections.len() / 2;
        let connections = open.connections.iter();
        let oldest = connections
            .filter(|(_, progress)| progress.busy == too_many)
            .min_by_key(|(_, progress)| progress.last);
        let Some(number) = oldest.map(|(number, _)| *number) else { return false };
        // A connection that has ended receives nothing.
        open.connections.remove(&number).is_some_and(|progress| progress.evict.send(true).is_ok())
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one connection. Dropping it frees the place.
pub struct Place {
    mark: Mark,
    _permit: OwnedSemaphorePermit,
}

impl Place {
    /// A handle for those who serve the connection.
    #[must_use]
    pub fn mark(&self) -> &Mark {
        &self.mark
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.mark.places.open().connections.remove(&self.mark.number);
    }
}

/// Notes the progress of one connection, and knows when it is evicted.
#[derive(Clone)]
pub struct Mark {
    number: u64,
    places: Arc<Places>,
    evicted: watch::Receiver<bool>,
}

impl Mark {
    /// Notes that a request has arrived. It is not admitted yet.
    pub fn begin(&self) {
        self.change(|progress| progress.admitted = false);
    }

    /// Notes that the request is admitted, and in progress until [`Mark::end`].
    pub fn admit(&self) {
        self.change(|progress| {
            (progress.admitted, progress.busy, progress.last) = (true, true, Instant::now());
        });
    }

    /// Notes that a part of an answer was sent.
    pub fn wrote(&self) {
        self.change(|progress| {
            if progress.admitted {
                progress.last = Instant::now();
            }
        });
    }

    /// Notes that the answer is complete.
    pub fn end(&self) {
        self.wrote();
        self.change(|progress| progress.busy = false);
    }

    fn change(&self, change: impl FnOnce(&mut Progress)) {
        self.places.open().connections.get_mut(&self.number).map(change);
    }

    /// Waits until another connection takes the place.
    pub async fn evicted(mut self) {
        if self.evicted.wait_for(|evicted| *evicted).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    async fn enter(places: &Arc<Places>) -> Place {
        tokio::time::advance(Duration::from_millis(10)).await;
        places.enter().await.expect("a place")
    }

    fn is_evicted(place: &Place) -> bool {
        place.mark().clone().evicted().now_or_never().is_some()
    }

    /// A further connection, which takes the place of one of the open ones.
    fn further(places: &Arc<Places>, open: &mut Vec<Place>) -> Place {
        let mut coming = Box::pin(places.enter());
        assert!((&mut coming).now_or_never().is_none(), "the evicted one still has its place");
        open.retain(|place| !is_evicted(place));
        coming.now_or_never().expect("the place is free").expect("a place")
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_connection_takes_the_place_without_progress_for_the_longest_time() {
        let places = Arc::new(Places::new(3));
        let (used, idle, other) =
            (enter(&places).await, enter(&places).await, enter(&places).await);
        tokio::time::advance(GRACE).await;
        used.mark().begin();
        used.mark().admit();
        used.mark().end();
        assert!(places.enter().now_or_never().is_none(), "the evicted one still has its place");
        assert!(is_evicted(&idle));
        assert!(!is_evicted(&used) && !is_evicted(&other));
    }

    #[tokio::test(start_paused = true)]
    async fn idle_connections_do_not_take_the_place_of_a_request_in_progress() {
        let places = Arc::new(Places::new(4));
        let busy = enter(&places).await;
        busy.mark().begin();
        busy.mark().admit();
        let mut open = vec![enter(&places).await, enter(&places).await, enter(&places).await];
        for _ in 0..1_000 {
            tokio::time::advance(Duration::from_millis(5)).await;
            let next = further(&places, &mut open);
            open.push(next);
        }
        assert!(!is_evicted(&busy));
    }

    #[tokio::test(start_paused = true)]
    async fn requests_without_a_login_do_not_keep_a_new_connection_out() {
        let places = Arc::new(Places::new(4));
        let mut flood = Vec::new();
        for _ in 0..4 {
            flood.push(enter(&places).await);
        }
        tokio::time::advance(GRACE).await;
        let new = further(&places, &mut flood);
        for place in &flood {
            place.mark().begin();
            place.mark().wrote();
            place.mark().end();
        }
        let _next = further(&places, &mut flood);
        assert!(!is_evicted(&new) && flood.len() == 2);
    }

    #[tokio::test(start_paused = true)]
    async fn requests_in_progress_keep_at_most_half_of_the_places() {
        let places = Arc::new(Places::new(4));
        let mut open = Vec::new();
        for _ in 0..3 {
            let place = enter(&places).await;
            place.mark().admit();
            open.push(place);
        }
        let idle = enter(&places).await;
        let _next = further(&places, &mut open);
        assert!(!is_evicted(&idle) && open.len() == 2, "the oldest request has ended");
        assert_eq!(open[0].mark().number, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn of_too_many_connections_at_once_some_are_refused() {
        let places = Arc::new(Places::new(1));
        let _held = enter(&places).await;
        let mut coming: Vec<_> = (0..MOST_COMING).map(|_| Box::pin(places.enter())).collect();
        for one in &mut coming {
            assert!(one.now_or_never().is_none());
        }
        assert!(places.enter().now_or_never().expect("at once").is_none());
        assert!(coming.pop().expect("one").await.is_none(), "it waits at most a second");
    }
}
