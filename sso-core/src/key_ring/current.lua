-- The version and the sealed text of a ring; empty without one.
-- KEYS: the ring.
local ring = redis.call('HMGET', KEYS[1], 'version', 'sealed')
if not ring[1] then
  return {}
end
return {ring[1], ring[2] or ''}
