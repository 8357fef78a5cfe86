-- The decisions of many callers in one call, by the rules and over the keys of single.lua: one read of all
-- buyers, one write of the numbers, one of the records, one entry of the stream.
--
-- KEYS: numbers (text), buyers (hash), wins (stream); all with the same hash tag.
-- ARGV: n; n buyers, each once; n request ids; then the units of all, or n times the units of each.
-- Answers one text: a byte a caller, then the deadline of the wins. W won, R won before, S sold out,
-- L limit reached, N not open, C closed.
local call, pack, unpack_struct, ARGV = redis.call, struct.pack, struct.unpack, ARGV
local n = ARGV[1] + 0
local all = #ARGV == 2 * n + 2 and ARGV[2 * n + 2] + 0

local numbers = call('GET', KEYS[1])
if not numbers then return redis.error_reply('MISSING no stock is loaded') end
local phase, opens, closes, limit, pay, left, sequence = unpack_struct('<BI6I6I4I6I6I6', numbers)
local time = call('TIME')
local now = time[1] * 1000 + (time[2] - time[2] % 1000) / 1000
local shut = (phase ~= 1 or now < opens) and 'N' or now >= closes and 'C' or nil
local deadline = now + pay
local records = call('HMGET', KEYS[2], unpack(ARGV, 2, n + 1))

-- A record begins alike for all ids of one length.
local length, head_units, head
local function win(units, id)
  if #id ~= length or units ~= head_units then
    length, head_units, head = #id, units, pack('<I4I6B', units, deadline, #id)
  end
  return head .. id
end

-- What the buyer has, and whether this id is among it.
local function read(record, id)
  local bought, at = 0, 1
  while at <= #record do
    local had, _, known
    had, _, known, at = unpack_struct('<I4I6Bc0', record, at)
    if known == id then return bought, true end
    bought = bought + had
  end
  return bought, false
end

-- What is written: buyers and records by turns, and for the stream buyers and ids.
local records_new, entry, answers = {}, {}, nil

-- The common case: all win. Nobody has a record, and there is enough.
local function all_win()
  if not all or shut or all > limit or left < n * all then return false end
  for i = 1, n do
    if records[i] then return false end
  end
  local at = 1
  for i = 2, n + 1 do
    local buyer, id = ARGV[i], ARGV[n + i]
    records_new[at], records_new[at + 1] = buyer, win(all, id)
    entry[at], entry[at + 1] = buyer, id
    at = at + 2
  end
  left, answers = left - n * all, string.rep('W', n)
  return true
end

-- One after another.
local function one_by_one()
  local letters, last = {}, 0
  for i = 1, n do
    local buyer, id, units = ARGV[i + 1], ARGV[n + i + 1], all or ARGV[2 * n + i + 1] + 0
    local record = records[i]
    local bought, known = 0, false
    if record then bought, known = read(record, id) end
    if known then
      letters[i] = 'R'
    elseif bought + units > limit then
      letters[i] = 'L'
    elseif left < units then
      letters[i] = 'S'
    elseif shut then
      letters[i] = shut
    else
      left = left - units
      record = (record or '') .. win(units, id)
      records_new[2 * last + 1], records_new[2 * last + 2] = buyer, record
      entry[2 * last + 1], entry[2 * last + 2] = buyer, all and id or units .. ' ' .. id
      last = last + 1
      letters[i] = 'W'
    end
  end
  answers = table.concat(letters)
end

if not all_win() then one_by_one() end
if #entry > 0 then
  call('SETRANGE', KEYS[1], 23, pack('<I6I6', left, sequence + 1))
  call('HSET', KEYS[2], unpack(records_new))
  -- Who wins together has the same deadline. `u` is 0 where the units stand before each id.
  call('XADD', KEYS[3], '*', 'u', all or 0, 'd', pack('<I6', deadline), 'w', table.concat(entry, ' '))
end
return answers .. string.format('%d', deadline)
