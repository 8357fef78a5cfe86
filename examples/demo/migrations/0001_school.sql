-- The school's own tables. Users' permissions, orders and their states live in the tables of rbac and payments.

CREATE TABLE school_account (
    id            TEXT PRIMARY KEY,
    login         TEXT NOT NULL UNIQUE,
    display_name  TEXT NOT NULL,
    password_hash TEXT NOT NULL
);

CREATE TABLE school_course (
    slug        TEXT PRIMARY KEY,
    title_zh    TEXT NOT NULL,
    title_en    TEXT NOT NULL,
    summary     TEXT NOT NULL,
    teacher     TEXT NOT NULL,
    weeks       INTEGER NOT NULL CHECK (weeks > 0),
    price_fen   INTEGER NOT NULL CHECK (price_fen > 0),
    seats       INTEGER NOT NULL CHECK (seats > 0),
    has_lab     INTEGER NOT NULL CHECK (has_lab IN (0, 1)),
    -- The flash sale's window, milliseconds since the epoch. Every instance opens the sale with these same terms.
    sale_opens  INTEGER NOT NULL,
    sale_closes INTEGER NOT NULL CHECK (sale_closes > sale_opens)
);

-- One row a won seat that went to checkout: which order pays which reservation.
CREATE TABLE school_checkout (
    out_trade_no   TEXT PRIMARY KEY,
    account_id     TEXT NOT NULL REFERENCES school_account (id),
    course_slug    TEXT NOT NULL REFERENCES school_course (slug),
    reservation_id TEXT NOT NULL UNIQUE,
    expires_at     INTEGER NOT NULL,
    created_at     INTEGER NOT NULL,
    -- 1 until the checkout is at its end: enrolled, owed or given back.
    open           INTEGER NOT NULL DEFAULT 1 CHECK (open IN (0, 1))
);

CREATE INDEX school_checkout_open ON school_checkout (out_trade_no) WHERE open = 1;

CREATE TABLE school_enrolment (
    account_id   TEXT NOT NULL REFERENCES school_account (id),
    course_slug  TEXT NOT NULL REFERENCES school_course (slug),
    out_trade_no TEXT NOT NULL UNIQUE REFERENCES school_checkout (out_trade_no),
    enrolled_at  INTEGER NOT NULL,
    PRIMARY KEY (account_id, course_slug)
);

-- Payments for seats that were gone when the money came. A row here is a debt to a buyer.
CREATE TABLE school_refund_due (
    trade_no     TEXT PRIMARY KEY,
    out_trade_no TEXT NOT NULL REFERENCES school_checkout (out_trade_no),
    at           INTEGER NOT NULL
);
