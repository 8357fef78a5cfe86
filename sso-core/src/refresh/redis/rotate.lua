-- KEYS: index, family. ARGV[6]: name, digest, digest of the child, nonce, client, scope or ''.
local index, key, member = KEYS[1], KEYS[2], ARGV[6]
local state, found = settle(index, key, member)
if state ~= 'live' then
  return { state, found }
end
if found[2] ~= ARGV[10] then
  return tell({ 'wrong_client' }, found)
end

local is_current = found[8] == ARGV[7]
-- Without grace there is none, even if a clock went back.
local is_replay = found[9] == ARGV[7] and grace > 0 and now < tonumber(found[6]) + grace
if not is_current and not is_replay then
  bury(index, key, member, 'reused', now)
  return tell({ 'reused' }, found)
end

local granted = {}
for word in string.gmatch(found[4], '%S+') do
  granted[word] = true
end
for word in string.gmatch(ARGV[11], '%S+') do
  if not granted[word] then
    return tell({ 'too_wide' }, found)
  end
end
if not is_current then
  return tell({ 'replayed', found[10] }, found)
end

found[6], found[7] = int(now), int(tonumber(found[7]) + 1)
redis.call('HSET', key, 'r', found[6], 'g', found[7], 'd', ARGV[8], 'p', ARGV[7], 'x', ARGV[9])
-- Brings back an index that was lost, so that a revocation of the user still reaches this family.
redis.call('ZADD', index, found[5], member)
keep(index, key, tonumber(found[5]), now)
return tell({ 'rotated' }, found)
