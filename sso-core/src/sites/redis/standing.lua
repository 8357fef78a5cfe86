-- KEYS: session. ARGV[2]: token.
open(KEYS[1], 'k')
-- Something may outlive its session, but nothing its revocation.
if redis.call('HEXISTS', KEYS[1], 'r:' .. ARGV[2]) == 1 then
  return 'revoked'
end
return redis.call('HEXISTS', KEYS[1], 'e') == 1 and 'ended' or 'good'
