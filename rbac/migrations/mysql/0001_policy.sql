-- A policy: users, roles, permissions, domains, departments, and what binds them. Times are unix milliseconds; names
-- are compared byte by byte: those that differ in case only are two. The program checks all texts; the limits here are
-- the second fence. Whoever changes rows by hand raises `rbac_version` too, so that running programs load them.

-- Where assignments may hold. The row without a name stands for everywhere: let it be.
CREATE TABLE rbac_domain (
    name  VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    label VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT ''
) ENGINE = InnoDB;
INSERT INTO rbac_domain (name, label) VALUES ('', 'everywhere');

-- The tree that data scopes refer to; without a parent at the top.
CREATE TABLE rbac_department (
    id     BIGINT NOT NULL PRIMARY KEY,
    label  VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
    parent BIGINT,
    CHECK (parent <> id),
    FOREIGN KEY (parent) REFERENCES rbac_department (id)
) ENGINE = InnoDB;

CREATE TABLE rbac_user (
    id         VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY CHECK (length(id) >= 1),
    label      VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
    active     BOOLEAN NOT NULL DEFAULT TRUE CHECK (active IN (0, 1)),
    department BIGINT,
    FOREIGN KEY (department) REFERENCES rbac_department (id)
) ENGINE = InnoDB;

CREATE TABLE rbac_role (
    name       VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY CHECK (length(name) >= 1),
    label      VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
    enabled    BOOLEAN NOT NULL DEFAULT TRUE CHECK (enabled IN (0, 1)),
    data_scope VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'nothing' CHECK (data_scope IN
        ('nothing', 'own', 'own_department', 'own_department_and_below', 'departments', 'all'))
) ENGINE = InnoDB;

-- The departments of a role whose data scope is `departments`.
CREATE TABLE rbac_role_department (
    role       VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    department BIGINT NOT NULL,
    PRIMARY KEY (role, department),
    FOREIGN KEY (role) REFERENCES rbac_role (name) ON DELETE CASCADE,
    FOREIGN KEY (department) REFERENCES rbac_department (id)
) ENGINE = InnoDB;

-- What can be asked for, beside what the program declares in code.
CREATE TABLE rbac_permission (
    name  VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY CHECK (length(name) >= 1),
    label VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT ''
) ENGINE = InnoDB;

-- Who has which role, where (everywhere if the domain is empty) and when: from the first moment up to the second.
CREATE TABLE rbac_user_role (
    user_id           VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    role              VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    domain            VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    not_before_millis BIGINT CHECK (not_before_millis >= 0),
    not_after_millis  BIGINT CHECK (not_after_millis > 0),
    PRIMARY KEY (user_id, role, domain),
    CHECK (not_before_millis < not_after_millis),
    FOREIGN KEY (user_id) REFERENCES rbac_user (id) ON DELETE CASCADE,
    FOREIGN KEY (role) REFERENCES rbac_role (name) ON DELETE CASCADE,
    FOREIGN KEY (domain) REFERENCES rbac_domain (name)
) ENGINE = InnoDB;

-- A pattern names one registered permission or, with `*`, many; so it is no foreign key.
CREATE TABLE rbac_role_permission (
    role    VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    pattern VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL CHECK (length(pattern) >= 1),
    mode    VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'strict' CHECK (mode IN ('strict', 'shiro', 'satoken')),
    effect  VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL CHECK (effect IN ('allow', 'deny')),
    PRIMARY KEY (role, pattern, mode),
    FOREIGN KEY (role) REFERENCES rbac_role (name) ON DELETE CASCADE
) ENGINE = InnoDB;
CREATE INDEX rbac_role_permission_by_pattern ON rbac_role_permission (pattern);

-- The senior role has everything that the junior role has.
CREATE TABLE rbac_role_inheritance (
    senior VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    junior VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    PRIMARY KEY (senior, junior),
    CHECK (senior <> junior),
    FOREIGN KEY (senior) REFERENCES rbac_role (name) ON DELETE CASCADE,
    FOREIGN KEY (junior) REFERENCES rbac_role (name) ON DELETE CASCADE
) ENGINE = InnoDB;

-- Separation of duty: nobody has `cardinality` of the roles or more.
CREATE TABLE rbac_duty (
    name        VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY CHECK (length(name) >= 1),
    label       VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
    kind        VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL CHECK (kind IN ('static', 'dynamic')),
    cardinality BIGINT NOT NULL CHECK (cardinality >= 2)
) ENGINE = InnoDB;

CREATE TABLE rbac_duty_role (
    duty VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    role VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    PRIMARY KEY (duty, role),
    FOREIGN KEY (duty) REFERENCES rbac_duty (name) ON DELETE CASCADE,
    FOREIGN KEY (role) REFERENCES rbac_role (name)
) ENGINE = InnoDB;

-- Exactly one row: how many drafts the policy has seen. Writers take turns at it.
CREATE TABLE rbac_version (
    one     BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    version BIGINT NOT NULL CHECK (version >= 0)
) ENGINE = InnoDB;
INSERT INTO rbac_version (one, version) VALUES (1, 0);

-- One row a draft: who, when, why, the changes in words, and the rows before and after, all as JSON.
CREATE TABLE rbac_audit (
    version     BIGINT NOT NULL PRIMARY KEY,
    actor_kind  VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL CHECK (actor_kind IN ('user', 'system')),
    actor       VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    at_millis   BIGINT NOT NULL CHECK (at_millis >= 0),
    reason      VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    changes     LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    rows_before LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    rows_after  LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL
) ENGINE = InnoDB;
CREATE INDEX rbac_audit_by_actor ON rbac_audit (actor_kind, actor, version);
