//! The settlement file of a day: columns of fixed width, in a ZIP archive, in zlib, in base64 (manual: 文件传输类).

use super::SandboxUnionpay;
use super::admission::{Fields, Refusal};
use super::message;
use super::trades::{clearing_day, parts};
use crate::bill::BillDay;
use crate::form::Params;
use crate::sandbox::book::{RefundStage, Trade};
use crate::sandbox::side::Desk;
use crate::{Channel, Money, UnixMillis};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use std::io::{Cursor, Write as _};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// The widths of the columns of a trade file, in bytes; one space divides two of them.
const WIDTHS: [usize; 28] =
    [3, 11, 11, 6, 10, 19, 12, 4, 2, 21, 2, 32, 2, 6, 10, 13, 13, 4, 15, 2, 2, 6, 2, 4, 32, 1, 21, 15];

/// `76/01`. The file of the running day is served as far as it got, which the real gateway does not do.
pub(super) fn file(side: &SandboxUnionpay, fields: &Fields, desk: &Desk<'_>) -> Result<Params, Refusal> {
    fields.fitting("txnSubType", |value| value == "01")?;
    fields.fitting("bizType", |value| value == "000000")?;
    fields.fitting("fileType", |value| value == "00")?;
    let date = fields.fitting("settleDate", |date| date.len() == 4)?;
    let day = day(date, desk.now).ok_or_else(|| Refusal::field("settleDate"))?;
    let mer_id = side.merchant.mer_id.as_str();
    let lines = lines(mer_id, day, desk);
    if lines.is_empty() {
        return Err(Refusal::new("98", "文件不存在[settleDate]"));
    }
    let short: String = day.digits().chars().skip(2).collect();
    let packed = packed(&format!("INN{short}88ZM_{mer_id}"), &lines);
    let mut reply = message::done();
    let content = packed.ok_or_else(|| Refusal::new("99", "沙箱不能写文件"))?;
    for (name, value) in [
        ("fileContent", content),
        ("fileName", format!("{mer_id}_{}.zip", day.digits())),
        ("fileType", "00".to_owned()),
        ("settleDate", date.to_owned()),
    ] {
        reply.insert(name.to_owned(), value);
    }
    Ok(reply)
}

/// The newest such day that is not more than a day ahead.
fn day(date: &str, now: UnixMillis) -> Option<BillDay> {
    let ahead = BillDay::of(now.plus_secs(2 * 86_400));
    let year: u32 = ahead.digits().get(..4)?.parse().ok()?;
    let (month, of_month) = date.split_at_checked(2)?;
    let in_year = |year: u32| BillDay::parse(&format!("{year}-{month}-{of_month}")).ok();
    let mut days = [year, year.saturating_sub(1)].into_iter().filter_map(in_year);
    days.find(|day| day.begins_at() <= ahead.begins_at())
}

fn lines(mer_id: &str, day: BillDay, desk: &Desk<'_>) -> Vec<String> {
    let mut rows = Vec::new();
    for trade in desk.book.all_by(|trade| trade.key.channel == Channel::Unionpay) {
        if let Some(paid_at) = trade.paid_at {
            rows.push((paid_at, payment(mer_id, trade, paid_at)));
        }
        for refund in trade.refunds.iter().filter(|refund| refund.stage == RefundStage::Succeeded) {
            let parts = parts(refund);
            let at = refund.ended_at.unwrap_or(refund.created_at);
            let code = if parts.txn_type == "31" { "S20" } else { "S30" };
            let numbers = [&refund.refund_id, parts.order_id, parts.txn_type, &trade.trade_no];
            rows.push((at, row(mer_id, code, at, refund.amount, numbers)));
        }
    }
    rows.retain(|(at, _)| clearing_day(*at) == day);
    rows.sort();
    rows.into_iter().map(|(_, line)| line).collect()
}

fn payment(mer_id: &str, trade: &Trade, paid_at: UnixMillis) -> String {
    row(mer_id, "S22", paid_at, trade.terms.amount, [&trade.trade_no, &trade.out_trade_no, "01", ""])
}

/// One row; the columns that a merchant of the sandbox has no use for are blank.
fn row(
    mer_id: &str,
    code: &str,
    at: UnixMillis,
    amount: Money,
    [query_id, order_id, txn_type, paid]: [&str; 4],
) -> String {
    let trace_no: String = query_id.chars().skip(15).take(6).collect();
    let sent_at: String = at.china_digits().chars().skip(4).collect();
    let fen = format!("{:0>12}", amount.fen_text());
    let fee = format!("D{:0>12}", 0);
    let settled = format!("{}{fen}", if txn_type == "01" { 'C' } else { 'D' });
    let filled = [
        (1, code),
        (4, trace_no.as_str()),
        (5, &sent_at),
        (7, &fen),
        (10, query_id),
        (12, order_id),
        (16, &fee),
        (17, &settled),
        (20, txn_type),
        (27, paid),
        (28, mer_id),
    ];
    let mut line = String::new();
    for (column, width) in (1..).zip(WIDTHS) {
        let value = filled.iter().find(|(filled, _)| *filled == column).map_or("", |(_, value)| value);
        let cut: String = value.chars().take(width).collect();
        line.push_str(&format!("{cut:<width$} "));
    }
    line + "\r\n"
}

fn packed(name: &str, lines: &[String]) -> Option<String> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file(name, SimpleFileOptions::default()).ok()?;
    archive.write_all(lines.concat().as_bytes()).ok()?;
    let archive = archive.finish().ok()?.into_inner();
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
    zlib.write_all(&archive).ok()?;
    zlib.finish().ok().map(|packed| STANDARD.encode(packed))
}
