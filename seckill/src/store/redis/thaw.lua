-- Lets a frozen shard decide again. ARGV[4]: the highest number that anybody has seen of it; the next one is
-- above that. What came between is no history without gaps, so the step of the thaw is kept. Answers thawed or
-- already.
return run(function()
  load_rules(true)
  local floor = math.max(tonumber(ARGV[4]), tonumber(call('HGET', NUMBERS, 'frozen') or '0'))
  local was = stage == string.lower(stage)
  seq = math.max(seq, floor)
  call('HSET', NUMBERS, 'seq', format('%d', seq), 'rules', string.upper(stage) .. string.sub(numbers[1], 2),
    'thawed', format('%d', seq))
  call('HDEL', NUMBERS, 'frozen')
  return finish(was and 'thawed' or 'already', true)
end)
