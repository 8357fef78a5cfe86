//! Which provider answers a request.

use bytes::Bytes;
use http::{Request, Response, Uri};

use crate::provider_sim::wire::{Asked, not_found};
use crate::provider_sim::{ProviderSim, github, oidc, qq, wechat, weibo};

pub(crate) fn answer(sim: &ProviderSim, request: &Request<Bytes>) -> Response<Bytes> {
    let path = request.uri().path();
    if let Some(canned) = sim.lock().note(path) {
        return canned;
    }
    let origin: Uri = sim.origin.parse().unwrap_or_default();
    // A router may have cut the folder of the simulator off already.
    let path = path.strip_prefix(origin.path().trim_end_matches('/')).unwrap_or(path);
    let Some((folder, _)) = path.trim_start_matches('/').split_once('/') else { return not_found() };
    let Some(rest) = path.trim_start_matches('/').strip_prefix(folder) else { return not_found() };
    let asked = Asked::new(request, rest);
    match folder {
        "qq" => qq::answer(sim, &asked),
        "wechat" => wechat::answer(sim, &asked),
        "weibo" => weibo::answer(sim, &asked),
        "github" => github::answer(sim, &asked),
        "oidc" => oidc::answer(sim, &asked),
        _ => not_found(),
    }
}
