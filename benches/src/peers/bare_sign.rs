//! The least that a signed request costs: the bare signature over its text, by aws-lc-rs and by the crate rsa.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rsa::RsaPrivateKey;
use rsa::pkcs1v15::SigningKey;
use rsa::pkcs8::DecodePrivateKey as _;
use rsa::sha2::Sha256;
use rsa::signature::{SignatureEncoding as _, Signer as _};

use super::versioned;
use crate::contest::Load;
use crate::pay::{PageOrder, PageOrders};
use crate::shift::{Task, alone};
use crate::side::Local;
use crate::{Error, Timing};

/// Signs texts that are there already, with a parsed key of aws-lc-rs.
pub(crate) struct Raw {
    pair: RsaKeyPair,
    orders: Vec<PageOrder>,
}

/// The same with a parsed key of the crate rsa, unblinded as most programs use it.
pub(crate) struct PureRust {
    key: SigningKey<Sha256>,
    orders: Vec<PageOrder>,
}

impl Raw {
    /// Of these orders.
    pub(crate) fn new(orders: &PageOrders) -> Result<Self, Error> {
        let pair = RsaKeyPair::from_pkcs8(&orders.key_der()?).map_err(|_| Error::Key)?;
        Ok(Self { pair, orders: orders.all.clone() })
    }
}

impl PureRust {
    /// Of these orders.
    pub(crate) fn new(orders: &PageOrders) -> Result<Self, Error> {
        let key = RsaPrivateKey::from_pkcs8_der(&orders.key_der()?).map_err(|_| Error::Key)?;
        Ok(Self { key: SigningKey::new(key), orders: orders.all.clone() })
    }
}

impl Task for Raw {
    fn prepare(&mut self) -> Local<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    fn run(&mut self, load: Load) -> Local<'_, Result<Timing, Error>> {
        let (random, mut signature) = (SystemRandom::new(), vec![0; self.pair.public_modulus_len()]);
        let once = |order: &PageOrder| {
            let signed = self.pair.sign(&RSA_PKCS1_SHA256, &random, order.text.as_bytes(), &mut signature);
            Ok(signed.is_ok() && signature == order.signature)
        };
        let timing = alone(&self.orders, load, once);
        Box::pin(async { timing })
    }

    fn about(&self) -> String {
        format!("{}, a bare signature of the same text with a parsed key", versioned("aws-lc-rs"))
    }
}

impl Task for PureRust {
    fn prepare(&mut self) -> Local<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    fn run(&mut self, load: Load) -> Local<'_, Result<Timing, Error>> {
        let once = |order: &PageOrder| {
            let signed = self.key.try_sign(order.text.as_bytes());
            Ok(signed.is_ok_and(|signature| *signature.to_bytes() == *order.signature))
        };
        let timing = alone(&self.orders, load, once);
        Box::pin(async { timing })
    }

    fn about(&self) -> String {
        format!("{}, a bare signature of the same text with a parsed key, unblinded", versioned("rsa"))
    }
}
