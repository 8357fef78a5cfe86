-- Adds units or withdraws unsold ones. ARGV[4..7]: change id, position, add or withdraw, units.
-- Answers "done <units>", also to a change that is known, or "refused <stage>".
return run(function()
  load_rules()
  local id, position, way, units = ARGV[4], ARGV[5], ARGV[6], tonumber(ARGV[7])
  local known_as = call('HGET', KEYS[5], id)
  if known_as then return finish('done ' .. known_as, true) end
  if stage ~= 'R' and stage ~= 'P' or now >= closes then return finish('refused ' .. stage) end
  local had = left_of(position)
  local name = way == 'add' and 'a' or 'w'
  if way == 'withdraw' then units = math.min(units, had) end
  push(fields, name .. position, counter(name .. position) + units)
  push(fields, 'l' .. position, way == 'add' and had + units or had - units)
  units = format('%d', units)
  log[1] = 'S ' .. position .. ' ' .. way .. ' ' .. units .. ' ' .. id
  local answer = finish('done ' .. units)
  call('HSET', KEYS[5], id, units)
  return answer
end)
