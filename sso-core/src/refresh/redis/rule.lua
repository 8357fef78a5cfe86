-- The rule of refresh tokens, as in refresh/rule.rs, in front of every script of this folder.
--
-- A family is a hash: u user, i client, n session or '', o scope or '', c created, r last rotated, g rotations,
-- d digest of the current token, p digest of its parent or '', x nonce or '' (times are milliseconds).
-- After its end it is a hash of e reason and t time of the end, and nothing turns it back.
-- The index of a user is a sorted set of names of live families, scored by the time of creation.
-- Every key of a call carries the same hash tag, so that a cluster keeps them on one node.
--
-- ARGV[1] is the time or '' for the server's own, ARGV[2] to [5] are idle, absolute, grace, tombstone.

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
local grace, tombstone = tonumber(ARGV[4]), tonumber(ARGV[5])

-- Turns a live family into a tombstone, or into nothing if even that would be over.
local function bury(index, key, member, reason, at)
  redis.call('ZREM', index, member)
  redis.call('DEL', key)
  local left = at + tombstone - now
  if left > 0 then
    redis.call('HSET', key, 'e', reason, 't', int(at))
    redis.call('PEXPIRE', key, int(left))
  end
end

-- Gives a live family its time to live, and its index at least as much.
local function keep(index, key, created, rotated)
  local left = math.min(rotated + idle, created + absolute) + tombstone - now
  redis.call('PEXPIRE', key, int(left))
  if redis.call('PTTL', index) < left then
    redis.call('PEXPIRE', index, int(left))
  end
end

-- Brings one family up to date. Returns 'live' and its fields, 'ended' and the reason, 'unknown',
-- or 'corrupt' if the hash is not one of ours.
local function settle(index, key, member)
  local found = redis.call('HMGET', key, 'u', 'i', 'n', 'o', 'c', 'r', 'g', 'd', 'p', 'x', 'e', 't')
  if found[11] then
    local ended = tonumber(found[12])
    if not ended then
      return 'corrupt'
    end
    if now < ended + tombstone then
      return 'ended', found[11]
    end
    redis.call('DEL', key)
    return 'unknown'
  end
  if not found[1] then
    return 'unknown'
  end
  for place = 1, 10 do
    if not found[place] then
      return 'corrupt'
    end
  end
  local created, rotated = tonumber(found[5]), tonumber(found[6])
  if not created or not rotated or not tonumber(found[7]) then
    return 'corrupt'
  end
  local by_idle, by_absolute = rotated + idle, created + absolute
  local ends = math.min(by_idle, by_absolute)
  if now < ends then
    return 'live', found
  end
  local reason = by_absolute <= by_idle and 'expired_absolute' or 'expired_idle'
  bury(index, key, member, reason, ends)
  if now < ends + tombstone then
    return 'ended', reason
  end
  return 'unknown'
end

-- A reply that begins with these words and ends with the facts of a family.
local function tell(reply, found)
  for place = 1, 7 do
    reply[#reply + 1] = found[place]
  end
  return reply
end

-- Brings all of a user's families up to date and visits the live ones, oldest first.
local function walk(index, prefix, visit)
  for _, member in ipairs(redis.call('ZRANGE', index, 0, -1)) do
    local key = prefix .. member
    local state, found = settle(index, key, member)
    if state == 'live' then
      visit(key, member, found)
    elseif state ~= 'ended' then
      redis.call('ZREM', index, member)
    end
  end
end

