-- KEYS: index, session. ARGV[6]: digest, reason.
local state, found = settle(KEYS[1], KEYS[2], ARGV[6])
if state == 'active' then
  bury(KEYS[1], KEYS[2], ARGV[6], ARGV[7], now)
  return { state }
end
return { state, found }
