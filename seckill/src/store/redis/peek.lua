-- Reads counters and changes nothing, also of a frozen shard. ARGV[4..5]: how many positions, the letters of
-- the counters wanted (of `nawmlp`).
-- Answers "<stage, in lower case while frozen> <when the front of the wins is over, or 0>|<counters by position>":
-- `,` between counters, `;` between positions.
return run(function()
  load_rules(true)
  local names, rows, letters = {}, {}, ARGV[5]
  for position = 0, ARGV[4] - 1 do
    for letter in string.gmatch(letters, '%a') do
      names[#names + 1] = letter .. position
    end
  end
  local values = call('HMGET', NUMBERS, unpack(names))
  for i, value in ipairs(values) do
    if not value and string.upper(stage) ~= 'D' then fail('missing') end
    values[i] = value or '0'
  end
  for position = 1, ARGV[4] do
    rows[position] = table.concat(values, ',', #letters * (position - 1) + 1, #letters * position)
  end
  return finish(stage .. ' ' .. format('%d', front and front.due or 0) .. '|' .. table.concat(rows, ';'))
end)
