-- KEYS: session, index, names, ends. ARGV[7]: digest, reason, how many renewals to follow.
local key, digest, reason = KEYS[1], ARGV[7], ARGV[8]
local met
for _ = 0, tonumber(ARGV[9]) do
  local found = read(key)
  local state, at, why = judge(found)
  if state == 'active' then
    bury(key, member_of(found, digest), now, reason)
    sign_off(found.user)
    return { { 'done' }, farewell('gone', found, now, reason) }
  end
  local rows = no_session(key, digest, found, state, at, why)
  if met and rows[1][1] == 'unknown' then
    rows[1] = met
  end
  digest = state == 'ended' and redis.call('HGET', key, 'n')
  if not digest then
    return rows
  end
  key, met = key_of(digest), rows[1]
end
return { met }
