-- KEYS: index, prefix of sessions. ARGV[6]: user.
local sessions = {}
walk(KEYS[1], KEYS[2], function(_, member, fields)
  if fields[1] == ARGV[6] then
    sessions[#sessions + 1] = { member, fields[1], fields[2], fields[3], fields[4], fields[5], fields[6] }
  end
end)
return sessions
