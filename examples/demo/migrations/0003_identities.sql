-- Who an account is elsewhere: the person whom a provider knows by `subject` within our application there.
-- The provider is part of the key: an issuer hands out both other parts, and could hand out those of another.

CREATE TABLE school_identity (
    provider   TEXT NOT NULL,
    app_id     TEXT NOT NULL,
    subject    TEXT NOT NULL,
    name       TEXT NOT NULL,
    account_id TEXT NOT NULL REFERENCES school_account (id),
    linked_at  INTEGER NOT NULL,
    PRIMARY KEY (provider, app_id, subject)
);

CREATE INDEX school_identity_account ON school_identity (account_id);
