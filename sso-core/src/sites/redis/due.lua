-- KEYS: queue. ARGV[2]: lease, most sessions, queue kept.
local ready = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', int(now), 'LIMIT', 0, ARGV[3])
for _, session in ipairs(ready) do
  redis.call('ZADD', KEYS[1], int(now + tonumber(ARGV[2])), session)
end
if #ready > 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
end
return ready
