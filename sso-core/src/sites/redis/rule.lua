-- The rule of grants and of single logout, as in sites/rule.rs, in front of every script of this folder.
--
-- A session is a hash: k kept until, u user, e ended, s:<client> attempts:due, r:<token> revoked.
-- A grant is a hash: c client, b binding, u user, j body, x expires, l how long the session is kept, g what it gave (only when it was redeemed).
-- The grants of a session that wait are a sorted set of digests, scored by their end. All of a session's keys
-- carry one hash tag. The queue of sessions with something to tell is a sorted set, scored by the time it is due.
--
-- ARGV[1] is the time or '' for the server's own. Times are milliseconds.

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

-- Drops a record that is over.
local function open(key, field)
  local ends = redis.call('HGET', key, field)
  if ends and now >= tonumber(ends) then
    redis.call('DEL', key)
  end
end

-- Keeps a session's record for so much longer, never shorter than before.
local function keep(key, more)
  local before = tonumber(redis.call('HGET', key, 'k') or '0')
  local till = math.max(before, now + more)
  redis.call('HSET', key, 'k', int(till))
  redis.call('PEXPIRE', key, int(till - now))
end

-- The sites of a session, each with its attempts and when it is due.
local function sites(key)
  local found = {}
  local all = redis.call('HGETALL', key)
  for place = 1, #all, 2 do
    local client = string.match(all[place], '^s:(.*)$')
    if client then
      local attempts, due = string.match(all[place + 1], '^(%d+):(%d+)$')
      found[#found + 1] = { client, tonumber(attempts), tonumber(due) }
    end
  end
  return found
end

local function put(key, client, attempts, due)
  redis.call('HSET', key, 's:' .. client, int(attempts) .. ':' .. int(due))
end

-- Ends a session, once. All its sites are due.
local function finish(key, kept)
  if redis.call('HSETNX', key, 'e', '1') == 1 then
    for _, site in ipairs(sites(key)) do
      put(key, site[1], 0, now)
    end
  end
  keep(key, kept)
end

-- When a session has something to tell next, or ''.
local function next_due(key)
  local earliest
  for _, site in ipairs(sites(key)) do
    if not earliest or site[3] < earliest then
      earliest = site[3]
    end
  end
  return earliest and int(earliest) or ''
end

