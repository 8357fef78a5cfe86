-- KEYS: name. ARGV[2]: until when it is remembered.
local till = redis.call('GET', KEYS[1])
local until_when = tonumber(ARGV[2])
if (till and now < tonumber(till)) or until_when <= now then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', int(until_when - now))
return 1
