//! Addresses to which secrets may go: https, or this machine.

use std::net::IpAddr;

use http::Uri;

/// Whether nobody on the way can read a request to this address.
pub(crate) fn is_private(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    match uri.scheme_str() {
        Some("https") => !host.is_empty(),
        Some("http") => is_loopback(host),
        _ => false,
    }
}

/// Whether a host is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_private;

    #[test]
    fn secrets_leave_the_machine_over_https_only() {
        for good in ["https://a.example/", "http://localhost:1/", "http://127.0.0.9/x", "http://[::1]:8/"] {
            assert!(is_private(&good.parse().unwrap()), "{good}");
        }
        for bad in
            ["http://a.example/", "http://localhost.a.example/", "http://10.0.0.1/", "ftp://[::1]/", "/x"]
        {
            assert!(!is_private(&bad.parse().unwrap()), "{bad}");
        }
    }
}
