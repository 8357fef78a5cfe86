-- Takes a step in the life of a sale. ARGV[4]: warm, pause, resume, close or settle; then the stock of this
-- shard by position.
-- Answers done, already, or "refused <stage> <units held>".
local NEXT = {
  warm = { D = 'R', R = true, P = true, C = true, S = true },
  pause = { R = 'P', P = true },
  resume = { P = 'R', R = true },
  close = { D = 'C', R = 'C', P = 'C', C = true, S = true },
  settle = { C = 'S', S = true },
}

local function held()
  local units = 0
  if stage == 'D' then return units end
  for i = 0, #ARGV - 5 do
    local n, a, w, m, l, p =
      unpack(call('HMGET', NUMBERS, 'n' .. i, 'a' .. i, 'w' .. i, 'm' .. i, 'l' .. i, 'p' .. i))
    if not (n and a and w and m and l and p) then fail('missing') end
    units = units + n + a - w + m - l - p
  end
  return units
end

return run(function()
  load_rules()
  local step = ARGV[4]
  local to = NEXT[step][stage]
  if step == 'settle' and (stage == 'R' or stage == 'P') and now >= closes then to = 'S' end
  if to == true then return finish('already', true) end
  if not to or to == 'S' and held() > 0 then return finish('refused ' .. stage .. ' ' .. held()) end
  if stage == 'D' then
    -- A draft that is closed never had any stock.
    for i = 5, #ARGV do
      load_stock(i - 5, to == 'R' and ARGV[i] or 0)
    end
  end
  push(fields, 'rules', to .. string.sub(numbers[1], 2))
  log[1] = 'F ' .. to
  return finish('done')
end)
