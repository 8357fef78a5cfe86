-- Shared by the scripts of a sale; one of them follows. A script reads and checks first, decides in
-- tables, and writes once at its end: one that fails before `commit` has changed nothing.
-- Answers that begin with '!' are faults.
-- KEYS: numbers, counts by buyer, reservations, deadlines, events; all with the same hash tag.
-- ARGV[1]: the time in unix milliseconds, or '' for the clock of this server.
local NUMBERS, BUYERS, RESERVATIONS, DEADLINES, EVENTS = unpack(KEYS)
local FIELDS = { 'opens', 'closes', 'limit', 'pay', 'left', 'held', 'paid', 'seq' }
local SWEEP_MAX = 256
-- Which of the sale's numbers counts the units of a reservation in each state:
-- held, paid, returned, gone.
local PLACE = { H = 'held', P = 'paid', R = 'left', G = 'left' }
local COUNTS = { H = true, P = true }

-- What this call has read so far, its own changes in it: request -> record or false, buyer -> units.
local sale, records, buyers = {}, {}, {}
-- What this call has changed.
local moved, counted, log = {}, {}, {}

local function fail(code) error('!' .. code, 0) end

local function whole(text, name)
  local n = tonumber(text)
  if not n or n < 0 or n > 99999999999999 or n ~= math.floor(n) then fail('corrupt ' .. name) end
  return n
end

local function clock()
  if ARGV[1] ~= '' then return tonumber(ARGV[1]) end
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function load_sale()
  local values = redis.call('HMGET', NUMBERS, unpack(FIELDS))
  for i, name in ipairs(FIELDS) do
    if not values[i] then fail('missing') end
    sale[name] = whole(values[i], name)
  end
end

local function parse(text)
  local state, quantity, deadline, buyer = string.match(text, '^([HPRG]):(%d+):(%d+):(.+)$')
  if not state then fail('corrupt reservations') end
  return { state = state, quantity = tonumber(quantity), deadline = tonumber(deadline), buyer = buyer }
end

local function read_records(requests)
  if #requests == 0 then return end
  local values = redis.call('HMGET', RESERVATIONS, unpack(requests))
  for i, request in ipairs(requests) do
    if records[request] == nil then records[request] = values[i] and parse(values[i]) end
  end
end

local function read_buyers(names)
  if #names == 0 then return end
  local values = redis.call('HMGET', BUYERS, unpack(names))
  for i, name in ipairs(names) do
    if buyers[name] == nil then buyers[name] = whole(values[i] or 0, 'buyers') end
  end
end

-- The one step that changes anything: moves a reservation and its units to another state.
local function move(request, to)
  local record = records[request]
  local from, units, buyer = record.state, record.quantity, record.buyer
  sale[PLACE[from]] = sale[PLACE[from]] - units
  sale[PLACE[to]] = sale[PLACE[to]] + units
  if COUNTS[from] ~= COUNTS[to] then
    buyers[buyer] = buyers[buyer] + (COUNTS[to] and units or -units)
    counted[buyer] = true
    if buyers[buyer] < 0 then fail('corrupt buyers') end
  end
  if sale[PLACE[from]] < 0 then fail('corrupt ' .. PLACE[from]) end
  record.state = to
  moved[request] = from
  log[#log + 1] = table.concat({ to, request, units, record.deadline, #buyer .. ':' .. buyer }, ' ')
end

-- Returns up to `max` overdue reservations: how many, their units, and whether there are more.
local function sweep(now, max)
  local due = redis.call('ZRANGEBYSCORE', DEADLINES, '-inf', now, 'LIMIT', 0, max + 1)
  local more = #due > max
  if more then due[#due] = nil end
  read_records(due)
  local names, units = {}, 0
  for i, request in ipairs(due) do
    local record = records[request]
    if not record or record.state ~= 'H' then fail('corrupt deadlines') end
    names[i] = record.buyer
  end
  read_buyers(names)
  for _, request in ipairs(due) do
    move(request, 'R')
    units = units + records[request].quantity
  end
  return #due, units, more
end

local function room(buyer, quantity)
  if buyers[buyer] + quantity > sale.limit then return 'L' .. sale.limit .. ':' .. buyers[buyer] end
  if sale.left < quantity then return 'S' end
end

-- Why the buyer may not have so many more, after one sweep a call if that may help. A<now> says that
-- this is not decided: more is overdue than one call returns, so commit, and let the caller ask again
-- with this time.
local function refusal(turn, buyer, quantity)
  local no = room(buyer, quantity)
  if no and turn.more == nil then
    local _, _, more = sweep(turn.now, SWEEP_MAX)
    turn.more = more
    no = room(buyer, quantity)
  end
  if no and turn.more then return 'A' .. turn.now end
  return no
end

local function undecided(answer) return string.sub(answer, 1, 1) == 'A' end

local function call_with(command, key, arguments)
  if #arguments > 0 then redis.call(command, key, unpack(arguments)) end
end

local function push(list, ...)
  for i = 1, select('#', ...) do list[#list + 1] = (select(i, ...)) end
end

local function commit()
  if #log == 0 then return end
  local written, due, done, counts, zeros = {}, {}, {}, {}, {}
  for request, from in pairs(moved) do
    local r = records[request]
    push(written, request, table.concat({ r.state, r.quantity, r.deadline, r.buyer }, ':'))
    if r.state == 'H' then push(due, r.deadline, request) elseif from == 'H' then push(done, request) end
  end
  for buyer in pairs(counted) do
    if buyers[buyer] > 0 then push(counts, buyer, buyers[buyer]) else push(zeros, buyer) end
  end
  -- The other keys were read on the way here; this one maybe not. Then the event comes first: a key of
  -- another type, or a server without memory, fails here or before, and then nothing has changed.
  redis.call('ZCARD', DEADLINES)
  redis.call('XADD', EVENTS, '*', 'seq', sale.seq + 1, 'items', table.concat(log, '\n'))
  redis.call('HSET', NUMBERS, 'left', sale.left, 'held', sale.held, 'paid', sale.paid, 'seq', sale.seq + 1)
  call_with('HSET', RESERVATIONS, written)
  call_with('HSET', BUYERS, counts)
  call_with('HDEL', BUYERS, zeros)
  call_with('ZADD', DEADLINES, due)
  call_with('ZREM', DEADLINES, done)
end

-- Runs the script that follows. What the server itself refuses stays an error with the server's code,
-- whatever form this version of it gives to errors.
local function run(script)
  local ok, answer = pcall(function()
    load_sale()
    return script()
  end)
  if ok then return answer end
  if type(answer) == 'table' then answer = answer.err end
  if string.sub(answer, 1, 1) == '!' then return answer end
  local text = string.gsub(answer, '^@user_script: ?%d+: ', '')
  if not string.find(text, '^%u+ ') then text = 'ERR ' .. text end
  return { err = text }
end

