-- The tools of the scripts of a sale. What stands before has set `call`, `tonumber`, `format`, `ARGV`,
-- `numbers` and `now`. A script reads and checks first, decides in tables, and writes once at its end: one that
-- fails before `commit` has changed nothing.
--
-- numbers: rules (stage, opens, closes, limit, time to pay; packed, since each decision reads them; the
-- stage in lower case while the shard is frozen), frozen (the highest number that somebody has seen), terms,
-- seq, cur (the front of the wins that no sweep has looked at: "<entry> <wins of it looked at> <pay until>";
-- absent when there is none), and by position n initial, a added, w withdrawn, m moved in less out, l left,
-- p paid. What is held is never stored: n + a - w + m - l - p.
-- buyers: buyer -> "<state><pay until>:<lines>:<request>", with `;` between. Lines: `<units>` of position 0,
-- `<position>*<units>` of another, with `+` between.
-- wins: "<seq>-0" w "<now> <pay until> <lines or *>" b "<buyer> <request> .." (with `*` the lines third).
-- changes: "<seq>-0" c "<now>" b items with newlines between.
local NUMBERS, BUYERS, WINS, CHANGES = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local RULES, SWEEP_MAX, PER_BUYER_MAX = '<c1I6I6I4I6', 256, 64
-- The states whose units are not left: held and paid.
local TAKES = { H = true, P = true }

local stage, opens, closes, limit, pay, seq
-- The front of the queue, and whether this call moved it.
local front, advanced
-- What this call has read, its own changes in it: lines -> picks, position -> left, buyer -> records or false.
local known, left, accounts = {}, {}, {}
-- What this call has changed: buyers, position -> left or paid, other fields, and the log of it.
local dirty, stock, paid, fields, log = {}, {}, {}, {}, {}

local function fail(code) error('!' .. code, 0) end

local function whole(text, name)
  local number = string.find(text or '', '^%d+$') and tonumber(text)
  if not number or number > 99999999999999 then fail('corrupt ' .. name) end
  return number
end

local function counter(name)
  local text = call('HGET', NUMBERS, name)
  if not text then fail('missing') end
  return whole(text, name)
end

-- Somebody has seen a later number than the store has: it went back in time. It decides nothing any more.
local function freeze(seen)
  local floor = call('HGET', NUMBERS, 'frozen')
  if stage ~= string.lower(stage) then
    call('HSET', NUMBERS, 'rules', string.lower(stage) .. string.sub(numbers[1], 2), 'frozen', seen)
  elseif seen > (tonumber(floor) or 0) then
    call('HSET', NUMBERS, 'frozen', seen)
  end
  fail('frozen')
end

-- Reads the rules; `thawing` is for a script that works on a frozen shard.
local function load_rules(thawing)
  local rules, cur = numbers[1], numbers[3]
  if not rules then fail('missing') end
  if #rules ~= 23 or not string.find(rules, '^[DRPCSdrpcs]') then fail('corrupt rules') end
  stage, opens, closes, limit, pay = struct.unpack(RULES, rules)
  seq = whole(numbers[2], 'seq')
  local seen = tonumber(ARGV[2]) or 0
  if not thawing and (seq < seen or stage == string.lower(stage)) then freeze(seen) end
  if cur then
    local entry, passed, due = string.match(cur, '^(%d+) (%d+) (%d+)$')
    if not entry then fail('corrupt cur') end
    front = { entry = entry, passed = tonumber(passed), due = tonumber(due) }
  end
end

local function is_due() return front ~= nil and front.due <= now end

local function picks(lines)
  local list = known[lines]
  if list then return list end
  list = { units = 0 }
  for line in string.gmatch(lines, '[^+]+') do
    local position, units = string.match(line, '^(%d+)%*(%d+)$')
    units = whole(units or line, 'lines')
    list[#list + 1] = { position or '0', units }
    list.units = list.units + units
  end
  known[lines] = list
  return list
end

local function left_of(position)
  if not left[position] then left[position] = counter('l' .. position) end
  return left[position]
end

-- Reads what is left of several positions, with `,` between.
local function read_left(positions)
  local names = {}
  for position in string.gmatch(positions, '%d+') do
    names[#names + 1] = 'l' .. position
  end
  for i, units in ipairs(call('HMGET', NUMBERS, unpack(names))) do
    if not units then fail('missing') end
    left[string.sub(names[i], 2)] = whole(units, names[i])
  end
end

local function has(list)
  for _, pick in ipairs(list) do
    if left_of(pick[1]) < pick[2] then return false end
  end
  return true
end

local function parse(text)
  local records, at = {}, 1
  repeat
    local _, last, state, due, lines, request =
      string.find(text, '^([HPRG])(%d+):([%d*+]+):([%w_-]+);?', at)
    if not last then fail('corrupt buyers') end
    records[#records + 1] = { state = state, due = due, lines = lines, request = request }
    at = last + 1
  until at > #text
  return records
end

local function read_accounts(buyers)
  local names = {}
  for _, buyer in ipairs(buyers) do
    if accounts[buyer] == nil then
      names[#names + 1], accounts[buyer] = buyer, false
    end
  end
  if #names == 0 then return end
  for i, text in ipairs(call('HMGET', BUYERS, unpack(names))) do
    accounts[names[i]] = text and parse(text)
  end
end

local function find(buyer, request)
  for _, record in ipairs(accounts[buyer] or {}) do
    if record.request == request then return record end
  end
end

local function counted(records)
  local units = 0
  for _, record in ipairs(records) do
    if TAKES[record.state] then units = units + picks(record.lines).units end
  end
  return units
end

-- Takes the units of lines from one state to another; `nil` is where units are that nobody has had yet.
local function shift(lines, from, to)
  for _, pick in ipairs(picks(lines)) do
    local position, units = pick[1], pick[2]
    if TAKES[from] ~= TAKES[to] then
      left[position] = left_of(position) + (TAKES[to] and -units or units)
      if left[position] < 0 then fail('corrupt l' .. position) end
      stock[position] = true
    end
    if to == 'P' then paid[position] = (paid[position] or counter('p' .. position)) + units end
  end
end

local function note(kind, buyer, record)
  log[#log + 1] = kind .. ' ' .. buyer .. ' ' .. record.request .. ' ' .. record.lines .. ' ' .. record.due
end

-- The one way in which a reservation changes.
local function move(kind, buyer, record, to)
  shift(record.lines, record.state, to)
  record.state = to
  dirty[buyer] = true
  note(kind, buyer, record)
end

-- Returns the holds of one buyer that are over.
local function return_overdue(buyer)
  for _, record in ipairs(accounts[buyer]) do
    if record.state == 'H' and tonumber(record.due) <= now then move('E', buyer, record, 'R') end
  end
end

-- Takes up to `room` wins of an entry behind those already looked at; tells whether the entry is at its end.
local function take(entry, room, taken)
  local step = string.sub(entry[2][2], -1) == '*' and 3 or 2
  local words, skip = {}, front.passed
  for word in string.gmatch(entry[2][4], '%S+') do
    words[#words + 1] = word
  end
  local count = math.min(room, #words / step - skip)
  for i = skip, skip + count - 1 do
    taken[#taken + 1] = { words[step * i + 1], words[step * i + 2] }
  end
  front.passed = skip + count
  return front.passed * step >= #words
end

-- Moves the front past up to `max` wins that are over, and gives those.
local function pass(max)
  local taken, count = {}, 2
  while true do
    local entries = call('XRANGE', WINS, front.entry .. '-0', '+', 'COUNT', count)
    for _, entry in ipairs(entries) do
      local id = string.match(entry[1], '^(%d+)-0$')
      local due = id and tonumber(string.match(entry[2][2] or '', '^%d+ (%d+) %S+$'))
      if not due then fail('corrupt wins') end
      if id ~= front.entry then front = { entry = id, passed = 0 } end
      front.due = due
      if due > now or #taken >= max then return taken end
      if not take(entry, max - #taken, taken) then return taken end
      -- The next one, if there is any; it says itself when it is due.
      front = { entry = format('%d', id + 1), passed = 0, due = 0 }
    end
    if #entries < count then
      front = nil
      return taken
    end
    count = math.min(2 * count, SWEEP_MAX)
  end
end

-- Looks at up to `max` wins that are over and returns those still held: how many, and their units.
local function sweep(max)
  local returned, units, buyers = 0, 0, {}
  if max < 1 or not is_due() then return returned, units end
  advanced = true
  local taken = pass(max)
  for i, win in ipairs(taken) do
    buyers[i] = win[1]
  end
  read_accounts(buyers)
  for _, win in ipairs(taken) do
    local record = find(win[1], win[2])
    if record and record.state == 'H' then
      move('E', win[1], record, 'R')
      returned, units = returned + 1, units + picks(record.lines).units
    end
  end
  return returned, units
end

local function push(list, name, value)
  list[#list + 1] = name
  list[#list + 1] = value
end

-- What came from other shards less what went to them.
local function moved(position)
  local text = call('HGET', NUMBERS, 'm' .. position)
  if not string.find(text or '', '^-?%d+$') then fail('corrupt m' .. position) end
  return tonumber(text)
end

-- The counters of a position as they begin.
local function load_stock(position, units)
  for name in string.gmatch('nawmlp', '.') do
    push(fields, name .. position, (name == 'n' or name == 'l') and units or 0)
  end
end

-- Writes what this call has changed as one step with one number. `set` are new accounts; `wins`, if any, the
-- fields of their entry, of which `due` is the deadline.
local function commit(set, wins, due)
  for buyer in pairs(dirty) do
    local texts = {}
    for i, record in ipairs(accounts[buyer]) do
      texts[i] = record.state .. record.due .. ':' .. record.lines .. ':' .. record.request
    end
    push(set, buyer, table.concat(texts, ';'))
  end
  if #set == 0 and #log == 0 and #fields == 0 and not advanced then return false end
  seq = seq + 1
  local number = format('%d', seq)
  for position in pairs(stock) do
    push(fields, 'l' .. position, left[position])
  end
  for position, units in pairs(paid) do
    push(fields, 'p' .. position, units)
  end
  if wins and not front then
    front, advanced = { entry = number, passed = 0, due = due }, true
  end
  if advanced and front then
    push(fields, 'cur', front.entry .. ' ' .. front.passed .. ' ' .. format('%d', front.due))
  end
  -- What is not read before is read here, so that nothing fails after the first write.
  if wins and #log > 0 then call('XLEN', CHANGES) end
  if wins then call('XADD', WINS, number .. '-0', unpack(wins)) end
  if #log > 0 then call('XADD', CHANGES, number .. '-0', 'c', format('%d', now), 'b', table.concat(log, '\n')) end
  call('HSET', NUMBERS, 'seq', number, unpack(fields))
  if advanced and not front then call('HDEL', NUMBERS, 'cur') end
  if #set > 0 then call('HSET', BUYERS, unpack(set)) end
  return true
end

-- Ends a step. A replay writes as well where the caller waits for replicas: what is awaited then covers the
-- step that is replayed.
local function finish(answer, replayed)
  if not commit({}) and replayed and ARGV[3] == '1' then call('HSET', NUMBERS, 'touch', seq) end
  return format('%d %d|', seq, now) .. answer
end

-- Runs a script. What the server itself refuses stays an error with the server's code, whatever form this
-- version of it gives to errors.
local function run(script)
  local ok, answer = pcall(script)
  if ok then return answer end
  if type(answer) == 'table' then answer = answer.err end
  if string.sub(answer, 1, 1) == '!' then return answer end
  local text = string.gsub(answer, '^@user_script: ?%d+: ', '')
  if not string.find(text, '^%u+ ') then text = 'ERR ' .. text end
  return { err = text }
end

