-- KEYS: queue. ARGV[2]: session, when it is due ('' for never, 'now' for now unless it is queued), queue kept.
if ARGV[3] == '' then
  return redis.call('ZREM', KEYS[1], ARGV[2])
end
if ARGV[3] == 'now' then
  redis.call('ZADD', KEYS[1], 'NX', int(now), ARGV[2])
else
  redis.call('ZADD', KEYS[1], ARGV[3], ARGV[2])
end
return redis.call('PEXPIRE', KEYS[1], ARGV[4])
