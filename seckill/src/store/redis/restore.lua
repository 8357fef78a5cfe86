-- Brings back what a ledger of orders knows and this shard does not, also on a frozen shard.
-- ARGV[4..]: "<buyer> <request> <lines> <pay until> <state>" for each; at most 256.
-- Answers "<added> <made paid or gone> <short> <over>": positions in the call, from 0, with `,` between, of those for which
-- units are missing, and of those whose buyers have more than the limit now. A held one waits in the queue again,
-- so that it is returned when its time is over.
local added, turned, missing, over, won, last = 0, 0, {}, {}, {}, 0

local function restore(buyer, ledger)
  local record = find(buyer, ledger.request)
  local to = ledger.state
  -- Only what was paid or refunded weighs more than what the shard knows, and only while that is open.
  if record and (to ~= 'P' and to ~= 'G' or record.state ~= 'H' and record.state ~= 'R') then return true end
  local from = record and record.state
  if TAKES[to] and not TAKES[from] and not has(picks(ledger.lines)) then return false end
  if record then
    move('X', buyer, record, to)
    turned = turned + 1
  else
    shift(ledger.lines, nil, to)
    accounts[buyer] = accounts[buyer] or {}
    table.insert(accounts[buyer], ledger)
    dirty[buyer] = true
    note('X', buyer, ledger)
    added = added + 1
    if to == 'H' then
      push(won, buyer, ledger.request)
      won[#won + 1] = ledger.lines
      last = math.max(last, tonumber(ledger.due))
    end
  end
  log[#log] = log[#log] .. ' ' .. to
  return true
end

return run(function()
  load_rules(true)
  local buyers, ledger = {}, {}
  for i = 4, #ARGV do
    local buyer, request, lines, due, state = string.match(ARGV[i], '^(%S+) (%S+) (%S+) (%d+) ([HPRG])$')
    if not buyer then fail('corrupt ledger') end
    buyers[#buyers + 1] = buyer
    ledger[#ledger + 1] = { request = request, lines = lines, due = due, state = state }
  end
  read_accounts(buyers)
  for i, buyer in ipairs(buyers) do
    if not restore(buyer, ledger[i]) then missing[#missing + 1] = i - 1 end
  end
  for i, buyer in ipairs(buyers) do
    local record = find(buyer, ledger[i].request)
    if record and TAKES[record.state] and counted(accounts[buyer]) > limit then over[#over + 1] = i - 1 end
  end
  local wins
  if #won > 0 then
    wins = { 'w', format('%d %d *', now, last), 'b', table.concat(won, ' ') }
  end
  commit({}, wins, last)
  return format('%d %d|%d %d ', seq, now, added, turned) .. table.concat(missing, ',') .. ' '
    .. table.concat(over, ',')
end)
