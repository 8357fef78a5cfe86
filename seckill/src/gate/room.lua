-- Shared by the scripts of a waiting room; one of them follows. The rule is that of room.rs.
-- KEYS: numbers of the room, places by buyer; both with the same hash tag.
-- ARGV: 1 the time in unix milliseconds or '' for the clock of this server, 2 opens, 3 closes,
-- 4 count and 5 milliseconds of the pace, 6 patience in milliseconds, 7 most places, 8 keys of the draw
-- with blanks between, or ''.
-- Answers that begin with '!' are faults.
local ROOM, PLACES = KEYS[1], KEYS[2]
local FIELDS = { 'issued', 'early', 'turn', 'opened', 'paused', 'closed' }
local KEPT_MILLIS = 86400000
local opens, closes = tonumber(ARGV[2]), tonumber(ARGV[3])
local count, per, patience = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local room, now = {}, nil

local function text(n) return string.format('%.0f', n) end

local function clock()
  if ARGV[1] ~= '' then return tonumber(ARGV[1]) end
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function keep(key)
  redis.call('PEXPIRE', key, text(math.max(closes - now, 0) + KEPT_MILLIS))
end

local function save(...)
  redis.call('HSET', ROOM, ...)
  keep(ROOM)
end

-- Loads the room, and sees its opening, once; from then on no time is before it.
local function enter()
  local values = redis.call('HMGET', ROOM, unpack(FIELDS))
  for i, name in ipairs(FIELDS) do
    local n = values[i] and tonumber(values[i])
    if values[i] and (not n or n < 0 or n > 2 ^ 53 or n ~= math.floor(n)) then return false end
    room[name] = n or 0
  end
  if not values[6] then room.closed = nil end
  now = clock()
  if room.opened == 0 and now >= opens then
    room.opened = 1
    save('opened', 1)
  end
  if room.opened == 1 then now = math.max(now, opens) end
  return true
end

local function is_over() return room.closed ~= nil or now >= closes end

-- The room's clock: milliseconds since the opening, without those in which it was closed.
local function elapsed() return math.max(0, now - opens - room.paused) end

local function called() return math.floor(elapsed() * count / per) end

local function called_at(turn) return math.floor((turn * per + count - 1) / count) end

local function stir(word, shift)
  return bit.bxor(bit.tobit(word), bit.rshift(bit.tobit(word), shift)) % 4294967296
end

local function mix(right, key)
  local word = stir((right * 0x9e3779b1 + key) % 4294967296, 15)
  word = ((word % 65536) * 0x85ebca6b + math.floor(word / 65536)) % 4294967296
  return stir(word, 13)
end

-- The place that a number draws among `of`.
local function rank(number, of)
  local half = 1
  while 4 ^ half < of do half = half + 1 end
  local size, at = 2 ^ half, number - 1
  repeat
    local left, right = math.floor(at / size), at % size
    for key in string.gmatch(ARGV[8], '%d+') do
      left, right = right, bit.bxor(left, mix(right, tonumber(key)) % size)
    end
    at = left * size + right
  until at < of
  return at + 1
end

-- The buyer's seat; nil when there is none that is good, false when it is not one.
local function seat_of(buyer)
  local value = redis.call('HGET', PLACES, buyer)
  if not value then return nil end
  local number, turn, joined = string.match(value, '^(%d+):(%d+):(%d+)$')
  if not number then return false end
  local seat = { number = tonumber(number), turn = tonumber(turn) }
  if ARGV[8] ~= '' and seat.number <= room.early then
    seat.turn = room.opened == 1 and rank(seat.number, room.early) or room.early
  end
  local from = math.max(called_at(seat.turn), tonumber(joined))
  if room.opened == 1 and elapsed() > from + patience then return nil end
  return seat
end

local function place(seat)
  local ahead = math.max(0, seat.turn - called() - 1)
  local wait = math.max(0, opens - now) + math.max(0, called_at(seat.turn) - elapsed())
  return table.concat({ 'W' .. text(seat.number), text(ahead), text(wait) }, ':')
end

