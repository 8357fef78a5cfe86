-- Takes units under all limits or under none. The rule is that of limit.rs: debts in ticks of one
-- microsecond divided by `count`, every number below 2^53.
-- KEYS: one for each limit, all with the same hash tag; each holds `micros:part:count`.
-- ARGV[1]: the time in unix milliseconds, or '' for the clock of this server. ARGV[2]: cost.
-- ARGV[3..]: burst, count, span in microseconds; three for each key.
-- Answers P<remaining>, L<microseconds to wait>:<limit from 0>, or !<fault>.
local MICROS_MAX = 2 ^ 52
-- An explicit time may run slower than this server's, so what it wrote is kept for an hour more.
local SLACK_MILLIS, EXPLICIT_SLACK_MILLIS = 1000, 3600000

local function text(n) return string.format('%.0f', n) end

local now, slack
if ARGV[1] ~= '' then
  now, slack = tonumber(ARGV[1]) * 1000, EXPLICIT_SLACK_MILLIS
else
  local time = redis.call('TIME')
  now, slack = time[1] * 1000000 + time[2], SLACK_MILLIS
end
if now > MICROS_MAX then return '!time' end

local function parse(value)
  local micros, part, count = string.match(value, '^(%d+):(%d+):(%d+)$')
  micros, part, count = tonumber(micros), tonumber(part), tonumber(count)
  if not micros or micros > 2 * MICROS_MAX or part >= count or count > 4294967295 then return nil end
  return { micros = micros, part = part, count = count }
end

-- What is owed now, never more than a whole burst.
local function debt(paid, full, count)
  local micros, part = paid.micros, paid.part
  if paid.count ~= count then
    if part > 0 then micros = micros + 1 end
    part = 0
  end
  if micros < now then return 0 end
  local ahead = math.min(micros - now, math.floor(full / count) + 1)
  return math.min(ahead * count + part, full)
end

local cost, least, longest, which = tonumber(ARGV[2]), nil, nil, nil
local writes = {}
for i, key in ipairs(KEYS) do
  local burst, count, per = tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1]), tonumber(ARGV[3 * i + 2])
  local value = redis.call('GET', key)
  local paid = value and parse(value)
  if value and not paid then return '!corrupt' end
  local full = burst * per
  local owed = (paid and debt(paid, full, count) or 0) + cost * per
  if owed > full then
    local wait = math.floor((owed - full + count - 1) / count)
    if not longest or wait > longest then longest, which = wait, i - 1 end
  else
    local remaining = math.floor((full - owed) / per)
    least = math.min(least or remaining, remaining)
    local ahead = math.floor(owed / count)
    writes[i] = {
      key = key,
      value = table.concat({ text(now + ahead), text(owed % count), text(count) }, ':'),
      millis = text(math.ceil(ahead / 1000) + slack),
    }
  end
end
if longest then return 'L' .. text(longest) .. ':' .. which end
for _, write in ipairs(writes) do redis.call('SET', write.key, write.value, 'PX', write.millis) end
return 'P' .. text(least)
