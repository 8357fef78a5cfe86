-- KEYS: index, family. ARGV[6]: name, client or ''.
local state, found = settle(KEYS[1], KEYS[2], ARGV[6])
if state ~= 'live' then
  return { state, found }
end
if ARGV[7] ~= '' and found[2] ~= ARGV[7] then
  return { 'wrong_client' }
end
bury(KEYS[1], KEYS[2], ARGV[6], 'revoked', now)
return { 'revoked' }
