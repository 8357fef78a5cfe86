//! Words in both languages: what the sale page says for each answer that is not a seat, one table for the page and its
//! script; and the states of orders and refunds.

use payments::{Channel, RefundState, TradeState};
use rbac::Lang;

/// One answer in words.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Words {
    /// The code of the problem.
    pub(crate) code: &'static str,
    pub(crate) en: &'static str,
    pub(crate) zh: &'static str,
}

/// Every answer that the sale page explains.
pub(crate) const ANSWERS: [Words; 11] = [
    says("not_open", "The sale has not opened yet.", "抢购还没有开始。"),
    says("closed", "The sale is over.", "抢购已经结束。"),
    says("paused", "The sale is paused. Try again in a moment.", "抢购暂停，请稍后再试。"),
    says(
        "sold_out",
        "Sold out. A seat comes back when a buyer does not pay in time.",
        "已抢完。有人逾期未付款时会放出名额。",
    ),
    says("limit_reached", "You hold a seat of this course already.", "你已经占有这门课的名额。"),
    says(
        "too_many",
        "You have reserved as often as one buyer may in this sale.",
        "你在本次抢购中的预订次数已达上限。",
    ),
    says(
        "not_eligible",
        "This sale is not for everybody. Ask the school to let you in.",
        "本次抢购不对所有人开放，请联系学校。",
    ),
    says("busy", "Too many people ask at this moment. Try again.", "此刻人数太多，请再试一次。"),
    says(
        "sale_frozen",
        "The sale stands still while its records are restored. Try again later.",
        "正在恢复抢购记录，请稍后再试。",
    ),
    says("already_enrolled", "You are enrolled already.", "你已经报名。"),
    says(
        "reservation_over",
        "That reservation is over. Load the page again to try once more.",
        "该预订已失效，请刷新页面重试。",
    ),
];

const fn says(code: &'static str, en: &'static str, zh: &'static str) -> Words {
    Words { code, en, zh }
}

/// The words for a code, if the sale page explains it.
pub(crate) fn words_of(code: &str) -> Option<&'static Words> {
    ANSWERS.iter().find(|words| words.code == code)
}

/// A few words in both languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Said {
    en: &'static str,
    zh: &'static str,
}

impl Said {
    /// In one of them.
    pub(crate) const fn in_lang(self, lang: Lang) -> &'static str {
        match lang {
            Lang::Zh => self.zh,
            _ => self.en,
        }
    }

    /// In both, for pages that speak both at once.
    pub(crate) fn both(self) -> String {
        if self.en == self.zh { self.en.to_owned() } else { format!("{} {}", self.en, self.zh) }
    }
}

/// The same in English and in Chinese.
pub(crate) const fn said(en: &'static str, zh: &'static str) -> Said {
    Said { en, zh }
}

/// A sentence in both languages, with what it tells of filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) en: String,
    pub(crate) zh: String,
}

impl Told {
    /// The same in English and in Chinese.
    pub(crate) fn new(en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self { en: en.into(), zh: zh.into() }
    }

    /// In one of them.
    pub(crate) fn in_lang(&self, lang: Lang) -> &str {
        match lang {
            Lang::Zh => &self.zh,
            _ => &self.en,
        }
    }
}

/// The state of an order for the back office, and its tone.
pub(crate) const fn trade_words(state: TradeState) -> (Said, &'static str) {
    match state {
        TradeState::Created => (said("Created", "待付款"), "plain"),
        TradeState::Pending => (said("Pending", "付款中"), "gold"),
        TradeState::Paid => (said("Paid", "已付款"), ""),
        TradeState::PartiallyRefunded => (said("Partly refunded", "部分退款"), "gold"),
        TradeState::Refunded => (said("Refunded", "已退款"), "plain"),
        TradeState::Closed => (said("Closed", "已关闭"), "plain"),
        TradeState::Failed => (said("Failed", "付款失败"), "hot"),
        TradeState::PaidLate => (said("Paid late", "逾期付款"), "hot"),
        _ => (said("Unknown", "待查询"), "hot"),
    }
}

/// The state of a refund, and its tone.
pub(crate) const fn refund_words(state: RefundState) -> (Said, &'static str) {
    match state {
        RefundState::Requested => (said("Asked for", "已申请"), "gold"),
        RefundState::Processing => (said("Under way", "处理中"), "gold"),
        RefundState::Succeeded => (said("Paid back", "已退款"), ""),
        RefundState::Abnormal => (said("Stuck", "退款异常"), "hot"),
        _ => (said("Closed", "已关闭"), "plain"),
    }
}

/// A gateway's name.
pub(crate) const fn channel_words(channel: Channel) -> Said {
    match channel {
        Channel::Alipay => said("Alipay", "支付宝"),
        Channel::Wechat => said("WeChat Pay", "微信支付"),
        Channel::Unionpay => said("UnionPay", "银联"),
        _ => said("another gateway", "其他渠道"),
    }
}
