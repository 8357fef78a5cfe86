//! The bill of a day: its address for half a minute, and the archive itself, GBK text in a ZIP file.

use super::admission::Admitted;
use super::refusal::SandboxRefusal;
use super::reply::good;
use super::succeeded;
use crate::bill::BillDay;
use crate::sandbox::book::{Book, Refund, Trade};
use crate::sandbox::side::Desk;
use crate::{Channel, UnixMillis};
use bytes::Bytes;
use encoding_rs::GBK;
use serde_json::{Map, Value};
use std::io::{Cursor, Write as _};
use zip::ZipWriter;
use zip::result::ZipError;
use zip::write::SimpleFileOptions;

/// Where bills lie.
pub(super) const PREFIX: &str = "/alipay/bill/";
/// How long an address works, in seconds.
const LINK_SECS_MAX: u64 = 30;
/// The most addresses that work at once.
const LINKS_MAX: usize = 64;

const COLUMNS: &str = "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,\
对方账户,订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,\
商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注";
const SUMS: &str = "门店编号,门店名称,交易订单总笔数,退款订单总笔数,订单金额（元）,商家实收（元）,支付宝优惠（元）,\
商家优惠（元）,卡消费金额（元）,服务费（元）,分润（元）,实收净额（元）";

/// An address of a bill.
#[derive(Debug)]
pub(super) struct Link {
    token: String,
    day: BillDay,
    until: UnixMillis,
}

/// One row: a payment, or a refund of it.
struct Row<'a> {
    at: UnixMillis,
    trade: &'a Trade,
    refund: Option<&'a Refund>,
}

/// `alipay.data.dataservice.bill.downloadurl.query`. The bill of the running day is served as far as it got, which
/// the real gateway does not do.
pub(super) fn url(
    request: &Admitted,
    links: &mut Vec<Link>,
    desk: &mut Desk<'_>,
) -> Result<Map<String, Value>, SandboxRefusal> {
    if request.biz.text("bill_type").as_deref() != Some("trade") {
        return Err(SandboxRefusal::parameter("the sandbox has bills of type trade"));
    }
    let date = request.biz.text("bill_date").unwrap_or_default();
    let day = BillDay::parse(&date).map_err(|_| SandboxRefusal::parameter("bill_date is yyyy-MM-dd"))?;
    if rows(desk.book, day).is_empty() {
        return Err(SandboxRefusal::business("BILL_NOT_EXIST", "nothing happened on this day"));
    }
    let token = desk.entropy.hex(48);
    links.retain(|link| desk.now < link.until);
    if links.len() >= LINKS_MAX {
        links.remove(0);
    }
    links.push(Link { token: token.clone(), day, until: desk.now.plus_secs(LINK_SECS_MAX) });
    Ok(good([("bill_download_url", &format!("{}{PREFIX}{token}", desk.origin))]))
}

/// The archive behind an address; none if the address does not work any more.
pub(super) fn download(
    token: &str,
    seller_id: &str,
    links: &[Link],
    desk: &Desk<'_>,
) -> Option<Result<Bytes, ZipError>> {
    let link = links.iter().find(|link| link.token == token && desk.now < link.until)?;
    Some(archive(link.day, seller_id, &rows(desk.book, link.day), desk.now))
}

fn rows(book: &Book, day: BillDay) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    for trade in book.all_by(|trade| trade.key.channel == Channel::Alipay) {
        let payment = trade.paid_at.map(|at| Row { at, trade, refund: None });
        let refunds = trade.refunds.iter().filter(|refund| succeeded(refund.stage));
        let refunds =
            refunds.filter_map(|refund| Some(Row { at: refund.ended_at?, trade, refund: Some(refund) }));
        rows.extend(payment.into_iter().chain(refunds).filter(|row| BillDay::of(row.at) == day));
    }
    rows.sort_by_key(|row| row.at);
    rows
}

fn archive(day: BillDay, seller_id: &str, rows: &[Row<'_>], now: UnixMillis) -> Result<Bytes, ZipError> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stem = format!("{seller_id}0156_{}", day.digits());
    for (name, text) in [
        (format!("{stem}_业务明细.csv"), details(day, seller_id, rows, now)),
        (format!("{stem}_业务明细(汇总).csv"), summary(day, seller_id, rows, now)),
    ] {
        zip.start_file(name, SimpleFileOptions::default())?;
        // What GBK does not have becomes a numeric reference: the encoder never fails.
        zip.write_all(&GBK.encode(&text).0)?;
    }
    zip.finish().map(|file| Bytes::from(file.into_inner()))
}

fn details(day: BillDay, seller_id: &str, rows: &[Row<'_>], now: UnixMillis) -> String {
    let lines: String = rows.iter().map(line).collect();
    let (payments, paid) = sums(rows, false);
    let (refunds, refunded) = sums(rows, true);
    format!(
        "{head}#-----------------------------------------业务明细列表----------------------------------------\r\n\
         {COLUMNS}\r\n{lines}\
         #-----------------------------------------业务明细列表结束------------------------------------\r\n\
         #交易合计：{payments}笔，商家实收共{paid}元，商家优惠共0.00元\r\n\
         #退款合计：{refunds}笔，商家实收退款共{refunded}元，商家优惠退款共0.00元\r\n\
         #导出时间：[{now}]\r\n",
        head = head("#支付宝业务明细查询", day, seller_id),
        paid = yuan(paid),
        refunded = yuan(refunded),
        now = chinese(now),
    )
}

fn summary(day: BillDay, seller_id: &str, rows: &[Row<'_>], now: UnixMillis) -> String {
    let ((payments, paid), (refunds, refunded)) = (sums(rows, false), sums(rows, true));
    let net = yuan(paid + refunded);
    let total = format!("合计,,{payments},{refunds},{net},{net},0.00,0.00,0.00,0.00,0.00,{net}");
    format!(
        "{head}#-----------------------------------------业务汇总列表----------------------------------------\r\n\
         {SUMS}\r\n{total}\r\n\
         #-----------------------------------------业务汇总列表结束------------------------------------\r\n\
         #导出时间：[{now}]\r\n",
        head = head("#支付宝业务汇总查询", day, seller_id),
        now = chinese(now),
    )
}

fn head(title: &str, day: BillDay, seller_id: &str) -> String {
    format!(
        "{title}\r\n#账号：[{seller_id}0156]\r\n#起始日期：[{}]   终止日期：[{}]\r\n",
        chinese(day.begins_at()),
        chinese(day.ends_at())
    )
}

/// Numbers end in a tab, so that spreadsheets keep their digits.
fn line(row: &Row<'_>) -> String {
    let trade = row.trade;
    let (kind, fen, refund_no) = match row.refund {
        None => ("交易", trade.terms.amount.minor(), ""),
        Some(refund) => ("退款", -refund.amount.minor(), refund.refund_no.as_str()),
    };
    let amount = yuan(fen);
    format!(
        "{}\t,{}\t,{kind},{},{},{},,,,,san***@sandbox.example,{amount},{amount},0.00,0.00,0.00,0.00,0.00,,\
         0.00,0.00,{refund_no}\t,0.00,0.00,\r\n",
        trade.trade_no,
        trade.out_trade_no,
        cell(&trade.terms.subject),
        trade.created_at.china_text(),
        row.at.china_text(),
    )
}

/// A cell that holds a comma or a quote is quoted.
fn cell(text: &str) -> String {
    if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

/// How many rows, and their sum in fen with its sign.
fn sums(rows: &[Row<'_>], refunds: bool) -> (usize, i64) {
    let of_kind = rows.iter().filter(|row| row.refund.is_some() == refunds);
    of_kind.fold((0, 0), |(count, sum), row| match row.refund {
        None => (count + 1, sum + row.trade.terms.amount.minor()),
        Some(refund) => (count + 1, sum - refund.amount.minor()),
    })
}

fn yuan(fen: i64) -> String {
    let sign = if fen < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", fen.abs() / 100, fen.abs() % 100)
}

/// `2026年09月22日 00:00:00`.
fn chinese(at: UnixMillis) -> String {
    let text = at.china_text();
    let (date, time) = text.split_once(' ').unwrap_or_default();
    let parts: Vec<&str> = date.split('-').collect();
    match parts.as_slice() {
        [year, month, day] => format!("{year}年{month}月{day}日 {time}"),
        _ => text,
    }
}
