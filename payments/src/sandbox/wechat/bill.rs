//! Bills of a day: where they lie, with the digest of the file, and the files (manual: 申请交易账单, 申请资金账单).

use super::SandboxWechat;
use super::admission::Admitted;
use super::refusal::Refusal;
use super::reply::{Content, Done};
use crate::bill::BillDay;
use crate::sandbox::book::{Book, Refund, RefundStage, Trade};
use crate::sandbox::side::Desk;
use crate::{Channel, UnixMillis};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::StatusCode;
use serde_json::json;
use sha1::{Digest as _, Sha1};
use std::io::Write as _;

/// How long an address works, in seconds.
const LINK_SECS_MAX: u64 = 300;
/// The most addresses that work at once.
const LINKS_MAX: usize = 64;

const TRADE_COLUMNS: &str = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,\
货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,\
订单金额,申请退款金额,费率备注";
const TRADE_SUMS: &str =
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额";
const FUND_COLUMNS: &str = "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),\
资金变更提交申请人,备注,业务凭证号";
const FUND_SUMS: &str = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额";

/// The kinds of bills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Trade,
    FundFlow,
}

/// An address of a bill: the file as it was when the digest was signed.
#[derive(Debug)]
pub(super) struct Link {
    token: String,
    file: Bytes,
    until: UnixMillis,
}

/// One row: a payment, or a refund of it.
#[derive(Clone, Copy)]
struct Row<'a> {
    at: UnixMillis,
    trade: &'a Trade,
    refund: Option<&'a Refund>,
}

/// Where the bill of a day lies. The running day is served as far as it got, which the real gateway does not do.
pub(super) fn link(
    side: &SandboxWechat,
    kind: Kind,
    request: &Admitted,
    desk: &mut Desk<'_>,
) -> Result<Done, Refusal> {
    let asked = |name: &str| request.query.get(name).map(String::as_str);
    let day = asked("bill_date").and_then(|day| BillDay::parse(day).ok());
    let day = day.ok_or(Refusal::parameter("bill_date", "write yyyy-MM-dd"))?;
    let packed = match asked("tar_type") {
        None => false,
        Some("GZIP") => true,
        Some(_) => return Err(Refusal::parameter("tar_type", "it is GZIP or absent")),
    };
    let text = match kind {
        Kind::Trade => trade_bill(side, day, asked("bill_type").unwrap_or("ALL"), desk.book)?,
        Kind::FundFlow => fund_flow(day, asked("account_type").unwrap_or("BASIC"), desk.book)?,
    };
    // The digest is that of the file before it is packed.
    let digest: String = Sha1::digest(&text).iter().map(|byte| format!("{byte:02x}")).collect();
    let file = if packed { gzip(text.as_bytes()).ok_or(Refusal::failed())? } else { Bytes::from(text) };
    let token = desk.token();
    let url = format!("{}/v3/billdownload/file?token={token}", desk.origin);
    let mut links = side.links();
    links.retain(|link| desk.now < link.until);
    if links.len() >= LINKS_MAX {
        links.remove(0);
    }
    links.push(Link { token, file, until: desk.now.plus_secs(LINK_SECS_MAX) });
    let content = json!({ "hash_type": "SHA1", "hash_value": digest, "download_url": url });
    Ok(Done { content: Content::Json(content), key: None })
}

/// The file behind an address.
pub(super) fn download(side: &SandboxWechat, request: &Admitted, desk: &Desk<'_>) -> Result<Done, Refusal> {
    let token = request.query.get("token").map(String::as_str).unwrap_or_default();
    let links = side.links();
    let link = links.iter().find(|link| link.token == token && desk.now < link.until);
    let file =
        link.map(|link| link.file.clone()).ok_or(Refusal::request("下载链接已失效，请重新申请账单"))?;
    Ok(Done { content: Content::File(file), key: None })
}

fn gzip(text: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

const fn no_bill() -> Refusal {
    Refusal::of(
        StatusCode::BAD_REQUEST,
        "NO_STATEMENT_EXIST",
        "账单文件不存在，请检查当前商户号在指定日期内是否有交易",
    )
}

/// Every movement up to the end of a day, the oldest first.
fn rows(book: &Book, day: BillDay) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    for trade in book.all_by(|trade| trade.key.channel == Channel::Wechat) {
        let payment = trade.paid_at.map(|at| Row { at, trade, refund: None });
        let refunds = trade.refunds.iter().filter(|refund| refund.stage == RefundStage::Succeeded);
        let refunds =
            refunds.filter_map(|refund| Some(Row { at: refund.ended_at?, trade, refund: Some(refund) }));
        rows.extend(payment.into_iter().chain(refunds).filter(|row| row.at < day.ends_at()));
    }
    rows.sort_by_key(|row| (row.at, row.refund.is_some()));
    rows
}

fn trade_bill(side: &SandboxWechat, day: BillDay, kind: &str, book: &Book) -> Result<String, Refusal> {
    let wanted: fn(&Row<'_>) -> bool = match kind {
        "ALL" => |_| true,
        "SUCCESS" => |row| row.refund.is_none(),
        "REFUND" => |row| row.refund.is_some(),
        _ => return Err(Refusal::parameter("bill_type", "it is ALL, SUCCESS or REFUND")),
    };
    let rows: Vec<Row<'_>> =
        rows(book, day).into_iter().filter(|row| row.at >= day.begins_at() && wanted(row)).collect();
    if rows.is_empty() {
        return Err(no_bill());
    }
    let lines: String = rows.iter().map(|row| trade_line(side, *row)).collect();
    let (paid, back) = sums(&rows);
    let sums = cells(&[
        &rows.len().to_string(),
        &yuan(paid),
        &yuan(back),
        "0.00",
        "0.00000",
        &yuan(paid),
        &yuan(back),
    ]);
    Ok(format!("\u{feff}{TRADE_COLUMNS}\r\n{lines}{TRADE_SUMS}\r\n{sums}"))
}

fn trade_line(side: &SandboxWechat, row: Row<'_>) -> String {
    let (trade, fixed) = (row.trade, &row.trade.terms.fixed);
    let told = |name: &str| fixed.get(name).map(String::as_str).unwrap_or_default();
    let paid = row.refund.map_or_else(|| trade.terms.amount.minor(), |_| 0);
    let back = row.refund.map_or(0, |refund| refund.amount.minor());
    let (state, refund_state, channel) =
        if row.refund.is_some() { ("REFUND", "SUCCESS", "ORIGINAL") } else { ("SUCCESS", "", "") };
    cells(&[
        &row.at.china_text(),
        side.merchant.app_id.as_str(),
        side.merchant.mchid.as_str(),
        "0",
        "",
        &trade.trade_no,
        &trade.out_trade_no,
        told("payer"),
        told("trade_type"),
        state,
        "OTHERS",
        "CNY",
        &yuan(paid),
        "0.00",
        row.refund.map_or("0", |refund| &refund.refund_id),
        row.refund.map_or("0", |refund| &refund.refund_no),
        &yuan(back),
        "0.00",
        channel,
        refund_state,
        &plain(&trade.terms.subject),
        &plain(told("attach")),
        "0.00000",
        "0.60%",
        &yuan(paid),
        &yuan(back),
        "",
    ])
}

/// The basic account; the other two never move here.
fn fund_flow(day: BillDay, account: &str, book: &Book) -> Result<String, Refusal> {
    match account {
        "BASIC" => {}
        "OPERATION" | "FEES" => return Err(no_bill()),
        _ => return Err(Refusal::parameter("account_type", "it is BASIC, OPERATION or FEES")),
    }
    let rows = rows(book, day);
    let (before, rows): (Vec<Row<'_>>, Vec<Row<'_>>) =
        rows.into_iter().partition(|row| row.at < day.begins_at());
    if rows.is_empty() {
        return Err(no_bill());
    }
    let mut balance = sums(&before).0 - sums(&before).1;
    let mut lines = String::new();
    for row in &rows {
        let (kind, direction, fen) = match row.refund {
            None => ("交易", "收入", row.trade.terms.amount.minor()),
            Some(refund) => ("退款", "支出", refund.amount.minor()),
        };
        balance += if row.refund.is_none() { fen } else { -fen };
        let business = row.refund.map_or(&row.trade.trade_no, |refund| &refund.refund_id);
        let voucher = row.refund.map_or(&row.trade.out_trade_no, |refund| &refund.refund_no);
        let flow: String = business.chars().rev().collect();
        let (at, fen, balance) = (row.at.china_text(), yuan(fen), yuan(balance));
        lines.push_str(&cells(&[
            &at, business, &flow, kind, kind, direction, &fen, &balance, "1", "", voucher,
        ]));
    }
    let (paid, back) = sums(&rows);
    let payments = rows.iter().filter(|row| row.refund.is_none()).count();
    let count = |number: usize| number.to_string();
    let sums = cells(&[
        &count(rows.len()),
        &count(payments),
        &yuan(paid),
        &count(rows.len() - payments),
        &yuan(back),
    ]);
    Ok(format!("\u{feff}{FUND_COLUMNS}\r\n{lines}{FUND_SUMS}\r\n{sums}"))
}

/// What came in and what went back, in fen.
fn sums(rows: &[Row<'_>]) -> (i64, i64) {
    rows.iter().fold((0, 0), |(paid, back), row| match row.refund {
        None => (paid + row.trade.terms.amount.minor(), back),
        Some(refund) => (paid, back + refund.amount.minor()),
    })
}

/// Every cell begins with a backquote, so that tables keep long numbers as text.
fn cells(values: &[&str]) -> String {
    let cells: Vec<String> = values.iter().map(|value| format!("`{value}")).collect();
    cells.join(",") + "\r\n"
}

/// The file has no way to quote: what would divide a cell becomes a space.
fn plain(text: &str) -> String {
    text.replace([',', '`', '\r', '\n'], " ")
}

fn yuan(fen: i64) -> String {
    format!("{}.{:02}", fen / 100, fen % 100)
}
