-- Orders, what was paid for them, what goes back, and the work that follows. Times are unix milliseconds, amounts are
-- minor units. The program checks the texts; the limits here are the second fence.

-- One row an order. Its state changes only by an UPDATE that names the state it expects.
CREATE TABLE payments_order (
    out_trade_no      TEXT    NOT NULL PRIMARY KEY,
    subject           TEXT    NOT NULL,
    amount_minor      INTEGER NOT NULL CHECK (amount_minor > 0),
    currency          TEXT    NOT NULL,
    state             TEXT    NOT NULL,
    created_at_millis INTEGER NOT NULL CHECK (created_at_millis >= 0),
    updated_at_millis INTEGER NOT NULL CHECK (updated_at_millis >= 0)
) STRICT, WITHOUT ROWID;
CREATE INDEX payments_order_by_state ON payments_order (state, updated_at_millis, out_trade_no);

-- One row a channel that the buyer was sent to; `place` counts from 0 within the order.
CREATE TABLE payments_submission (
    out_trade_no        TEXT    NOT NULL REFERENCES payments_order (out_trade_no),
    place               INTEGER NOT NULL CHECK (place >= 0),
    channel             TEXT    NOT NULL,
    submitted_at_millis INTEGER NOT NULL CHECK (submitted_at_millis >= 0),
    PRIMARY KEY (out_trade_no, place),
    UNIQUE (out_trade_no, channel)
) STRICT, WITHOUT ROWID;

-- One row a trade that paid. The unique key is what makes a repeated notify a duplicate; place 0 paid first.
CREATE TABLE payments_payment (
    out_trade_no      TEXT    NOT NULL REFERENCES payments_order (out_trade_no),
    place             INTEGER NOT NULL CHECK (place >= 0),
    channel           TEXT    NOT NULL,
    trade_no          TEXT    NOT NULL,
    notify_id         TEXT,
    settled_at_millis INTEGER NOT NULL CHECK (settled_at_millis >= 0),
    PRIMARY KEY (out_trade_no, place),
    UNIQUE (out_trade_no, channel, trade_no)
) STRICT, WITHOUT ROWID;
CREATE INDEX payments_payment_by_day ON payments_payment (channel, settled_at_millis);

-- One row a refund. Its state changes only by an UPDATE that names the state it expects.
CREATE TABLE payments_refund (
    refund_no         TEXT    NOT NULL PRIMARY KEY,
    out_trade_no      TEXT    NOT NULL REFERENCES payments_order (out_trade_no),
    channel           TEXT    NOT NULL,
    trade_no          TEXT    NOT NULL,
    paid_minor        INTEGER NOT NULL CHECK (paid_minor > 0),
    amount_minor      INTEGER NOT NULL CHECK (amount_minor > 0),
    currency          TEXT    NOT NULL,
    reason            TEXT,
    state             TEXT    NOT NULL,
    created_at_millis INTEGER NOT NULL CHECK (created_at_millis >= 0),
    updated_at_millis INTEGER NOT NULL CHECK (updated_at_millis >= 0)
) STRICT, WITHOUT ROWID;
CREATE INDEX payments_refund_by_order ON payments_refund (out_trade_no);
CREATE INDEX payments_refund_by_state ON payments_refund (state, updated_at_millis, refund_no);

-- One row a piece of work that is not finished. A number is never given twice; one that failed is leased to nobody
-- until it may be tried again.
CREATE TABLE payments_work (
    id                  INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    out_trade_no        TEXT    NOT NULL REFERENCES payments_order (out_trade_no),
    task                TEXT    NOT NULL,
    channel             TEXT,
    trade_no            TEXT,
    leased_until_millis INTEGER NOT NULL CHECK (leased_until_millis >= 0),
    attempts            INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0)
) STRICT;
CREATE INDEX payments_work_by_order ON payments_work (out_trade_no, id);
