//! A signed request that the buyer's browser carries to the gateway: as an address, or as a form.

use super::merchant::Merchant;
use super::request::signed_params;
use crate::error::Error;
use crate::form::{self, Params};
use crate::html::escape;
use crate::{CallbackUrl, UnixMillis};
use serde::Serialize;

/// A signed request for the buyer's browser; page pay and wap pay make it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    endpoint: String,
    params: Params,
}

impl Redirect {
    /// The `id` of the element that [`Redirect::form`] writes.
    pub const FORM_ID: &'static str = "alipay-pay";

    pub(super) fn new(
        merchant: &Merchant,
        method: &str,
        biz_content: &impl Serialize,
        notify_url: &CallbackUrl,
        return_url: &CallbackUrl,
        now: UnixMillis,
    ) -> Result<Self, Error> {
        let urls = [("notify_url", notify_url.as_str()), ("return_url", return_url.as_str())];
        let params = signed_params(merchant, method, biz_content, &urls, now)?;
        Ok(Self { endpoint: merchant.endpoint.as_str().to_owned(), params })
    }

    /// The address for a 303 redirect. It grows with the subject; use [`Redirect::form`] where lengths are limited.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}?{}", self.endpoint, self.query())
    }

    /// The part of [`Redirect::url`] after the question mark.
    #[must_use]
    pub fn query(&self) -> String {
        form::encode(&self.params)
    }

    /// A `<form>` element with a button, every name and value escaped. It holds no script: a page with a strict
    /// content security policy submits the form [`Redirect::FORM_ID`] from its own script, or lets the buyer press
    /// the button. Such a policy has to allow the gateway in `form-action`.
    #[must_use]
    pub fn form(&self) -> String {
        // The gateway has to know the charset before it reads the body, so that one stays in the address.
        let action = format!("{}?charset=utf-8", self.endpoint);
        let in_body = self.params.iter().filter(|(name, _)| *name != "charset");
        let inputs: String = in_body
            .map(|(name, value)| {
                let (name, value) = (escape(name), escape(value));
                format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">\n")
            })
            .collect();
        format!(
            "<form id=\"{}\" method=\"post\" accept-charset=\"utf-8\" action=\"{}\">\n{inputs}\
             <button type=\"submit\">支付宝 Alipay</button>\n</form>\n",
            Self::FORM_ID,
            escape(&action)
        )
    }
}
