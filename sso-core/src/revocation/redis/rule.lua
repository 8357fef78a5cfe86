-- What every script of this folder begins with.
--
-- The log is four keys of one hash tag: l, a sorted set of subjects by number; a, a hash of subjects to
-- "<epoch> <until>"; x, a sorted set of subjects by until; m, a sorted set of the marks of its history by number.
-- ARGV[1] is the time or '' for the server's own.

local log, entries, ends, marks = KEYS[1], KEYS[2], KEYS[3], KEYS[4]

local function int(number)
  return string.format('%.0f', number)
end

local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

local function read(entry)
  local epoch, till = string.match(entry, '^(%d+) (%d+)$')
  return tonumber(epoch), tonumber(till)
end

