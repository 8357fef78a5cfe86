-- The whole of `reserve`, for what its first part leaves.
local pay_until, answers, details = nil, {}, {}
-- New records and the wins of this call, as they are written.
local fresh, won = {}, {}
local refusal, short, replayed

-- Why nobody may win now.
local function closed()
  if stage == 'C' or stage == 'S' or now >= closes then return 'C' end
  if stage == 'D' or now < opens then return 'N' end
  if stage == 'P' then return 'P' end
end

local function detail(byte, text)
  details[#details + 1] = text
  return byte
end

-- Why one who has records may not have so many units more.
local function over(buyer, records, units)
  if #records >= PER_BUYER_MAX then return 'T' end
  local had = counted(records)
  if had + units > limit then
    return_overdue(buyer)
    had = counted(records)
  end
  if had + units > limit then return detail('L', had) end
end

local function decide(buyer, request, lines, text)
  local records = text and parse(text)
  if records then
    accounts[buyer] = records
    local record = find(buyer, request)
    if record then
      if record.lines ~= lines then return 'X' end
      replayed = true
      return detail('2', record.state .. record.due)
    end
  end
  if refusal then return refusal end
  local list = picks(lines)
  if records then
    local no = over(buyer, records, list.units)
    if no then return no end
  elseif list.units > limit then
    return detail('L', 0)
  end
  if not has(list) then
    short = true
    -- The wins of this call are not over, so this is true for all of the call.
    return is_due() and 'A' or '0'
  end
  local record = { state = 'H', due = pay_until, lines = lines, request = request }
  shift(lines, nil, 'H')
  if records then
    records[#records + 1], dirty[buyer] = record, true
  else
    push(fresh, buyer, 'H' .. pay_until .. ':' .. lines .. ':' .. request)
  end
  push(won, buyer, request)
  if ARGV[4] == '*' then won[#won + 1] = lines end
  return '1'
end

local function left_of_all()
  local units = {}
  for position in string.gmatch(ARGV[5], '%d+') do
    units[#units + 1] = stage == 'D' and '0' or format('%d', left_of(position))
  end
  return table.concat(units, ',')
end

return run(function()
  load_rules()
  if stage ~= 'D' then read_left(ARGV[5]) end
  pay_until, refusal = format('%d', now + pay), closed()
  for i = 1, n do
    local own = lines == '*' and ARGV[6 + 2 * n + i] or lines
    answers[i] = decide(ARGV[6 + i], ARGV[6 + n + i], own, found[i])
  end
  if short then sweep(SWEEP_MAX) end
  local wins
  if #won > 0 then
    local times = format('%d ', now) .. pay_until .. ' '
    wins = { 'w', times .. lines, 'b', table.concat(won, ' ') }
  end
  if not commit(fresh, wins, now + pay) and replayed and ARGV[3] == '1' then
    call('HSET', NUMBERS, 'touch', seq)
  end
  return format('%d %d ', seq, now) .. pay_until .. ' ' .. left_of_all() .. '|' .. table.concat(answers) .. '|'
    .. table.concat(details, ',')
end)
