-- The rows of a policy. Names are checked by the program; the limits here are the second fence.

CREATE TABLE rbac_user (
    id      TEXT    NOT NULL PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 255),
    active  INTEGER NOT NULL CHECK (active IN (0, 1))
) STRICT, WITHOUT ROWID;

CREATE TABLE rbac_role (
    name    TEXT    NOT NULL PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 64),
    label   TEXT    NOT NULL,
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1))
) STRICT, WITHOUT ROWID;

CREATE TABLE rbac_permission (
    name    TEXT    NOT NULL PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 128),
    label   TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE rbac_user_role (
    user_id TEXT    NOT NULL REFERENCES rbac_user (id)   ON DELETE CASCADE,
    role    TEXT    NOT NULL REFERENCES rbac_role (name) ON DELETE CASCADE,
    PRIMARY KEY (user_id, role)
) STRICT, WITHOUT ROWID;
CREATE INDEX rbac_user_role_by_role ON rbac_user_role (role);

-- A pattern names one registered permission or, with a last `*`, many; so it is no foreign key.
CREATE TABLE rbac_role_permission (
    role    TEXT    NOT NULL REFERENCES rbac_role (name) ON DELETE CASCADE,
    pattern TEXT    NOT NULL CHECK (length(pattern) BETWEEN 1 AND 128),
    effect  TEXT    NOT NULL CHECK (effect IN ('allow', 'deny')),
    PRIMARY KEY (role, pattern)
) STRICT, WITHOUT ROWID;

-- The senior role has everything that the junior role has.
CREATE TABLE rbac_role_inheritance (
    senior  TEXT    NOT NULL REFERENCES rbac_role (name) ON DELETE CASCADE,
    junior  TEXT    NOT NULL REFERENCES rbac_role (name) ON DELETE CASCADE,
    PRIMARY KEY (senior, junior),
    CHECK (senior <> junior)
) STRICT, WITHOUT ROWID;
CREATE INDEX rbac_role_inheritance_by_junior ON rbac_role_inheritance (junior);

-- Exactly one row: how many changes the policy has seen.
CREATE TABLE rbac_version (
    one     INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    version INTEGER NOT NULL CHECK (version >= 0)
) STRICT;
INSERT INTO rbac_version (one, version) VALUES (1, 0);

-- One row a change: the change that made this version.
CREATE TABLE rbac_audit (
    version   INTEGER NOT NULL PRIMARY KEY,
    actor     TEXT    NOT NULL,
    at_millis INTEGER NOT NULL,
    change    TEXT    NOT NULL
) STRICT;
