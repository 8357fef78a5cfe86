-- Forgets a transfer whose units have arrived. ARGV[4..5]: the shard they went to, number of the transfer.
-- Answers done or already. The books do not change, so this takes no number.
return run(function()
  load_rules()
  local out = 'o:' .. ARGV[4]
  local pending = call('HGET', NUMBERS, out)
  if not pending or string.match(pending, '^%d+') ~= ARGV[5] then return finish('already', true) end
  call('HDEL', NUMBERS, out)
  return finish('done')
end)
