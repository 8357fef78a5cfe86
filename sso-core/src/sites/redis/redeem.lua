-- KEYS: session, waiting, grant. ARGV[2]: digest, client, binding, what it gives, used kept.
local session, waiting, grant = KEYS[1], KEYS[2], KEYS[3]

open(session, 'k')
open(grant, 'x')
local kept = redis.call('HMGET', grant, 'c', 'b', 'u', 'j', 'g', 'l')
if not kept[1] then
  return { 'unknown' }
end
if kept[1] ~= ARGV[3] then
  return { 'client' }
end
if kept[5] then
  if kept[5] ~= '' then
    redis.call('HSET', session, 'r:' .. kept[5], '1')
    keep(session, tonumber(kept[6]))
  end
  return { 'reused', kept[3], kept[5] }
end
local refused
if redis.call('HEXISTS', session, 'e') == 1 then
  refused = 'ended'
elseif kept[2] ~= ARGV[4] then
  refused = 'binding'
end
redis.call('ZREM', waiting, ARGV[2])
if refused then
  redis.call('DEL', grant)
  return { refused }
end
redis.call('HDEL', grant, 'b', 'j')
redis.call('HSET', grant, 'g', ARGV[5], 'x', int(now + tonumber(ARGV[6])))
redis.call('PEXPIRE', grant, ARGV[6])
redis.call('HSET', session, 'u', kept[3])
redis.call('HSETNX', session, 's:' .. ARGV[3], '0:' .. int(now))
keep(session, tonumber(kept[6]))
return { 'granted', kept[3], kept[4] }
