-- What became of each reservation. The program checks the texts; the limits here are the second fence.
CREATE TABLE gh_seckill_orders (
    reservation TEXT    NOT NULL PRIMARY KEY CHECK (length(reservation) BETWEEN 1 AND 516),
    sale        TEXT    NOT NULL,
    shard       INTEGER NOT NULL CHECK (shard >= 0),
    -- Spaces, controls and `~` are written as `~` and two hexadecimal digits.
    buyer       TEXT    NOT NULL,
    request     TEXT    NOT NULL,
    -- `<units>` of the first thing on sale, `<position>*<units>` of another, `+` between.
    line_items  TEXT    NOT NULL,
    -- Held, paid, returned, gone.
    state       TEXT    NOT NULL CHECK (state IN ('H', 'P', 'R', 'G')),
    -- Times are unix milliseconds.
    pay_until   INTEGER NOT NULL CHECK (pay_until >= 0),
    -- The step of the shard that brought the order to its state.
    seq         INTEGER NOT NULL CHECK (seq >= 0),
    updated_at  INTEGER NOT NULL CHECK (updated_at >= 0)
) STRICT, WITHOUT ROWID;
CREATE INDEX gh_seckill_orders_by_deadline ON gh_seckill_orders (sale, pay_until, reservation);

-- The highest step of each shard of which an event was taken.
CREATE TABLE gh_seckill_shards (
    sale    TEXT    NOT NULL,
    shard   INTEGER NOT NULL CHECK (shard >= 0),
    highest INTEGER NOT NULL CHECK (highest >= 0),
    PRIMARY KEY (sale, shard)
) STRICT, WITHOUT ROWID;
