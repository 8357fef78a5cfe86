-- KEYS: session. ARGV[2]: client, after how long it is told again ('' for never). Replies the next due time.
local session, field = KEYS[1], 's:' .. ARGV[2]

open(session, 'k')
if redis.call('HEXISTS', session, 'e') == 0 then
  return ''
end
if ARGV[3] == '' then
  redis.call('HDEL', session, field)
else
  local kept = redis.call('HGET', session, field)
  if kept then
    put(session, ARGV[2], tonumber(string.match(kept, '^(%d+):')), now + tonumber(ARGV[3]))
  end
end
return next_due(session)
