-- Lets a frozen shard decide again. ARGV[4]: the highest number that anybody has seen of it; the next one is
-- above that. Answers thawed or already.
return run(function()
  load_rules(true)
  local floor = math.max(tonumber(ARGV[4]), tonumber(call('HGET', NUMBERS, 'frozen') or '0'))
  local was = stage == string.lower(stage)
  seq = math.max(seq, floor)
  call('HSET', NUMBERS, 'seq', format('%d', seq), 'rules', string.upper(stage) .. string.sub(numbers[1], 2))
  call('HDEL', NUMBERS, 'frozen')
  return finish(was and 'thawed' or 'already', true)
end)
