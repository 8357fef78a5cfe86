-- Brings in the units of a transfer, once. ARGV[4..7]: the shard they come from, number of the transfer,
-- position, units.
-- Answers done or already; refused while this shard's stock is not loaded.
return run(function()
  load_rules()
  local shard, position, units = ARGV[4], ARGV[6], tonumber(ARGV[7])
  local number, last = tonumber(ARGV[5]), 'i:' .. shard
  if number <= whole(call('HGET', NUMBERS, last) or '0', last) then return finish('already', true) end
  if stage == 'D' then return finish('refused') end
  push(fields, last, ARGV[5])
  push(fields, 'l' .. position, left_of(position) + units)
  push(fields, 'm' .. position, moved(position) + units)
  log[1] = 'M ' .. position .. ' in ' .. shard .. ' ' .. ARGV[7] .. ' ' .. ARGV[5]
  return finish('done')
end)
