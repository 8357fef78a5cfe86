-- A policy: users, roles, permissions, domains, departments, and what binds them. Times are unix milliseconds, truth
-- values are 0 and 1. The program checks all texts; the limits here are the second fence. Whoever changes rows by hand
-- raises `rbac_version` too, so that running programs load them.

-- Where assignments may hold. The row without a name stands for everywhere: let it be.
CREATE TABLE rbac_domain (
    name  TEXT NOT NULL PRIMARY KEY CHECK (length(name) <= 128),
    label TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;
INSERT INTO rbac_domain (name, label) VALUES ('', 'everywhere');

-- The tree that data scopes refer to; without a parent at the top.
CREATE TABLE rbac_department (
    id     INTEGER NOT NULL PRIMARY KEY,
    label  TEXT    NOT NULL DEFAULT '',
    parent INTEGER REFERENCES rbac_department (id),
    CHECK (parent <> id)
) STRICT;
CREATE INDEX rbac_department_by_parent ON rbac_department (parent);

CREATE TABLE rbac_user (
    id         TEXT    NOT NULL PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 255),
    label      TEXT    NOT NULL DEFAULT '',
    active     INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
    department INTEGER REFERENCES rbac_department (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX rbac_user_by_department ON rbac_user (department);

CREATE TABLE rbac_role (
    name       TEXT    NOT NULL PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 128),
    label      TEXT    NOT NULL DEFAULT '',
    enabled    INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
    data_scope TEXT    NOT NULL DEFAULT 'nothing' CHECK (data_scope IN
        ('nothing', 'own', 'own_department', 'own_department_and_below', 'departments', 'all'))
) STRICT, WITHOUT ROWID;

-- The departments of a role whose data scope is `departments`.
CREATE TABLE rbac_role_department (
    role       TEXT    NOT NULL REFERENCES rbac_role (name) ON DELETE CASCADE,
    department INTEGER NOT NULL REFERENCES rbac_department (id),
    PRIMARY KEY (role, department)
) STRICT, WITHOUT ROWID;
CREATE INDEX rbac_role_department_by_department ON rbac_role_department (department);

-- What can be asked for, beside what the program declares in code.
CREATE TABLE rbac_permission (
    name  TEXT NOT NULL PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 128),
    label TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;

-- Who has which role, where (everywhere if the domain is empty) and when: from the first moment up to the second.
CREATE TABLE rbac_user_role (
    user_id           TEXT NOT NULL REFERENCES rbac_user (id)   ON DELETE CASCADE,
    role              TEXT NOT NULL REFERENCES rbac_role (name) ON DELETE CASCADE,
    domain            TEXT NOT NULL DEFAULT '' REFERENCES rbac_domain (name),
    not_before_millis INTEGER CHECK (not_before_millis >= 0),
    not_after_millis  INTEGER CHECK (not_after_millis > 0),
    PRIMARY KEY (user_id, role, domain),
    CHECK (not_before_millis < not_after_millis)
) STRICT, WITHOUT ROWID;
CREATE INDEX rbac_user_role_by_role ON rbac_user_role (role);
CREATE INDEX rbac_user_role_by_domain ON rbac_user_role (domain);

-- A pattern names one registered permission or, with `*`, many; so it is no foreign key.
CREATE TABLE rbac_role_permission (
    role    TEXT NOT NULL REFERENCES rbac_role (name) ON DELETE CASCADE,
    pattern TEXT NOT NULL CHECK (length(pattern) BETWEEN 1 AND 128),
    mode    TEXT NOT NULL DEFAULT 'strict' CHECK (mode IN ('strict', 'shiro', 'satoken')),
    effect  TEXT NOT NULL CHECK (effect IN ('allow', 'deny')),
    PRIMARY KEY (role, pattern, mode)
) STRICT, WITHOUT ROWID;
CREATE INDEX rbac_role_permission_by_pattern ON rbac_role_permission (pattern);

-- The senior role has everything that the junior role has.
CREATE TABLE rbac_role_inheritance (
    senior TEXT NOT NULL REFERENCES rbac_role (name) ON DELETE CASCADE,
    junior TEXT NOT NULL REFERENCES rbac_role (name) ON DELETE CASCADE,
    PRIMARY KEY (senior, junior),
    CHECK (senior <> junior)
) STRICT, WITHOUT ROWID;
CREATE INDEX rbac_role_inheritance_by_junior ON rbac_role_inheritance (junior);

-- Separation of duty: nobody has `cardinality` of the roles or more.
CREATE TABLE rbac_duty (
    name        TEXT    NOT NULL PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 64),
    label       TEXT    NOT NULL DEFAULT '',
    kind        TEXT    NOT NULL CHECK (kind IN ('static', 'dynamic')),
    cardinality INTEGER NOT NULL CHECK (cardinality >= 2)
) STRICT, WITHOUT ROWID;

CREATE TABLE rbac_duty_role (
    duty TEXT NOT NULL REFERENCES rbac_duty (name) ON DELETE CASCADE,
    role TEXT NOT NULL REFERENCES rbac_role (name),
    PRIMARY KEY (duty, role)
) STRICT, WITHOUT ROWID;
CREATE INDEX rbac_duty_role_by_role ON rbac_duty_role (role);

-- Exactly one row: how many drafts the policy has seen. Writers take turns at it.
CREATE TABLE rbac_version (
    one     INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    version INTEGER NOT NULL CHECK (version >= 0)
) STRICT;
INSERT INTO rbac_version (one, version) VALUES (1, 0);

-- One row a draft: who, when, why, the changes in words, and the rows before and after, all as JSON.
CREATE TABLE rbac_audit (
    version     INTEGER NOT NULL PRIMARY KEY,
    actor_kind  TEXT    NOT NULL CHECK (actor_kind IN ('user', 'system')),
    actor       TEXT    NOT NULL,
    at_millis   INTEGER NOT NULL CHECK (at_millis >= 0),
    reason      TEXT    NOT NULL,
    changes     TEXT    NOT NULL,
    rows_before TEXT    NOT NULL,
    rows_after  TEXT    NOT NULL
) STRICT;
CREATE INDEX rbac_audit_by_actor ON rbac_audit (actor_kind, actor, version);
