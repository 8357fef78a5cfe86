-- KEYS: index, session. ARGV[6]: digest.
local index, key = KEYS[1], KEYS[2]
local state, found = settle(index, key, ARGV[6])
if state ~= 'active' then
  return { state, found }
end
local created, seen = tonumber(found[2]), tonumber(found[3])
if now >= seen + touch_every then
  seen = now
  redis.call('HSET', key, 'l', int(seen))
  -- Brings back an index that was lost, so that end_all still reaches this session.
  redis.call('ZADD', index, int(created), ARGV[6])
  keep(index, key, created, seen)
end
return { state, found[1], found[2], int(seen), found[4], found[5], found[6] }
