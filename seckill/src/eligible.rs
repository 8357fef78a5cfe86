//! The proof that a buyer may take part in a sale that is not for everybody.

use crate::ids::{BuyerId, SaleId};

/// A buyer who may take part in one sale. It comes from a verified token of the gate (feature `gate`), or
/// the application vouches for the buyer.
///
/// ```
/// use seckill::{BuyerId, Eligible, Quantity, RequestId, Reserve, SaleId};
///
/// let (sale, ann) = (SaleId::new("phone")?, BuyerId::new("ann")?);
/// // The application has looked: Ann is a member.
/// let proof = Eligible::vouched(&sale, &ann);
/// let request = Reserve::new(ann, Quantity::ONE, RequestId::new("r-00000001")?).eligible(proof);
/// assert!(request.eligible.is_some());
/// # Ok::<(), seckill::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Eligible {
    sale: SaleId,
    buyer: BuyerId,
}

impl Eligible {
    /// The application itself has checked that `buyer` may take part in `sale`.
    pub fn vouched(sale: &SaleId, buyer: &BuyerId) -> Self {
        Self { sale: sale.clone(), buyer: buyer.clone() }
    }

    /// Whether it is about this sale and this buyer.
    pub(crate) fn is_of(&self, sale: &SaleId, buyer: &BuyerId) -> bool {
        self.sale == *sale && self.buyer == *buyer
    }
}
