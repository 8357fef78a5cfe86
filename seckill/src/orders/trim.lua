-- Drops the entries that nobody needs any more. An entry is needed by a group that has not read or not
-- acknowledged it, and an entry of wins by the sweep that has not passed it.
-- KEYS: numbers, wins, changes, again. ARGV: '1' when streams without a group may be trimmed; then the
-- groups that have to be there.
-- Answers { 'trimmed', entries of wins, of changes, of again }, { 'waits', group }, '' for any group, or
-- a text that begins with `!`.
local numbers = redis.call('HMGET', KEYS[1], 'seq', 'cur', 'frozen')
if not numbers[1] then return { '!missing' } end
if numbers[3] then return { '!frozen' } end

local function split(id)
  local time, count = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(time), tonumber(count)
end

-- The lower of two ids; nil is above all.
local function lower(one, other)
  if not one then return other end
  local a, b = split(one)
  local c, d = split(other)
  if a < c or a == c and b < d then return one end
  return other
end

-- The first id that a group may still ask for.
local function wanted(key, name, delivered)
  local pending = redis.call('XPENDING', key, name)
  if pending[1] > 0 then return pending[2] end
  local time, count = split(delivered)
  return string.format('%.0f-%.0f', time, count + 1)
end

local floors = {}
for i = 2, 4 do
  local names, any = {}, false
  local groups = redis.call('EXISTS', KEYS[i]) == 1 and redis.call('XINFO', 'GROUPS', KEYS[i]) or {}
  for _, flat in ipairs(groups) do
    local group = {}
    for k = 1, #flat, 2 do group[flat[k]] = flat[k + 1] end
    names[group.name], any = true, true
    floors[i] = lower(floors[i], wanted(KEYS[i], group.name, group['last-delivered-id']))
  end
  for k = 2, #ARGV do
    if not names[ARGV[k]] then return { 'waits', ARGV[k] } end
  end
  if not any then
    if ARGV[1] ~= '1' then return { 'waits', '' } end
    floors[i] = string.format('%.0f-1', tonumber(numbers[1]))
  end
end
-- Without a cursor the sweep has passed all there is.
local front = numbers[2] and string.match(numbers[2], '^%d+')
if front then floors[2] = lower(floors[2], front .. '-0') end

-- All wins and all changes from these steps on are kept.
for i = 2, 3 do
  local last = redis.call('XREVRANGE', KEYS[i], '(' .. floors[i], '-', 'COUNT', 1)[1]
  local field = i == 2 and 'trim' or 'trim:changes'
  if last then redis.call('HSET', KEYS[1], field, string.format('%.0f', split(last[1]) + 1)) end
end
local answer = { 'trimmed' }
for i = 2, 4 do
  answer[i] = redis.call('XTRIM', KEYS[i], 'MINID', floors[i])
end
return answer
