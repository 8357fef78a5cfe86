//! Settlement files: from the reply to the lines of a bill, and everything that can be wrong on the way.

use super::bank::{Bank, Fields, MER_ID, NUMBER, QUERY_ID, REFUND_NO, fields, reply, with, without};
use crate::support::yuan;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use payments::unionpay::{FileDownload, SettlementFile};
use payments::{BillDay, Call, Error, ErrorKind, Movement};
use std::io::{Cursor, Write as _};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const WIDTHS: [usize; 32] = [
    3, 11, 11, 6, 10, 19, 12, 4, 2, 21, 2, 32, 2, 6, 10, 13, 13, 4, 15, 2, 2, 6, 2, 4, 32, 1, 21, 15, 1, 15,
    32, 13,
];

/// One row with these columns, counted from 1.
pub(crate) fn row(columns: &[(usize, &str)]) -> String {
    let cell = |(index, width): (usize, &usize)| {
        let value = columns.iter().find(|(column, _)| *column == index + 1).map_or("", |(_, value)| *value);
        format!("{value:<width$}")
    };
    WIDTHS.iter().enumerate().map(cell).collect::<Vec<_>>().join(" ")
}

pub(crate) fn day_of_two() -> String {
    let payment = [
        (1, "S22"),
        (5, "0908132206"),
        (7, "000000008800"),
        (10, QUERY_ID),
        (12, NUMBER),
        (20, "01"),
        (28, MER_ID),
    ];
    let refund = [
        (1, "S30"),
        (5, "0908140000"),
        (7, "000000003000"),
        (10, "782209081400000674029"),
        (12, REFUND_NO),
        (20, "04"),
        (27, QUERY_ID),
        (28, MER_ID),
    ];
    format!("{}\r\n{}\r\n", row(&payment), row(&refund))
}

pub(crate) fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        archive.start_file(*name, SimpleFileOptions::default()).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

pub(crate) fn packed(bytes: &[u8]) -> String {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    STANDARD.encode(encoder.finish().unwrap())
}

pub(crate) fn told(content: &str) -> Fields {
    fields(&[
        ("encoding", "UTF-8"),
        ("fileContent", content),
        ("fileName", "../../etc/777290058167151_20220908.zip"),
        ("merId", MER_ID),
        ("respCode", "00"),
        ("settleDate", "0908"),
        ("signMethod", "01"),
        ("txnType", "76"),
        ("version", "5.1.0"),
    ])
}

fn read(bank: &Bank, fields: Fields) -> Result<Option<SettlementFile>, Error> {
    call().read(&bank.merchant, &bank.reply(fields))
}

fn call() -> FileDownload {
    FileDownload::new(BillDay::parse("2022-09-08").unwrap())
}

fn file(bank: &Bank, members: &[(&str, &[u8])]) -> SettlementFile {
    read(bank, told(&packed(&archive(members)))).unwrap().unwrap()
}

#[test]
fn a_day_becomes_a_bill() {
    let bank = Bank::new();
    let text = day_of_two();
    let members: &[(&str, &[u8])] = &[
        ("INN22090888ZM_777290058167151", text.as_bytes()),
        ("INN22090888ZME_777290058167151", b"disputes have other columns"),
        ("readme.txt", b"\xd6\xd0"),
    ];
    let file = file(&bank, members);
    assert_eq!(file.archive(), archive(members));
    // Told by the peer, so it is shown and never a path.
    assert_eq!(file.name(), "../../etc/777290058167151_20220908.zip");
    assert_eq!(file.rows().unwrap().len(), 2);
    let bill = file.bill().unwrap();
    let [payment, refund] = bill.lines.as_slice() else { panic!("{bill:?}") };
    assert_eq!((payment.out_trade_no.as_str(), payment.amount), (NUMBER, yuan("88.00")));
    assert_eq!((payment.movement.clone(), payment.trade_no.as_str()), (Movement::Payment, QUERY_ID));
    assert_eq!(payment.at.unwrap().china_text(), "2022-09-08 13:22:06");
    let refund_no = Some(REFUND_NO.to_owned());
    assert_eq!(refund.movement, Movement::Refund { refund_no, succeeded: true });
    assert_eq!((refund.out_trade_no.as_str(), refund.trade_no.as_str()), (NUMBER, QUERY_ID));
}

#[test]
fn a_day_without_a_file_is_none() {
    let bank = Bank::new();
    let none =
        with(without(told(""), &["fileContent"]), &[("respCode", "98"), ("respMsg", "文件不存在[2000002]")]);
    assert_eq!(read(&bank, none.clone()).unwrap(), None);
    let refused = read(&bank, with(none, &[("respCode", "32")])).unwrap_err();
    assert_eq!((refused.kind(), refused.gateway_code()), (ErrorKind::Misuse, Some("32")));
}

#[test]
fn contents_that_cannot_be_read_are_refused() {
    let bank = Bank::new();
    let good = packed(&archive(&[("ZM_1", day_of_two().as_bytes())]));
    assert!(read(&bank, told(&good)).is_ok());
    for content in ["", "%", "AAAA", good.get(..good.len() / 2).unwrap(), &STANDARD.encode(b"no zlib")] {
        assert_eq!(read(&bank, told(content)).unwrap_err().kind(), ErrorKind::PeerMisbehaved);
    }
    for (name, value) in [("settleDate", "0909"), ("txnType", "01"), ("merId", "898340183980105")] {
        let error = read(&bank, with(told(&good), &[(name, value)])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unverified, "{name}");
    }
    // A reply that does not say whose file it is, or of which day, is nobody's.
    for name in ["merId", "settleDate"] {
        let error = read(&bank, without(told(&good), &[name])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PeerMisbehaved, "{name}");
    }
    let mut unsigned = bank.signed(told(&good));
    unsigned.insert("fileContent".into(), packed(&archive(&[("ZM_1", b"")])));
    let forged = reply(&super::bank::plain(&unsigned), bank.now());
    assert_eq!(call().read(&bank.merchant, &forged).unwrap_err().kind(), ErrorKind::Unverified);
}

#[test]
fn archives_that_cannot_be_read_are_refused() {
    let bank = Bank::new();
    let no_archive = read(&bank, told(&packed(b"no archive"))).unwrap().unwrap();
    assert_eq!(no_archive.bill().unwrap_err().kind(), ErrorKind::PeerMisbehaved);
    let many: Vec<String> = (0..65).map(|index| format!("ZM_{index}")).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|name| (name.as_str(), &b""[..])).collect();
    for members in [&[("ZME_1", &b""[..])][..], &[("ZM_1", &b"short"[..])], &many] {
        assert_eq!(file(&bank, members).bill().unwrap_err().kind(), ErrorKind::PeerMisbehaved);
    }
    let broken = format!("{}\n{}", day_of_two(), "x".repeat(400));
    let error = file(&bank, &[("ZM_1", broken.as_bytes())]).bill().unwrap_err();
    assert!(error.to_string().contains("line 4"), "{error}");
    assert_eq!(file(&bank, &[("ZM_1", b"")]).bill().unwrap().lines, []);
    let other = day_of_two().replace(MER_ID, "898340183980105");
    let other = file(&bank, &[("ZM_1", other.as_bytes())]);
    assert_eq!(other.rows().unwrap().len(), 2);
    assert_eq!(other.bill().unwrap_err().kind(), ErrorKind::PeerMisbehaved);
}
