-- What became of each reservation. The program checks the texts; the limits here are the second fence.
CREATE TABLE gh_seckill_orders (
    -- Compared byte by byte: names that differ in case only are two.
    reservation VARCHAR(516) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    sale        VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    shard       BIGINT       NOT NULL CHECK (shard >= 0),
    -- Spaces, controls and `~` are written as `~` and two hexadecimal digits.
    buyer       VARCHAR(384) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    request     VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    -- `<units>` of the first thing on sale, `<position>*<units>` of another, `+` between.
    line_items  VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    -- Held, paid, returned, gone.
    state       CHAR(1)      CHARACTER SET ascii COLLATE ascii_bin NOT NULL CHECK (state IN ('H', 'P', 'R', 'G')),
    -- Times are unix milliseconds.
    pay_until   BIGINT       NOT NULL CHECK (pay_until >= 0),
    -- The step of the shard that brought the order to its state.
    seq         BIGINT       NOT NULL CHECK (seq >= 0),
    updated_at  BIGINT       NOT NULL CHECK (updated_at >= 0),
    INDEX gh_seckill_orders_by_deadline (sale, pay_until, reservation)
) ENGINE = InnoDB;

-- The highest step of each shard of which an event was taken.
CREATE TABLE gh_seckill_shards (
    sale    VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    shard   BIGINT NOT NULL CHECK (shard >= 0),
    highest BIGINT NOT NULL CHECK (highest >= 0),
    PRIMARY KEY (sale, shard)
) ENGINE = InnoDB;
