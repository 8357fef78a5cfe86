//! Our side of the figures about payments: whole requests, notifies and settlements through the crate's public calls.

use std::rc::Rc;

use payments::store::Creation;
use payments::wechat::RawNotify;
use payments::{Call as _, Incoming, Settlement};

use crate::contest::Load;
use crate::database::Database;
use crate::pay::{NOW, Notifies, PageOrders, Paid, WechatOrder, WechatOrders, header, stamp};
use crate::shift::{Task, alone, together};
use crate::side::Local;
use crate::{Error, Timing};

/// Signs addresses of Alipay's page.
pub(crate) struct PageSign(pub(crate) PageOrders);

/// Signs requests to WeChat Pay.
pub(crate) struct WechatSign(pub(crate) WechatOrders);

/// Verifies WeChat Pay's notifies.
pub(crate) struct Verify(pub(crate) Notifies);

/// Settles notifies that were settled before.
pub(crate) struct Duplicates {
    database: Rc<Database>,
    paid: Rc<[Paid]>,
}

impl Duplicates {
    /// Of these orders in this database.
    pub(crate) fn new(database: Rc<Database>, paid: Rc<[Paid]>) -> Self {
        Self { database, paid }
    }
}

impl Task for PageSign {
    fn prepare(&mut self) -> Local<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    fn run(&mut self, load: Load) -> Local<'_, Result<Timing, Error>> {
        // A signature with RSASSA-PKCS1-v1_5 is the same each time.
        let timing = alone(&self.0.all, load, |order| {
            Ok(order.pay.redirect(&self.0.merchant, stamp())?.url() == order.url)
        });
        Box::pin(async { timing })
    }

    fn about(&self) -> String {
        "PagePay::redirect and its whole address, from a typed order".to_owned()
    }
}

impl Task for WechatSign {
    fn prepare(&mut self) -> Local<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    fn run(&mut self, load: Load) -> Local<'_, Result<Timing, Error>> {
        let timing = alone(&self.0.all, load, |order: &WechatOrder| {
            let request = order.pay.request(&self.0.merchant, stamp())?;
            Ok(header(&request) == Some(&order.authorization))
        });
        Box::pin(async { timing })
    }

    fn about(&self) -> String {
        "wechat::Native::request, body and Authorization from a typed order".to_owned()
    }
}

impl Task for Verify {
    fn prepare(&mut self) -> Local<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    fn run(&mut self, load: Load) -> Local<'_, Result<Timing, Error>> {
        let timing = alone(&self.0.all, load, |notify| {
            let told = RawNotify::parse(&notify.request)?.verify(&self.0.merchant, NOW)?;
            Ok(matches!(told, Incoming::Trade(trade) if trade.out_trade_no() == notify.number))
        });
        Box::pin(async { timing })
    }

    fn about(&self) -> String {
        "wechat::RawNotify::verify: headers, signature, AES-GCM, typed trade".to_owned()
    }
}

impl Task for Duplicates {
    fn prepare(&mut self) -> Local<'_, Result<(), Error>> {
        Box::pin(async {
            let store = self.database.store();
            for paid in &*self.paid {
                // Later rounds find the orders of the first.
                let fresh = store.create(&paid.order, NOW).await? == Creation::Created;
                let first = store.settle(&paid.notify, NOW).await?;
                let due = if fresh { Settlement::Paid } else { Settlement::Duplicate };
                if first != due {
                    return Err(Error::Answer { given: format!("{first:?}"), wanted: format!("{due:?}") });
                }
            }
            Ok(())
        })
    }

    fn run(&mut self, load: Load) -> Local<'_, Result<Timing, Error>> {
        Box::pin(async move {
            let store = self.database.store();
            let settle =
                async |paid: &Paid| Ok(store.settle(&paid.notify, NOW).await? == Settlement::Duplicate);
            together(&self.paid, load, settle).await
        })
    }

    fn about(&self) -> String {
        "OrderStore::settle of a notify that was settled before".to_owned()
    }
}
