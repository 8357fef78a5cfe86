-- The rule of sessions, as in session/rule.rs, in front of every script of this folder.
--
-- A session is a hash: u user, c created, l last seen, d device, a agent, p address (milliseconds, text).
-- After its end it is a hash of e reason and t time of the end, and nothing turns it back.
-- The index of a user is a sorted set of digests of live sessions, scored by the time of creation.
-- Every key of a call carries the same hash tag, so that a cluster keeps them on one node.
--
-- ARGV[1] is the time or '' for the server's own, ARGV[2] to [5] are idle, absolute, touch_every, tombstone.

local function clock(given)
  if given ~= '' then
    return tonumber(given)
  end
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function int(number)
  return string.format('%.0f', number)
end

local now = clock(ARGV[1])
local idle, absolute = tonumber(ARGV[2]), tonumber(ARGV[3])
local touch_every, tombstone = tonumber(ARGV[4]), tonumber(ARGV[5])

-- Turns a live session into a tombstone, or into nothing if even that would be over.
local function bury(index, key, member, reason, at)
  redis.call('ZREM', index, member)
  redis.call('DEL', key)
  local left = at + tombstone - now
  if left > 0 then
    redis.call('HSET', key, 'e', reason, 't', int(at))
    redis.call('PEXPIRE', key, int(left))
  end
end

-- Gives a live session its time to live, and its index at least as much.
local function keep(index, key, created, seen)
  local left = math.min(seen + idle, created + absolute) + tombstone - now
  redis.call('PEXPIRE', key, int(left))
  if redis.call('PTTL', index) < left then
    redis.call('PEXPIRE', index, int(left))
  end
end

-- Brings one session up to date. Returns 'active' and its fields, 'ended' and the reason, 'unknown',
-- or 'corrupt' if the hash is not one of ours.
local function settle(index, key, member)
  local fields = redis.call('HMGET', key, 'u', 'c', 'l', 'd', 'a', 'p', 'e', 't')
  if fields[7] then
    local ended = tonumber(fields[8])
    if not ended then
      return 'corrupt'
    end
    if now < ended + tombstone then
      return 'ended', fields[7]
    end
    redis.call('DEL', key)
    return 'unknown'
  end
  if not fields[1] then
    return 'unknown'
  end
  local created, seen = tonumber(fields[2]), tonumber(fields[3])
  if not created or not seen then
    return 'corrupt'
  end
  local by_idle, by_absolute = seen + idle, created + absolute
  local ends = math.min(by_idle, by_absolute)
  if now < ends then
    return 'active', fields
  end
  local reason = by_absolute <= by_idle and 'expired_absolute' or 'expired_idle'
  bury(index, key, member, reason, ends)
  if now < ends + tombstone then
    return 'ended', reason
  end
  return 'unknown'
end

-- Brings all of a user's sessions up to date and visits the live ones, oldest first.
local function walk(index, prefix, visit)
  for _, member in ipairs(redis.call('ZRANGE', index, 0, -1)) do
    local key = prefix .. member
    local state, fields = settle(index, key, member)
    if state == 'active' then
      visit(key, member, fields)
    elseif state ~= 'ended' then
      redis.call('ZREM', index, member)
    end
  end
end

