-- What administrators asked of a sale. It is written down before it is done, so that a start finishes what a crash cut
-- off, and a store that has lost everything learns it again.

CREATE TABLE school_sale_step (
    course_slug TEXT PRIMARY KEY REFERENCES school_course (slug),
    step        TEXT NOT NULL CHECK (step IN ('pause', 'resume', 'close')),
    actor       TEXT NOT NULL REFERENCES school_account (id),
    at          INTEGER NOT NULL
);

CREATE TABLE school_sale_change (
    course_slug TEXT NOT NULL REFERENCES school_course (slug),
    -- Chosen by the form or the program that asks: the same change counts once.
    id          TEXT NOT NULL,
    direction   TEXT NOT NULL CHECK (direction IN ('add', 'withdraw')),
    units       INTEGER NOT NULL CHECK (units > 0),
    -- What it came to, in units; null until the sale has answered.
    done        INTEGER CHECK (done BETWEEN 0 AND units),
    actor       TEXT NOT NULL REFERENCES school_account (id),
    at          INTEGER NOT NULL,
    PRIMARY KEY (course_slug, id)
);

-- A reservation's name tells its buyer now.
UPDATE school_checkout SET reservation_id = reservation_id || '.' || account_id WHERE reservation_id NOT LIKE '%.%.%';
