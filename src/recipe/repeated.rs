//! Requests that a provider gets again and again, kept so that they are rendered only once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use super::request::TokenRequest;

/// The most bytes of all kept requests together. Ten thousand requests of the usual size fit.
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// What a request takes in memory beside its texts.
const BESIDE_TEXTS: usize = 512;

/// The memory that is left for kept requests.
#[derive(Clone)]
pub struct Room(Arc<AtomicUsize>);

impl Default for Room {
    fn default() -> Self {
        Self(Arc::new(AtomicUsize::new(MOST_BYTES)))
    }
}

/// The request of a provider that gets the same one each time.
#[derive(Default)]
pub struct Repeated(OnceLock<Box<Kept>>);

struct Kept {
    request: TokenRequest,
    size: usize,
    room: Room,
}

impl Repeated {
    /// The kept request.
    #[must_use]
    pub fn request(&self) -> Option<&TokenRequest> {
        self.0.get().map(|kept| &kept.request)
    }

    /// Keeps a request if there is room for it.
    pub fn keep(&self, request: TokenRequest, room: &Room) {
        let size = size(&request);
        let taken = room
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(size));
        if taken.is_ok() {
            let kept = Kept { request, size, room: room.clone() };
            // Another probe of the provider can have kept it already. Dropping gives the room back.
            let _ = self.0.set(Box::new(kept));
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.room.0.fetch_add(self.size, Ordering::Relaxed);
    }
}

/// A copy is another provider, and keeps its own request.
impl Clone for Repeated {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// Not a setting, so it makes no difference between providers.
impl PartialEq for Repeated {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

fn size(request: &TokenRequest) -> usize {
    let headers = request.headers.pairs().map(|(name, value)| name.as_str().len() + value.len());
    let body = request.body.as_ref().map_or(0, bytes::Bytes::len);
    BESIDE_TEXTS + request.url.as_str().len() + headers.sum::<usize>() + body
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::recipe::request::Headers;

    fn request(body: usize) -> TokenRequest {
        TokenRequest {
            method: Method::POST,
            url: "https://h.example/token".parse().expect("a URL"),
            headers: Headers::default(),
            body: Some(vec![b'x'; body].into()),
        }
    }

    #[test]
    fn requests_are_kept_while_there_is_room_and_give_it_back() {
        let room = Room::default();
        let (one, two) = (Repeated::default(), Repeated::default());
        one.keep(request(MOST_BYTES / 2), &room);
        two.keep(request(MOST_BYTES / 2), &room);
        assert!(one.request().is_some() && two.request().is_none());
        drop(one);
        two.keep(request(MOST_BYTES / 2), &room);
        two.keep(request(1), &room);
        let kept = two.request().and_then(|kept| kept.body.as_ref()).expect("there is room again");
        assert_eq!(kept.len(), MOST_BYTES / 2, "the first one stays");
        assert!(two.clone().request().is_none() && two == Repeated::default());
    }
}
