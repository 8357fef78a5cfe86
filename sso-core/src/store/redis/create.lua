-- KEYS: session, index, names, ends. ARGV[7]: digest, user, 'acted' or '', device, its record behind the time of
-- creation, most in all, most of the device, '' or 'refuse' for a login beyond that, reason of those who give way,
-- how many users to look at besides.
local key, digest, user, is_acted, device = KEYS[1], ARGV[7], ARGV[8], ARGV[9] ~= '', ARGV[10]
local most, most_of_kind, refuse, reason = tonumber(ARGV[12]), tonumber(ARGV[13]), ARGV[14] == 'refuse', ARGV[15]

local KINDS = { web = true, mobile = true, desktop = true, service = true }

-- The kind of a session that a newer version wrote is other.
local function kind(code)
  return KINDS[code] and code or 'other'
end

-- Looks at a few users who are noted as online but not beyond now, and notes them anew or not at all.
local function look_around(rows)
  local over = redis.call('ZRANGE', by_end, '-inf', int(now), 'BYSCORE', 'LIMIT', 0, tonumber(ARGV[16]))
  for _, name in ipairs(over) do
    tag = string.sub(name, 1, 32)
    local live, rest = walk(string.sub(name, 33))
    tidy(rest, rows)
    if #live == 0 then
      forget(name)
    else
      local last = 0
      for _, session in ipairs(live) do
        last = math.max(last, session.at)
      end
      redis.call('ZADD', by_end, int(last), name)
    end
  end
end

local state = judge(read(key))
if state ~= 'unknown' and state ~= 'forgotten' then
  return { { 'taken' } }
end
local rows = { { 'done' } }
local live, rest = walk(user)
local rivals, same = {}, 0
for _, session in ipairs(live) do
  if session.fields.is_acted == is_acted then
    rivals[#rivals + 1] = session
    if kind(session.fields.device) == device then
      same = same + 1
    end
  end
end
local of_kind = same + 1 > most_of_kind
local is_refused = refuse and (of_kind or #rivals + 1 > most)
if not is_refused then
  -- A server without memory says no here, before anything has changed.
  redis.call('HSET', key, 'l', int(now))
  redis.call('DEL', key)
end
tidy(rest, rows)
if is_refused then
  rows[1] = { 'refused', of_kind and 'kind' or 'all' }
  for _, session in ipairs(rivals) do
    if not of_kind or kind(session.fields.device) == device then
      rows[#rows + 1] = { 'session', session.fields.seen, session.fields.record }
    end
  end
  sign_off(user)
  return rows
end

local out, too_many = {}, same + 1 - most_of_kind
for place, session in ipairs(rivals) do
  if too_many > 0 and kind(session.fields.device) == device then
    out[place], too_many = true, too_many - 1
  end
end
too_many = #rivals + 1 - most
for _ in pairs(out) do
  too_many = too_many - 1
end
for place = 1, #rivals do
  if too_many > 0 and not out[place] then
    out[place], too_many = true, too_many - 1
  end
end
for place, session in ipairs(rivals) do
  if out[place] then
    bury(session.key, session.member, now, reason)
    rows[#rows + 1] = farewell('gone', session.fields, now, reason)
  end
end

sign_off(user)

redis.call('HSET', key, 'l', int(now), 'r', int(now) .. ARGV[11])
local fields = read(key)
keep(key, member_of(fields, digest), fields)
rows[#rows + 1] = { 'session', fields.seen, fields.record }
look_around(rows)
return rows
