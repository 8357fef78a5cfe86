-- Loads the stock of a new sale; it never loads stock a second time.
-- KEYS as in every script of a sale. ARGV[2..6]: opens, closes, stock, limit, pay.
-- Answers created, already, other (terms), !missing (stock) or !leftover (records without stock).
local NAMES = { 'opens', 'closes', 'stock', 'limit', 'pay' }

if redis.call('EXISTS', KEYS[1]) == 1 then
  if redis.call('HEXISTS', KEYS[1], 'left') == 0 then return '!missing' end
  local values = redis.call('HMGET', KEYS[1], unpack(NAMES))
  for i = 1, #NAMES do
    if values[i] ~= ARGV[i + 1] then return 'other' end
  end
  return 'already'
end
if redis.call('EXISTS', KEYS[2], KEYS[3], KEYS[4], KEYS[5]) > 0 then return '!leftover' end
local fields = { 'left', ARGV[4], 'held', 0, 'paid', 0, 'seq', 0 }
for i, name in ipairs(NAMES) do
  fields[#fields + 1], fields[#fields + 2] = name, ARGV[i + 1]
end
redis.call('HSET', KEYS[1], unpack(fields))
return 'created'
