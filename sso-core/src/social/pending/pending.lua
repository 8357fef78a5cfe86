-- The rule of attempts, as in pending.rs. An attempt is a hash: b browser, r where to return, c when it began;
-- once it is taken also t when that was first, l until when the lease runs, o the result (milliseconds, text).
--
-- KEYS[1]: the attempt. ARGV: verb, time or '' for the server's own, then what the verb needs.

local key, verb = KEYS[1], ARGV[1]
local pending, replay, lease = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])

local function clock(given)
  if given ~= '' then
    return tonumber(given)
  end
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function int(number)
  return string.format('%.0f', number)
end

local now = clock(ARGV[2])
local browser, to, begun, first, leased, result = unpack(redis.call('HMGET', key, 'b', 'r', 'c', 't', 'l', 'o'))

if not browser then
  if redis.call('EXISTS', key) == 1 then
    return { 'corrupt' }
  end
elseif not (to and tonumber(begun)) or (first and not (tonumber(first) and tonumber(leased))) then
  return { 'corrupt' }
elseif (first and now >= tonumber(first) + replay) or (not first and now >= tonumber(begun) + pending) then
  redis.call('DEL', key)
  browser = false
end

if verb == 'begin' then
  if browser then
    return { 'used' }
  end
  redis.call('HSET', key, 'b', ARGV[6], 'r', ARGV[7], 'c', int(now))
  redis.call('PEXPIRE', key, pending)
  return { 'begun' }
end
if not browser then
  return { 'unknown' }
end
if verb == 'take' then
  if browser ~= ARGV[6] then
    return { 'other' }
  end
  if result then
    return { 'finished', result }
  end
  if first and now < tonumber(leased) then
    return { 'running' }
  end
  if not first then
    redis.call('HSET', key, 't', int(now))
    redis.call('PEXPIRE', key, replay)
  end
  redis.call('HSET', key, 'l', int(now + lease))
  return { 'first', to }
end
if not first then
  return { 'unknown' }
end
if verb == 'finish' then
  if not result then
    result = ARGV[6]
    redis.call('HSET', key, 'o', result)
  end
  return { 'finished', result }
end
redis.call('HSET', key, 'l', '0')
return { 'released' }
