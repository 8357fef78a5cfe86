//! Messages of Alipay that are no payments: the application gateway and the service market send them, signed by
//! another rule than payments (manual: 应用网关, `rsaCheckV2` of the official kits).

use super::merchant::Merchant;
use super::notify::SYNC_TYPE;
use super::signed_form::{Rule, SignedForm};
use crate::UnixMillis;
use crate::error::{Cause, Error};
use crate::form::Params;
use std::fmt;

const WHAT: &str = "alipay service message";

/// A verified service message. Nothing leads from here to a store: payments come as
/// [`RawNotify`](super::RawNotify) only.
///
/// Answer it with [`ACK_SUCCESS`](super::ACK_SUCCESS) once it is recorded. It may come twice: remember
/// [`ServiceMessage::notify_id`].
#[derive(Clone, PartialEq, Eq)]
pub struct ServiceMessage {
    notify_type: String,
    notify_id: String,
    fields: Params,
}

impl ServiceMessage {
    /// Verifies the body of the POST by rule V2 and reads it. The signature covers `sign_type`; payments, which leave
    /// it out, are refused.
    ///
    /// # Errors
    /// `InvalidInput` and `Unverified` as for a notify, also if the message belongs to another app;
    /// `PeerMisbehaved` if it has no type or no number, or is a payment.
    pub fn verify(body: &[u8], merchant: &Merchant, received_at: UnixMillis) -> Result<Self, Error> {
        let mut fields = SignedForm::parse(WHAT, body)?.verify(merchant, Rule::Service, received_at)?;
        if fields.get("app_id").map(String::as_str) != Some(merchant.app_id.as_str()) {
            return Err(Cause::Unverified { what: WHAT, why: "it belongs to another app" }.into());
        }
        fields.remove("sign_type");
        let text = |field| fields.get(field).cloned().ok_or(Cause::Field { what: WHAT, field, source: None });
        let (notify_type, notify_id) = (text("notify_type")?, text("notify_id")?);
        if notify_type == SYNC_TYPE {
            return Err(Cause::Field { what: WHAT, field: "notify_type", source: None }.into());
        }
        Ok(Self { notify_type, notify_id, fields })
    }

    /// What it is about, such as `servicemarket_order_notify`.
    #[must_use]
    pub fn notify_type(&self) -> &str {
        &self.notify_type
    }

    /// The number of the message, the same in every repeat.
    #[must_use]
    pub fn notify_id(&self) -> &str {
        &self.notify_id
    }

    /// Any other signed field by its name; none if it is empty.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }
}

/// Type and number only: the other fields tell about people.
impl fmt::Debug for ServiceMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceMessage")
            .field("notify_type", &self.notify_type)
            .field("notify_id", &self.notify_id)
            .finish_non_exhaustive()
    }
}
