//! Bills as typed lines (manual: 交易账单, 资金账单): columns by name, yuan as fen, sums compared with the rows.

use super::bill_table::{Row, Section, Table, broken};
use crate::bill::{Bill, BillDay, BillLine, Movement};
use crate::error::Error;
use crate::{Channel, Currency, Money, SellerId, TradeNo, UnixMillis};

/// Columns of the trade bill whose sums stand in its last line, by the names there.
const TRADE_SUMS: [(&str, &str); 3] =
    [("订单金额", "订单总金额"), ("退款金额", "退款总金额"), ("申请退款金额", "申请退款总金额")];

/// Reads a trade bill of this merchant, kind `ALL`. The amount of a payment is that of the order, coupons included;
/// the amount of a refund is what was asked for.
///
/// # Errors
/// `PeerMisbehaved` with the number of the first line that breaks the manual, or belongs to another merchant, or if
/// the sums do not fit. No line is left out silently.
pub fn read_trade_bill(file: &[u8], mchid: &SellerId, day: BillDay) -> Result<Bill, Error> {
    let table = Table::read(file)?;
    let lines = table.rows.numbered(2).map(|row| trade_line(row, mchid));
    let lines = lines.collect::<Result<Vec<_>, _>>()?;
    let sums = only_row(&table)?;
    if sums.count("总交易单数")? != lines.len() {
        return Err(sums.broken("it counts other rows than there are"));
    }
    for (column, sum) in TRADE_SUMS {
        if total(&table.rows, column)? != sums.fen(sum)? {
            return Err(sums.broken("a sum is not that of the rows"));
        }
    }
    Ok(Bill::new(Channel::Wechat, day, lines))
}

fn trade_line(row: Row<'_, '_>, mchid: &SellerId) -> Result<BillLine, Error> {
    if row.cell("商户号")? != mchid.as_str() {
        return Err(row.broken("it belongs to another merchant"));
    }
    if Currency::parse(row.cell("货币种类")?).is_err() {
        return Err(row.broken("its currency is not CNY"));
    }
    let (movement, fen) = match row.cell("交易状态")? {
        "SUCCESS" => (Movement::Payment, row.fen("订单金额")?),
        // Revoked is refunded at the cash desk.
        "REFUND" | "REVOKED" => (refund(&row)?, row.fen("申请退款金额")?),
        _ => return Err(row.broken("its state is unknown")),
    };
    let trade_no =
        TradeNo::parse(row.cell("微信订单号")?).map_err(|_| row.broken("it has no transaction id"))?;
    let mut line = BillLine::new(movement, row.cell("商户订单号")?, trade_no, money(&row, fen)?);
    line.at = Some(moment(&row, "交易时间")?);
    Ok(line)
}

fn refund(row: &Row<'_, '_>) -> Result<Movement, Error> {
    let refund_no = Some(row.cell("商户退款单号")?).filter(|number| !matches!(*number, "" | "0"));
    let succeeded = match row.cell("退款状态")? {
        "SUCCESS" => true,
        "PROCESSING" | "FAIL" | "CHANGE" | "ABNORMAL" | "" => false,
        _ => return Err(row.broken("the state of its refund is unknown")),
    };
    Ok(Movement::Refund { refund_no: refund_no.map(ToOwned::to_owned), succeeded })
}

/// The movements of one account on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FundFlow {
    /// The day.
    pub day: BillDay,
    /// In the order of the file.
    pub lines: Vec<FundFlowLine>,
}

/// One movement on an account.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FundFlowLine {
    /// When it was booked.
    pub at: UnixMillis,
    /// The number of the trade or refund at WeChat Pay (`微信支付业务单号`).
    pub business_no: String,
    /// The number of the movement (`资金流水单号`).
    pub flow_no: String,
    /// Its kind in the gateway's words, such as `交易` or `退款`.
    pub kind: String,
    /// In or out.
    pub direction: FundDirection,
    /// How much.
    pub amount: Money,
    /// The balance after it, in minor units (fen); zero is a balance.
    pub balance_minor: i64,
    /// Our number, where the gateway knows one (`业务凭证号`).
    pub voucher_no: String,
}

/// The direction of a movement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FundDirection {
    /// Into the account (`收入`).
    In,
    /// Out of it (`支出`).
    Out,
}

/// Reads a fund flow bill.
///
/// # Errors
/// `PeerMisbehaved` as for [`read_trade_bill`].
pub fn read_fund_flow(file: &[u8], day: BillDay) -> Result<FundFlow, Error> {
    let table = Table::read(file)?;
    let lines = table.rows.numbered(2).map(fund_line).collect::<Result<Vec<_>, _>>()?;
    let sums = only_row(&table)?;
    if sums.count("资金流水总笔数")? != lines.len() {
        return Err(sums.broken("it counts other rows than there are"));
    }
    for (direction, count, sum) in
        [(FundDirection::In, "收入笔数", "收入金额"), (FundDirection::Out, "支出笔数", "支出金额")]
    {
        let of = || lines.iter().filter(|line| line.direction == direction);
        // Each amount is at most 10^10 and a file holds fewer than 10^8 lines.
        let total: i64 = of().map(|line| line.amount.minor()).sum();
        if sums.count(count)? != of().count() || sums.fen(sum)? != total {
            return Err(sums.broken("a sum is not that of the rows"));
        }
    }
    Ok(FundFlow { day, lines })
}

fn fund_line(row: Row<'_, '_>) -> Result<FundFlowLine, Error> {
    let direction = match row.cell("收支类型")? {
        "收入" => FundDirection::In,
        "支出" => FundDirection::Out,
        _ => return Err(row.broken("it goes neither in nor out")),
    };
    let text = |name| row.cell(name).map(ToOwned::to_owned);
    Ok(FundFlowLine {
        at: moment(&row, "记账时间")?,
        business_no: text("微信支付业务单号")?,
        flow_no: text("资金流水单号")?,
        kind: text("业务类型")?,
        direction,
        amount: money(&row, row.fen("收支金额")?)?,
        balance_minor: row.fen("账户结余")?,
        voucher_no: text("业务凭证号")?,
    })
}

fn only_row<'a, 'b>(table: &'b Table<'a>) -> Result<Row<'a, 'b>, Error> {
    // The sums follow the header, the rows, and a header of their own.
    let line = table.rows.rows.len() + 3;
    table.sums.numbered(line).next().ok_or_else(|| broken(line, "it has no sums"))
}

fn total(section: &Section<'_>, column: &str) -> Result<i64, Error> {
    let mut total = 0_i64;
    for row in section.numbered(2).filter(|row| row.find(column).is_some()) {
        total = total.checked_add(row.fen(column)?).ok_or_else(|| row.broken("the sum is too large"))?;
    }
    Ok(total)
}

fn money(row: &Row<'_, '_>, fen: i64) -> Result<Money, Error> {
    Money::from_minor(fen, Currency::Cny).map_err(|_| row.broken("its amount is zero, negative or too large"))
}

fn moment(row: &Row<'_, '_>, name: &str) -> Result<UnixMillis, Error> {
    UnixMillis::parse_china_text(row.cell(name)?).map_err(|_| row.broken("its time cannot be read"))
}
