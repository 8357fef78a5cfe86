-- What every script but `reserve` begins with. The tools follow it, and after them the script.
-- KEYS: numbers, buyers, wins, changes, restocks; all with the same hash tag.
-- ARGV: now in unix milliseconds or '' for the clock of this server, the highest number that the caller has
-- seen of this shard (0 at first), touch (1 or ''); then the script's own.
-- Answers "<seq> <now>|<answer>". `!...` is a fault.
local call, tonumber, format, ARGV = redis.call, tonumber, string.format, ARGV
local numbers = call('HMGET', KEYS[1], 'rules', 'seq', 'cur')
local now = tonumber(ARGV[1])
if not now then
  local time = call('TIME')
  now = time[1] * 1000 + (time[2] - time[2] % 1000) / 1000
end

