-- KEYS: session, index, names, ends, perhaps the next session. ARGV[7]: digest, next digest or '', purpose or '',
-- life of the proof, expected version or '', most attributes, most proofs, then names and values of changes; an
-- attribute with the value '' goes.
local key, digest, next_digest = KEYS[1], ARGV[7], ARGV[8]
local purpose, expected = ARGV[9], ARGV[11]

-- The record in parts: what does not change, the version, attributes and proofs by name, and lines of other letters.
local function open(record)
  local head, version, tail = string.match(record, '^(' .. string.rep('[^\n]*\n', 8) .. ')(%d+)\n(.*)$')
  local attributes, proofs, others = {}, {}, {}
  for line in string.gmatch(tail or '', '([^\n]+)\n') do
    local letter, name, value = string.match(line, '^(.)([^=]*)=(.*)$')
    if letter == 'a' then
      attributes[name] = value
    elseif letter == 'p' then
      proofs[name] = value
    else
      others[#others + 1] = line .. '\n'
    end
  end
  return head, version, attributes, proofs, others
end

-- Values by name as lines, behind others; and how many they are.
local function write(lines, letter, values)
  local names = {}
  for name in pairs(values) do
    names[#names + 1] = name
  end
  table.sort(names)
  for _, name in ipairs(names) do
    lines[#lines + 1] = letter .. name .. '=' .. values[name] .. '\n'
  end
  return #names
end

local fields = read(key)
local state, at, why = judge(fields)
if state ~= 'active' then
  return no_session(key, digest, fields, state, at, why)
end
local head, version, attributes, proofs, lines = open(fields.record)
if not head then
  return { { 'corrupt' } }
end
local where = key
if next_digest ~= '' then
  where = key_of(next_digest)
  local taken = judge(read(where))
  if taken ~= 'unknown' and taken ~= 'forgotten' then
    return { { 'taken' } }
  end
end
if fields.is_acted and purpose ~= '' then
  return { { 'impersonated' } }
end
if expected ~= '' and expected ~= version then
  return { { 'conflict' }, { 'session', fields.seen, fields.record } }
end

for place = 14, #ARGV, 2 do
  attributes[ARGV[place]] = ARGV[place + 1] ~= '' and ARGV[place + 1] or nil
end
if #ARGV > 13 then
  version = int(tonumber(version) + 1)
end
if purpose ~= '' then
  for name, until_when in pairs(proofs) do
    if tonumber(until_when) <= now then
      proofs[name] = nil
    end
  end
  proofs[purpose] = int(math.min(now + ARGV[10], LAST_TIME))
end
if write(lines, 'a', attributes) > tonumber(ARGV[12]) or write(lines, 'p', proofs) > tonumber(ARGV[13]) then
  return { { 'full' } }
end

fields.seen = int(math.max(tonumber(fields.seen), now))
fields.record = head .. version .. '\n' .. table.concat(lines)
redis.call('HSET', key, 'l', fields.seen, 'r', fields.record)
if where ~= key then
  redis.call('RENAME', key, where)
  keep(where, member_of(fields, next_digest), fields)
  redis.call('ZREM', index_of(tag), member_of(fields, digest))
  redis.call('HSET', key, 'e', 'renewed', 't', int(now), 'n', next_digest)
  redis.call('PEXPIRE', key, int(tombstone))
else
  keep(key, member_of(fields, digest), fields)
end
return { { 'done' }, { 'session', fields.seen, fields.record } }
