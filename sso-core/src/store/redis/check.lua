-- KEYS: session; a second time index, names and ends besides. ARGV[7]: digest.
local key, digest = KEYS[1], ARGV[7]
local fields = read(key)
local state, at, why = judge(fields)
if state == 'unknown' or state == 'corrupt' or state == 'ended' then
  return no_session(key, digest, fields, state, at, why)
elseif state == 'active' and now < tonumber(fields.seen) + touch_every then
  return { fields.seen, fields.record, int(now) }
end

-- All else writes to the lists. They are declared only if they are lost or on another node: asked for once more, with
-- all keys, the server says so or lets this make them anew.
local function is_here(list)
  return redis.pcall('EXISTS', list) == 1
end
if #KEYS == 1 and not (is_here(index_of(tag)) and is_here(by_name) and is_here(by_end)) then
  return { { 'elsewhere' } }
end

if state == 'active' then
  fields.seen = int(now)
  keep(key, member_of(fields, digest), fields)
  redis.call('HSET', key, 'l', fields.seen)
  return { fields.seen, fields.record, int(now) }
end
return no_session(key, digest, fields, state, at, why)
