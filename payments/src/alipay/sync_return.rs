//! The sync return: what the buyer's browser brings back. It is for display; there is no way from here to a store.

use super::merchant::Merchant;
use super::signed_form::{Rule, SignedForm};
use crate::error::{Cause, Error};
use crate::form::Params;
use crate::{Money, UnixMillis};

const WHAT: &str = "alipay sync return";
/// Page pay and wap pay; both are for display, so it does not matter which of them it was.
const METHODS: [&str; 2] = ["alipay.trade.page.pay.return", "alipay.trade.wap.pay.return"];

/// A verified sync return. The buyer may bring it late, twice, or never: look the order up and show its state.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SyncReturn {
    /// The number of the order that the buyer comes back from.
    pub out_trade_no: String,
    /// The amount on Alipay's page.
    pub amount: Money,
}

impl SyncReturn {
    /// Verifies the query of a GET to `return_url` that came at this moment and reads it.
    ///
    /// # Errors
    /// `InvalidInput` and `Unverified` as for a notify, or if the return belongs to another app or seller.
    pub fn verify(query: &str, merchant: &Merchant, at: UnixMillis) -> Result<Self, Error> {
        let params = SignedForm::parse(WHAT, query.as_bytes())?.verify(merchant, Rule::Payment, at)?;
        is_one_of(&params, "method", &METHODS)?;
        is_one_of(&params, "app_id", &[merchant.app_id.as_str()])?;
        is_one_of(&params, "seller_id", &[merchant.seller_id.as_str()])?;
        let field = |field, source: Option<Box<Error>>| Cause::Field { what: WHAT, field, source };
        let out_trade_no = params.get("out_trade_no").ok_or_else(|| field("out_trade_no", None))?.clone();
        let amount = params.get("total_amount").ok_or_else(|| field("total_amount", None))?;
        let amount =
            Money::parse_yuan(amount).map_err(|error| field("total_amount", Some(Box::new(error))))?;
        Ok(Self { out_trade_no, amount })
    }
}

fn is_one_of(params: &Params, name: &'static str, expected: &[&str]) -> Result<(), Error> {
    if params.get(name).is_some_and(|found| expected.contains(&found.as_str())) {
        Ok(())
    } else {
        Err(Cause::Unverified { what: WHAT, why: "it belongs to another method, app or seller" }.into())
    }
}
