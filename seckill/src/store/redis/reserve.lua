-- Decides requests in order at one time: a batch of up to 256, each of another buyer.
-- KEYS: numbers, buyers, wins, changes. ARGV: now in unix milliseconds or '' for the clock of this server, the
-- highest number seen of this shard (0 at first), touch (1 or ''), the lines of all or `*`, the positions that
-- occur with `,` between, n; then n buyers, n requests and, with `*` only, the lines of each.
-- Answers "<seq> <now> <pay until> <left of each position>|<a byte for each request>|<details>".
-- Bytes: 1 won, 2 won before (detail: state and deadline), X id used for other lines, N not open, C closed,
-- P paused, T too many, L limit (detail: units had), 0 sold out, A ask again. `!...` is a fault.
--
-- This part knows the common case only: one position for all, and nobody has a record yet. Whatever else
-- it meets, it leaves to the parts that follow, before it has written anything. A closure, a table or a
-- number turned into text costs as much here as the whole decision of one request in a batch.
local call, tonumber, format, ARGV = redis.call, tonumber, string.format, ARGV
local lines, n, field = ARGV[4], ARGV[6] + 0, 'l' .. ARGV[5]
local numbers = call('HMGET', KEYS[1], 'rules', 'seq', 'cur', field)
local found = n > 1 and call('HMGET', KEYS[2], unpack(ARGV, 7, 6 + n)) or { call('HGET', KEYS[2], ARGV[7]) }
local now = ARGV[1]
if now == '' then
  local time = call('TIME')
  now = time[1] * 1000 + (time[2] - time[2] % 1000) / 1000
else
  now = now + 0
end

local rules, seq, cur, left, units = numbers[1], tonumber(numbers[2]), numbers[3], tonumber(numbers[4]), 1
if lines ~= '1' then units = tonumber(lines) or tonumber(string.match(lines, '%*(%d+)$')) end
local stage, opens, closes, limit, pay
if rules and #rules == 23 then stage, opens, closes, limit, pay = struct.unpack('<c1I6I6I4I6', rules) end
local plain = stage == 'R' and left and seq and units and opens <= now and now < closes and units <= limit
  and left >= 0 and left % 1 == 0 and seq % 1 == 0 and seq >= ARGV[2] + 0
for i = 1, n do
  plain = plain and not found[i]
end

local wins, refused = n, ''
if plain and left < n * units then
  wins = (left - left % units) / units
  refused = string.rep('0', n - wins)
  -- Sold out only when no hold is over.
  plain = not cur or (tonumber(string.match(cur, ' (%d+)$')) or 0) > now
end
if plain and wins == 0 then return format('%d %d 0 %d|', seq, now, left) .. refused .. '|' end
if plain then
  local set, at, number, pay_until = {}, 1, format('%d', seq + 1), format('%d', now + pay)
  local times = format('%d ', now) .. pay_until
  for i = 7, 6 + wins do
    set[at], set[at + 1] = ARGV[i], ARGV[n + i]
    at = at + 2
  end
  -- The stream first: it alone was not read, so nothing after it can fail.
  call('XADD', KEYS[3], number .. '-0', 'w', times .. ' ' .. lines, 'b', table.concat(set, ' '))
  local record = 'H' .. pay_until .. ':' .. lines .. ':'
  for i = 2, 2 * wins, 2 do
    set[i] = record .. set[i]
  end
  call('HSET', KEYS[2], unpack(set))
  left = format('%d', left - wins * units)
  if cur then
    call('HSET', KEYS[1], field, left, 'seq', number)
  else
    call('HSET', KEYS[1], field, left, 'seq', number, 'cur', number .. ' 0 ' .. pay_until)
  end
  return number .. ' ' .. times .. ' ' .. left .. '|' .. string.rep('1', wins) .. refused .. '|'
end

