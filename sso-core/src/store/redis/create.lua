-- KEYS: index, session, prefix of sessions.
-- ARGV[6]: digest, most live sessions, user, device, agent, address.
local index, key, prefix = KEYS[1], KEYS[2], KEYS[3]
local member, most = ARGV[6], tonumber(ARGV[7])

if settle(index, key, member) ~= 'unknown' then
  return { 'taken' }
end
local live = {}
walk(index, prefix, function(old_key, old_member, fields)
  if fields[1] == ARGV[8] then
    live[#live + 1] = { old_key, old_member }
  end
end)
for place = 1, #live + 1 - most do
  bury(index, live[place][1], live[place][2], 'replaced', now)
end
local at = int(now)
redis.call('HSET', key, 'u', ARGV[8], 'c', at, 'l', at, 'd', ARGV[9], 'a', ARGV[10], 'p', ARGV[11])
redis.call('ZADD', index, at, member)
keep(index, key, now, now)
return { 'created', at }
