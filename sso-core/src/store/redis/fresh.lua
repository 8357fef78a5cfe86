-- The common case of a check by its script, before anything else is set up: a session under the limits of all that lives and was
-- used a moment ago. The fields, the arguments and the rule are explained in rule.lua.
local found = redis.call('HMGET', KEYS[1], 'l', 'r')
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local seen, created = tonumber(found[1]), found[2] and string.match(found[2], '^(%d+)\n\n')
-- A use that is not due to be written down is within the idle limit: that is at least twice as long.
if seen and created and now < seen + ARGV[4] and now < created + ARGV[3] then
  return { found[1], found[2], string.format('%.0f', now) }
end

