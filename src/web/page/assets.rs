//! `/assets/…`: style sheet, script and icons, which are compiled into the program.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

struct Asset {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
    tag: String,
}

static ASSETS: LazyLock<[Asset; 4]> = LazyLock::new(|| {
    [
        ("page.css", "text/css; charset=utf-8", include_str!("page.css")),
        ("page.js", "text/javascript; charset=utf-8", include_str!("page.js")),
        ("fine.svg", "image/svg+xml", include_str!("fine.svg")),
        ("trouble.svg", "image/svg+xml", include_str!("trouble.svg")),
    ]
    .map(|(name, kind, text)| Asset {
        name,
        kind,
        text,
        tag: format!("\"{}\"", hex::encode(&Sha256::digest(text.as_bytes())[..12])),
    })
});

/// One asset. The browser must revalidate its copy each time, so that page and script always have
/// the same version.
pub async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return (StatusCode::NOT_FOUND, "there is no such asset\n").into_response();
    };
    let cached_tags = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    let is_cached = cached_tags
        .map(|tag| tag.trim().trim_start_matches("W/"))
        .any(|tag| tag == asset.tag || tag == "*");
    let caching = [(header::ETAG, asset.tag.as_str()), (header::CACHE_CONTROL, "no-cache")];
    if is_cached {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    // An icon that is opened on its own must not run scripts.
    (
        caching,
        [
            (header::CONTENT_TYPE, asset.kind),
            (header::CONTENT_SECURITY_POLICY, "default-src 'none'"),
        ],
        asset.text,
    )
        .into_response()
}
