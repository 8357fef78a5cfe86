-- The mark tells this history of the policy from that of a backup which was restored and changed since: each draft draws
-- a new one. Whoever changes rows by hand without raising the version sets another mark, so that running programs load
-- them.
ALTER TABLE rbac_version ADD COLUMN mark BIGINT NOT NULL DEFAULT 0;
UPDATE rbac_version SET mark = CAST(FLOOR(RAND() * 9007199254740992) AS SIGNED);
