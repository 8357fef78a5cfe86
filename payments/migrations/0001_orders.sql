-- One row an order. The state changes only by an UPDATE that names the state it expects.
CREATE TABLE payments_order (
    out_trade_no      TEXT    NOT NULL PRIMARY KEY,
    subject           TEXT    NOT NULL,
    amount_minor      INTEGER NOT NULL CHECK (amount_minor > 0),
    currency          TEXT    NOT NULL,
    state             TEXT    NOT NULL,
    created_at_millis INTEGER NOT NULL,
    updated_at_millis INTEGER NOT NULL
) STRICT;

-- One row a trade that paid. The unique key is what makes a repeated notify a duplicate.
CREATE TABLE payments_notify (
    id                INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    out_trade_no      TEXT    NOT NULL REFERENCES payments_order (out_trade_no),
    channel           TEXT    NOT NULL,
    trade_no          TEXT    NOT NULL,
    notify_id         TEXT,
    settled_at_millis INTEGER NOT NULL,
    UNIQUE (out_trade_no, channel, trade_no)
) STRICT;
