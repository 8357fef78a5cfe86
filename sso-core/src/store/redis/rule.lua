-- The rule of sessions, as in session/rule.rs. `now` is set before.
--
-- A session is a hash: l last seen, r its record in lines: created, lifespan, user, public id, actor, device, agent,
-- address, version, then one line for each attribute (`a`, name=value) and each proof (`p`, purpose=end). Times are
-- milliseconds. In a line, `%25` is a percent sign and `%0A` a line feed. Lines of other letters are kept.
-- After its end it is a hash of e reason and t time of the end, and nothing turns it back. What a session has left for
-- another key also says n, the digest of that one.
-- The index of a user is a sorted set of live sessions, as public id and digest, scored by the time of creation. Each
-- bucket has two more of its users who are online, as tag and user id: by name, and by when they would be no longer.
--
-- Every key of a call carries the hash tag of one bucket. Keys that are not declared are named after those that are.
-- While a cluster moves a slot, a key that has gone cannot be touched; so a script reads all that it will touch
-- before it writes, and a key that was read can be written.
--
-- Over its limit of memory, Redis refuses the first write of a script if it is one that takes memory, and lets all
-- later ones pass. So what ends or keeps a session begins with a write that takes none (`ZREM`, `PEXPIRE`), and what
-- makes or changes one begins with `HSET`: a full server refuses logins, and never a check or an end.
--
-- ARGV[1] is the time or '' for the server's own, ARGV[2] to [5] are idle, absolute, touch_every, tombstone,
-- ARGV[6] is the tag of the user.
local HEAD = '^(%d+)\n(%w*)\n([^\n]+)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n'
local LAST_TIME = 4503599627370496
local idle, absolute = tonumber(ARGV[2]), tonumber(ARGV[3])
local touch_every, tombstone = tonumber(ARGV[4]), tonumber(ARGV[5])
local tag = ARGV[6]
local base = string.match(KEYS[1], '^{[^}]*}:')
local by_name, by_end = base .. 'o', base .. 'x'

local function int(number)
  return string.format('%.0f', number)
end

local function index_of(whose)
  return base .. 'u:' .. whose
end

local function key_of(digest)
  return base .. 's:' .. digest
end

local function unescape(text)
  return (string.gsub(string.gsub(text, '%%0A', '\n'), '%%25', '%%'))
end

-- What is kept under a key; `user` is missing if it is no record of ours.
local function read(key)
  local raw = redis.call('HMGET', key, 'l', 'r', 'e', 't')
  local fields = { seen = raw[1], record = raw[2], why = raw[3], at = raw[4] }
  if fields.record then
    local created, lifespan, user, id, actor, device = string.match(fields.record, HEAD)
    if created and #id == 16 then
      fields.created, fields.lifespan, fields.user, fields.id = created, lifespan, unescape(user), id
      fields.is_acted, fields.device = actor ~= '', device
    end
  end
  return fields
end

-- When a live session ends by itself, and why; nothing if it is not one of ours.
local function ends(fields)
  local created, seen, lifespan = tonumber(fields.created), tonumber(fields.seen), fields.lifespan
  if not created or not seen then
    return nil
  end
  local by_idle, by_absolute = seen + idle, created + absolute
  if lifespan ~= '' then
    local kind, life = string.sub(lifespan, 1, 1), tonumber(string.sub(lifespan, 2))
    if not life then
      return nil
    elseif kind == 'r' then
      return math.min(created + life, LAST_TIME), 'expired_absolute'
    elseif kind == 'm' then
      by_absolute = created + math.min(absolute, life)
    else
      return nil
    end
  end
  by_idle, by_absolute = math.min(by_idle, LAST_TIME), math.min(by_absolute, LAST_TIME)
  if by_absolute <= by_idle then
    return by_absolute, 'expired_absolute'
  end
  return by_idle, 'expired_idle'
end

-- What a hash is: 'active', 'expired' (nobody has noticed yet), 'ended', 'forgotten', 'unknown' or 'corrupt'; and
-- when and why it ends or has ended.
local function judge(fields)
  if fields.why then
    local at = tonumber(fields.at)
    if not at then
      return 'corrupt'
    end
    return now < at + tombstone and 'ended' or 'forgotten', at, fields.why
  end
  if not fields.record and not fields.seen then
    return 'unknown'
  end
  local at, why = ends(fields)
  if not at then
    return 'corrupt'
  elseif now < at then
    return 'active', at, why
  end
  return now < at + tombstone and 'expired' or 'forgotten', at, why
end

-- The row of a session that ends by this step: 'gone' in passing, 'chosen' as asked.
local function farewell(word, fields, at, why)
  return { word, fields.seen, fields.record, int(at), why }
end

-- What the index calls a session.
local function member_of(fields, digest)
  return fields.id .. digest
end

-- Turns a live session into a tombstone, or into nothing if even that would be over.
local function bury(key, member, at, why)
  redis.call('ZREM', index_of(tag), member)
  local left = at + tombstone - now
  if left > 0 then
    local names = redis.call('HKEYS', key)
    redis.call('HSET', key, 'e', why, 't', int(at))
    redis.call('HDEL', key, unpack(names))
    redis.call('PEXPIRE', key, int(left))
  else
    redis.call('DEL', key)
  end
end

local function forget(name)
  redis.call('ZREM', by_name, name)
  redis.call('ZREM', by_end, name)
end

-- Whoever has no session left is not online.
local function sign_off(user)
  -- In the middle of a move, an index that has just become empty cannot be asked for. A page will find its user.
  if redis.pcall('EXISTS', index_of(tag)) == 0 then
    forget(tag .. user)
  end
end

local function live_longer(key, left)
  if redis.call('PTTL', key) < left then
    redis.call('PEXPIRE', key, int(left))
  end
end

-- Gives a live session its place in the lists and its time to live, and the lists at least as much.
local function keep(key, member, fields)
  local at = ends(fields)
  local name, left = tag .. fields.user, at + tombstone - now
  redis.call('PEXPIRE', key, int(left))
  redis.call('ZADD', index_of(tag), fields.created, member)
  redis.call('ZADD', by_name, 0, name)
  redis.call('ZADD', by_end, 'GT', int(at), name)
  live_longer(index_of(tag), left)
  live_longer(by_name, left)
  live_longer(by_end, left)
end

-- All that the index of a tag names. Returns the live sessions of a user, oldest first, and what is to be tidied up.
local function walk(user)
  local live, rest = {}, {}
  for _, member in ipairs(redis.call('ZRANGE', index_of(tag), 0, -1)) do
    local key = key_of(string.sub(member, 17))
    local fields = read(key)
    local state, at, why = judge(fields)
    if fields.id and fields.id ~= string.sub(member, 1, 16) then
      -- A later session has the key; its own member says so.
      state = 'unknown'
    end
    local session = { key = key, member = member, fields = fields, state = state, at = at, why = why }
    if state ~= 'active' then
      rest[#rest + 1] = session
    elseif fields.user == user then
      live[#live + 1] = session
    end
  end
  return live, rest
end

-- Writes down what was noticed of sessions, and tells of it.
local function tidy(rest, rows)
  for _, session in ipairs(rest) do
    if session.state == 'expired' then
      bury(session.key, session.member, session.at, session.why)
      rows[#rows + 1] = farewell('gone', session.fields, session.at, session.why)
    else
      if session.state == 'forgotten' then
        redis.call('DEL', session.key)
      end
      redis.call('ZREM', index_of(tag), session.member)
    end
  end
end

-- The same for one session that is live no more; its row comes first.
local function settle(key, digest, fields, state, at, why)
  local rows = { { 'unknown' } }
  if state == 'expired' then
    rows[1] = { 'ended', int(at), why }
  end
  local member = fields.id and member_of(fields, digest) or ''
  tidy({ { key = key, member = member, fields = fields, state = state, at = at, why = why } }, rows)
  if fields.user then
    sign_off(fields.user)
  end
  return rows
end

-- What there is to say of a session that does not live.
local function no_session(key, digest, fields, state, at, why)
  if state == 'ended' then
    return { { state, int(at), why } }
  elseif state == 'unknown' or state == 'corrupt' then
    return { { state } }
  end
  return settle(key, digest, fields, state, at, why)
end

