-- KEYS: names or ends of one bucket. ARGV[2]: 'noted' or 'beyond'. How many users are noted at all, or beyond now.
if ARGV[2] == 'noted' then
  return redis.call('ZCARD', KEYS[1])
end
return redis.call('ZCOUNT', KEYS[1], '(' .. string.format('%.0f', now), '+inf')
