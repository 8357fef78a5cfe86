-- KEYS: index, family, prefix of families.
-- ARGV[6]: name, most live families, user, client, session, scope, digest.
local index, key, prefix = KEYS[1], KEYS[2], KEYS[3]
local member, most = ARGV[6], tonumber(ARGV[7])

if settle(index, key, member) ~= 'unknown' then
  return { 'taken' }
end
local live = {}
walk(index, prefix, function(old_key, old_member, found)
  if found[1] == ARGV[8] then
    live[#live + 1] = { old_key, old_member }
  end
end)
for place = 1, #live + 1 - most do
  bury(index, live[place][1], live[place][2], 'replaced', now)
end
local at = int(now)
redis.call('HSET', key, 'u', ARGV[8], 'i', ARGV[9], 'n', ARGV[10], 'o', ARGV[11], 'c', at, 'r', at, 'g', '0',
  'd', ARGV[12], 'p', '', 'x', '')
redis.call('ZADD', index, at, member)
keep(index, key, now, now)
return { 'issued', at }
