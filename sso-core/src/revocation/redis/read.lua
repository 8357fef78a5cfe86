-- ARGV[2]: 'start', or 'page' and a number, or 'point', a number and a mark. ARGV[5]: most entries.
-- It writes nothing, so that it serves as well when the memory is full.
local behind = 0
if ARGV[2] == 'page' then
  behind = ARGV[3]
elseif ARGV[2] == 'point' and tonumber(redis.call('ZSCORE', marks, ARGV[4]) or -1) == tonumber(ARGV[3]) then
  behind = ARGV[3]
end

local last = redis.call('ZREVRANGE', marks, 0, 0, 'WITHSCORES')
local most = tonumber(ARGV[5])
local page = redis.call('ZRANGEBYSCORE', log, '(' .. behind, '+inf', 'WITHSCORES', 'LIMIT', 0, most)
local reply = { last[1] or '', last[2] or '', '' }
if #page == 2 * most then
  reply[3] = page[#page]
end
for place = 1, #page, 2 do
  local entry = redis.call('HGET', entries, page[place])
  local _, till = read(entry or '')
  if not till then
    return { 'corrupt' }
  end
  if till > now then
    reply[#reply + 1] = page[place]
    reply[#reply + 1] = entry
  end
end
return reply
