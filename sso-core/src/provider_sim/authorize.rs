//! The page on which a user consents, one for all providers: a link for every user, and one to refuse.

use bytes::Bytes;
use http::header::LOCATION;
use http::{Method, Request, Response};

use crate::error::{Error, ErrorKind};
use crate::provider_sim::ProviderSim;
use crate::provider_sim::wire::{Asked, page, redirect};
use crate::provider_sim::world::{Grant, World};

/// What differs between the providers' pages.
pub(crate) struct Page<'a> {
    pub(crate) folder: &'static str,
    pub(crate) app_id: &'a str,
    pub(crate) scope: &'a str,
    /// Why the page shows an error instead of its question.
    pub(crate) refused: Option<&'static str>,
    /// What is added to the redirect address, before the state, if the user refuses.
    pub(crate) denied: &'static [(&'static str, &'static str)],
    /// What is added to the redirect address in every case.
    pub(crate) always: Vec<(&'static str, String)>,
}

/// Answers the request for the page, and the click on it.
pub(crate) fn answer(sim: &ProviderSim, asked: &Asked<'_>, shown: &Page<'_>) -> Response<Bytes> {
    let mut world = sim.lock();
    let Some(app) = world.app(shown.folder, shown.app_id) else {
        return page(400, "unknown application".to_owned());
    };
    let (kind, back) = (app.kind, app.redirect_uri.clone());
    if asked.of("redirect_uri") != back {
        return page(400, "redirect address mismatch".to_owned());
    }
    if let Some(refused) = shown.refused {
        return page(400, refused.to_owned());
    }
    let state = asked.of("state");
    if !asked.of("sim_deny").is_empty() {
        return redirect(&with_pairs(&back, shown.denied, state, &shown.always));
    }
    let Some(user) = world.user(asked.of("sim_user")).cloned() else {
        return page(200, question(&world, shown, asked));
    };
    let given = |name: &str| Some(asked.of(name).to_owned()).filter(|text| !text.is_empty());
    let grant = Grant {
        kind,
        app_id: shown.app_id.to_owned(),
        user,
        scope: shown.scope.to_owned(),
        nonce: given("nonce"),
        challenge: given("code_challenge"),
    };
    let code = world.new_code(grant);
    redirect(&with_pairs(&back, &[("code", &code)], state, &shown.always))
}

fn with_pairs(back: &str, first: &[(&str, &str)], state: &str, always: &[(&str, String)]) -> String {
    let mut pairs = form_urlencoded::Serializer::new(String::new());
    pairs.extend_pairs(first).append_pair("state", state);
    pairs.extend_pairs(always);
    let separator = if back.contains('?') { '&' } else { '?' };
    format!("{back}{separator}{}", pairs.finish())
}

fn question(world: &World, shown: &Page<'_>, asked: &Asked<'_>) -> String {
    let link = |pair: &str, words: &str| {
        // The query was encoded by whoever sent the browser here; only quotes and the like need care.
        let address = format!("?{}&{pair}", asked.query);
        format!("<li><a href=\"{}\">{}</a></li>", escaped(&address), escaped(words))
    };
    let users: String =
        world.users().map(|user| link(&format!("sim_user={}", user.name), &user.nickname)).collect();
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{folder} (simulated)</title>\
         <h1>{folder} (simulated)</h1><p>Sign in to <b>{app}</b> as:</p><ul>{users}{deny}</ul></html>",
        folder = shown.folder,
        app = escaped(shown.app_id),
        deny = link("sim_deny=1", "nobody: refuse"),
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// What a browser does that goes to an address and clicks.
pub(crate) fn click(sim: &ProviderSim, location: &str, (name, value): (&str, &str)) -> Result<String, Error> {
    let misuse = |words: String| Error::new(ErrorKind::Misuse, words);
    let (address, fragment) = location.split_once('#').unwrap_or((location, ""));
    if address.contains("/wechat/") && fragment != "wechat_redirect" {
        return Err(misuse("wechat shows nothing without the fragment `#wechat_redirect`".to_owned()));
    }
    let pair = form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish();
    let request = Request::builder().method(Method::GET).uri(format!("{address}&{pair}")).body(Bytes::new());
    let request = request.map_err(|source| {
        Error::with_source(ErrorKind::Misuse, "this is no address of a provider", source)
    })?;
    let response = sim.handle(&request);
    let back = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let Some((_, query)) = back.and_then(|back| back.split_once('?')) else {
        let text = String::from_utf8_lossy(response.body());
        return Err(misuse(format!("the provider's page says `{}`", text.escape_debug())));
    };
    Ok(query.to_owned())
}
