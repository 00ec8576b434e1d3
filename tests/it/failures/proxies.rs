//! Proxies that refuse or cannot be reached.

use credwatch::outcome::Detail;

use super::{assert_failure, failure, probe};
use crate::support::endpoint::{Authority, Endpoint, http};

#[tokio::test]
async fn a_proxy_that_refuses_is_connect_with_its_status() {
    for status in [403, 407, 502] {
        let proxy = Endpoint::answering(http(&format!("{status} X"), "", b""));
        let key = format!("proxy = \"http://a-user:a-password@127.0.0.1:{}\"", proxy.port());
        let tunnel = probe("https://target.invalid/token", &key).await;
        assert_failure(&tunnel, "network", "connect", &format!("proxy_{status}"));
        let message = failure(&tunnel).message.as_str();
        assert!(message.contains("the proxy 127.0.0.1:") && !message.contains("a-password"));
        assert_eq!(proxy.calls(), 2);
    }
    let proxy = Endpoint::answering(http("407 X", "", b""));
    let key = format!("proxy = \"http://127.0.0.1:{}\"", proxy.port());
    let plain = probe("http://target.invalid/token", &key).await;
    assert_failure(&plain, "network", "connect", "proxy_407");
    assert_failure(&probe(&proxy.url(), "").await, "credential", "rejected", "http_407");
}

#[tokio::test]
async fn a_proxy_that_is_reached_by_tls_and_refuses_is_not_blamed_on_the_endpoint() {
    let (authority, folder) = (Authority::new("authority"), tempfile::tempdir().expect("a folder"));
    let trusted = format!("tls.ca_file = {:?}", authority.file(&folder));
    let key = |proxy: &Endpoint| format!("proxy = \"https://a:b@127.0.0.1:{}\"", proxy.port());
    let certified = || authority.issue("127.0.0.1", 2020, 2099);
    for status in [403, 407, 502] {
        let answer = http(&format!("{status} X"), "", b"");
        let proxy = Endpoint::tls_bytes(certified().server(), answer);
        let tunnel = probe("https://target.invalid/token", &(key(&proxy) + "\n" + &trusted)).await;
        assert_failure(&tunnel, "network", "connect", &format!("proxy_{status}"));
        assert_eq!(tunnel.certificate_expiry, None);
        assert_eq!(failure(&tunnel).detail, Detail::Proxy);
        let requests = proxy.requests();
        assert_eq!(requests.len(), 2);
        for request in requests {
            assert!(request.starts_with("CONNECT target.invalid:443 HTTP/1.1"), "{request}");
            // `printf a:b | base64`
            assert!(request.to_lowercase().contains("proxy-authorization: basic "), "{request}");
            assert!(request.contains(" YTpi\r\n"), "{request}");
        }
    }
    let proxy = Endpoint::tls(&certified());
    let unknown = probe("https://target.invalid/token", &key(&proxy)).await;
    assert_failure(&unknown, "network", "tls", "");
    let start = format!("no TLS with the proxy 127.0.0.1:{}: the ", proxy.port());
    let message = failure(&unknown).message.as_str();
    assert!(message.starts_with(&start) && message.contains("CN=authority"), "{message}");
    assert_eq!(unknown.certificate_expiry, None);
    assert_eq!(failure(&unknown).detail, Detail::Proxy);
    let proxy = Endpoint::tls(&certified().demanding(&authority));
    let demanding = probe("https://target.invalid/token", &(key(&proxy) + "\n" + &trusted)).await;
    assert_failure(&demanding, "network", "tls", "");
    let message = failure(&demanding).message.as_str();
    assert!(
        message.ends_with(": it demands a client certificate, and a proxy gets none"),
        "{message}"
    );
}
