-- KEYS: index, prefix of sessions. ARGV[6]: user, reason.
local count = 0
walk(KEYS[1], KEYS[2], function(key, member, fields)
  if fields[1] == ARGV[6] then
    bury(KEYS[1], key, member, ARGV[7], now)
    count = count + 1
  end
end)
return count
