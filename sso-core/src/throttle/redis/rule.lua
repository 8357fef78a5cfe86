-- The rule of counters, as in throttle/rule.rs, in front of every script of this folder.
--
-- A counter is the text `<count>:<time of the last failure in milliseconds>`; it lives until all is forgotten.
-- Every key of a call carries the same hash tag, so that a cluster keeps them on one node.
--
-- ARGV[1] is the time or '' for the server's own. After it come five numbers for every counter that is paced:
-- free failures, first wait, longest wait, forgetting, highest count.

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

local function pace(place)
  local from = 2 + (place - 1) * 5
  return {
    free = tonumber(ARGV[from]), first = tonumber(ARGV[from + 1]), max = tonumber(ARGV[from + 2]),
    forget = tonumber(ARGV[from + 3]), count_max = tonumber(ARGV[from + 4]),
  }
end

-- Returns the count and the time of the last failure, which is never later than now; 0 without failures; nil
-- if the key holds something else. The third value says that the time had to be moved.
local function read(key)
  local text = redis.call('GET', key)
  if not text then
    return 0, now, false
  end
  local count, last = string.match(text, '^(%d+):(%d+)$')
  if not count then
    return nil
  end
  last = tonumber(last)
  return tonumber(count), math.min(last, now), last > now
end

local function keep(key, count, last, pace)
  local left = last + count * pace.forget - now
  if count > 0 and left > 0 then
    redis.call('SET', key, int(count) .. ':' .. int(last), 'PX', int(left))
  else
    redis.call('DEL', key)
  end
end

local function next_at(count, last, pace)
  if count <= pace.free then
    return last
  end
  local doublings = math.min(count - pace.free - 1, 52)
  return last + math.min(pace.first * 2 ^ doublings, pace.max)
end

