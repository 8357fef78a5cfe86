//! The names of the parameters that are read, in one list: nothing may stand for one of them in disguise.

macro_rules! names {
    ($($name:ident = $text:literal;)*) => {
        $(pub(super) const $name: &str = $text;)*

        /// True for a parameter that decides something here. Its value ends at the next `&`, and its name stands in
        /// no list of another parameter.
        pub(super) fn is_read(name: &str) -> bool {
            [$($text),*].contains(&name)
        }
    };
}

names! {
    CERT_TYPE = "certType";
    CURRENCY_CODE = "currencyCode";
    ENCODING = "encoding";
    ENCRYPT_PUB_KEY_CERT = "encryptPubKeyCert";
    FILE_CONTENT = "fileContent";
    FILE_NAME = "fileName";
    MER_ID = "merId";
    ORDER_ID = "orderId";
    ORIG_QRY_ID = "origQryId";
    ORIG_RESP_CODE = "origRespCode";
    QUERY_ID = "queryId";
    REQ_RESERVED = "reqReserved";
    RESP_CODE = "respCode";
    RESP_MSG = "respMsg";
    SETTLE_DATE = "settleDate";
    SIGNATURE = "signature";
    SIGN_METHOD = "signMethod";
    SIGN_PUB_KEY_CERT = "signPubKeyCert";
    TN = "tn";
    TXN_AMT = "txnAmt";
    TXN_TIME = "txnTime";
    TXN_TYPE = "txnType";
    VERSION = "version";
}
