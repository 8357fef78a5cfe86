-- Takes unsold units out, on their way to another shard of the sale. ARGV[4..6]: that shard, position, units
-- wanted. While there are many it gives up to half of them, so that few transfers are needed. One transfer to
-- each shard at a time: one that is under way is the answer until it is settled, also where 0 are wanted, which
-- begins none. A transfer has the number of its step, so one after a thaw is above all that anybody has seen.
-- Answers "<number of the transfer> <position> <units>", 0 when there is nothing to take, or again when it
-- swept and has to be asked at this time once more.
return run(function()
  load_rules()
  local shard, position = ARGV[4], ARGV[5]
  local out = 'o:' .. shard
  local pending = call('HGET', NUMBERS, out)
  if pending then return finish(pending, true) end
  if stage == 'S' or stage == 'D' or ARGV[6] == '0' then return finish('0') end
  local had = left_of(position)
  if had == 0 and is_due() then
    sweep(SWEEP_MAX)
    return finish('again')
  end
  local units = math.min(had, math.max(tonumber(ARGV[6]), math.floor(had / 2)))
  if units == 0 then return finish('0') end
  local number = format('%d', seq + 1)
  local transfer = number .. ' ' .. position .. ' ' .. format('%d', units)
  push(fields, out, transfer)
  push(fields, 'l' .. position, had - units)
  push(fields, 'm' .. position, moved(position) - units)
  log[1] = 'M ' .. position .. ' out ' .. shard .. ' ' .. format('%d', units) .. ' ' .. number
  return finish(transfer)
end)
