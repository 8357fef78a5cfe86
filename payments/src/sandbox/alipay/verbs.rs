//! What the buyer's browser meets at Alipay besides the cashier, and what tests do in its place.

use super::refusal::SandboxRefusal;
use super::{NotifyDraft, SandboxAlipay, admission, canonical, opening};
use crate::form::{self, Params};
use crate::html::escape;
use crate::sandbox::book::{Key, Trade};
use crate::sandbox::cashier::{Cashier, TradeView};
use crate::sandbox::notices::About;
use crate::sandbox::page;
use crate::sandbox::shell::Sandbox;
use crate::{Channel, Error, OutTradeNo, UnixMillis, sign};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};

impl Sandbox {
    /// Takes the query of an Alipay page payment and opens a cashier, as a browser would. `random` has to be fresh:
    /// the token comes from it.
    ///
    /// # Errors
    /// The refusal that the merchant would get from the real gateway.
    pub fn page_pay(
        &self,
        query: &str,
        now: UnixMillis,
        random: [u8; 32],
    ) -> Result<Cashier, SandboxRefusal> {
        let side = self.alipay().ok_or_else(|| SandboxRefusal::failed("this sandbox has no Alipay"))?;
        let mut state = self.state();
        state.entropy.stir(&random);
        let admitted = admission::admit(query, &[], side, now)?;
        let trade = opening::page(&admitted, &mut self.desk(&mut state, now))?;
        Ok(Cashier::new(trade.token.clone().unwrap_or_default(), TradeView::from(&trade)))
    }

    /// A notify about an Alipay trade as it stands, honest until it is changed: for tests of forged ones. None if
    /// there is no such trade, or the merchant gave no notify address.
    #[must_use]
    pub fn draft(&self, number: &OutTradeNo, now: UnixMillis) -> Option<NotifyDraft<'_>> {
        let side = self.alipay()?;
        let state = self.state();
        let trade = state.book.find(&Key::new(Channel::Alipay, number.as_str()))?;
        let about = match trade.refunds.last() {
            Some(refund) => About::Refund(refund.refund_no.clone()),
            None => About::Payment,
        };
        NotifyDraft::new(side, trade, &about, now)
    }
}

/// The query of the sync return.
pub(super) fn sync_return(side: &SandboxAlipay, trade: &Trade, now: UnixMillis) -> Result<String, Error> {
    let (amount, timestamp) = (trade.terms.amount.yuan_text(), now.china_text());
    let app_id = side.merchant.app_id.as_str();
    let method = match trade.terms.fixed.get("product_code").map(String::as_str) {
        Some("QUICK_WAP_WAY") => "alipay.trade.wap.pay.return",
        _ => "alipay.trade.page.pay.return",
    };
    let pairs = [
        ("app_id", app_id),
        ("auth_app_id", app_id),
        ("charset", "utf-8"),
        ("method", method),
        ("out_trade_no", &trade.out_trade_no),
        ("seller_id", side.merchant.seller_id.as_str()),
        ("timestamp", &timestamp),
        ("total_amount", &amount),
        ("trade_no", &trade.trade_no),
        ("version", "1.0"),
    ];
    let mut params: Params = pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
    let sign = sign::sign_text(&side.signing().0, &canonical::of_message(&params))?;
    params.insert("sign".to_owned(), sign);
    params.insert("sign_type".to_owned(), "RSA2".to_owned());
    Ok(form::encode(&params))
}

pub(super) fn wants_page(request: &Request<Bytes>) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    request.method() == Method::GET || accept.is_some_and(|accept| accept.contains("text/html"))
}

/// A refusal, for the developer of the shop.
pub(super) fn refusal_page(refusal: &SandboxRefusal) -> Response<Bytes> {
    let canonical = refusal.canonical.as_deref().map(|text| {
        format!(
            "<p>待签名字符串 <span lang=\"en\">Text to be signed</span></p>\n<pre>{}</pre>\n",
            escape(text)
        )
    });
    let main = format!(
        "<h1>无法付款 <span lang=\"en\">Cannot pay</span></h1>\n<dl>\n<dt>code</dt><dd>{}</dd>\n\
         <dt>sub_code</dt><dd>{}</dd>\n</dl>\n<p lang=\"en\">{}</p>\n{}",
        escape(refusal.code),
        escape(refusal.sub_code),
        escape(refusal.remedy),
        canonical.unwrap_or_default()
    );
    page::small(StatusCode::BAD_REQUEST, "无法付款 Cannot pay", &main, None)
}
