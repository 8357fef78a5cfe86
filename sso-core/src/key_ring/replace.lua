-- Keeps a ring in place of the version that the caller saw, 0 for none.
-- KEYS: the ring. ARGV: that version, the new version, the sealed text.
local version = redis.call('HGET', KEYS[1], 'version') or '0'
if version ~= ARGV[1] then
  return 'outrun'
end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'sealed', ARGV[3])
return 'done'
