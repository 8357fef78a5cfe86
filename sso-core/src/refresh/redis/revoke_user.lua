-- KEYS: index, prefix of families. ARGV[6]: user, reason, client or '', session or ''.
local count = 0
walk(KEYS[1], KEYS[2], function(key, member, found)
  local of_client = ARGV[8] == '' or found[2] == ARGV[8]
  local of_session = ARGV[9] == '' or found[3] == ARGV[9]
  if found[1] == ARGV[6] and of_client and of_session then
    bury(KEYS[1], key, member, ARGV[7], now)
    count = count + 1
  end
end)
return count
