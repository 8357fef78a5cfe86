-- One decision a call: the best that a user of a plain client could send. Lean on purpose:
-- the sale's numbers are one packed text that is read and written with one command each.
--
-- KEYS: numbers (text), buyers (hash), wins (stream); all with the same hash tag.
-- ARGV: buyer, units, request id.
-- numbers: phase (1 = open), opens, closes, limit, time to pay, left, sequence; times in milliseconds.
-- buyers: buyer -> its purchases one after another: units, deadline, length of the id, id.
--
-- Answers the deadline when it won, minus the deadline when it won before; 0 sold out, 1 limit reached,
-- 2 not open, 3 closed. Without stock it fails: that is never sold out.
local call, pack, unpack = redis.call, struct.pack, struct.unpack
local buyer, units, id = ARGV[1], tonumber(ARGV[2]), ARGV[3]

local record = call('HGET', KEYS[2], buyer)
local bought = 0
if record then
  local at = 1
  while at <= #record do
    local had, deadline, known
    had, deadline, known, at = unpack('<I4I6Bc0', record, at)
    if known == id then return -deadline end
    bought = bought + had
  end
end

local numbers = call('GET', KEYS[1])
if not numbers then return redis.error_reply('MISSING no stock is loaded') end
local phase, opens, closes, limit, pay, left, sequence = unpack('<BI6I6I4I6I6I6', numbers)
if bought + units > limit then return 1 end
if left < units then return 0 end

local time = call('TIME')
local now = time[1] * 1000 + (time[2] - time[2] % 1000) / 1000
if phase ~= 1 or now < opens then return 2 end
if now >= closes then return 3 end

local deadline = now + pay
local win = pack('<I4I6Bc0', units, deadline, #id, id)
call('SETRANGE', KEYS[1], 23, pack('<I6I6', left - units, sequence + 1))
call('HSET', KEYS[2], buyer, record and record .. win or win)
call('XADD', KEYS[3], '*', 'w', win .. buyer)
return deadline
