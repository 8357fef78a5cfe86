-- KEYS: session, waiting, grant. ARGV[2]: digest, life, most waiting, client, binding, user, body, session kept.
local session, waiting, grant = KEYS[1], KEYS[2], KEYS[3]
local life = tonumber(ARGV[3])

open(session, 'k')
if redis.call('HEXISTS', session, 'e') == 1 then
  return 'ended'
end
open(grant, 'x')
if redis.call('EXISTS', grant) == 1 then
  return 'taken'
end
redis.call('ZREMRANGEBYSCORE', waiting, '-inf', int(now))
if redis.call('ZCARD', waiting) >= tonumber(ARGV[4]) then
  return 'many'
end
local ends = int(now + life)
redis.call('HSET', grant, 'c', ARGV[5], 'b', ARGV[6], 'u', ARGV[7], 'j', ARGV[8], 'x', ends, 'l', ARGV[9])
redis.call('PEXPIRE', grant, int(life))
redis.call('ZADD', waiting, ends, ARGV[2])
if redis.call('PTTL', waiting) < life then
  redis.call('PEXPIRE', waiting, int(life))
end
return 'kept'
