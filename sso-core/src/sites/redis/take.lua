-- KEYS: session. ARGV[2]: lease, how long the end is kept. Replies the next due time, the user, and pairs of
-- client and attempt.
local session = KEYS[1]

open(session, 'k')
-- Whoever queued the session meant it to end, even if they came no further. It ends before anything else: a site
-- that redeems a grant from now on is refused, so the session may leave the queue if no site takes part.
finish(session, tonumber(ARGV[3]))
local user = redis.call('HGET', session, 'u')
if not user then
  return { '' }
end
local taken = {}
for _, site in ipairs(sites(session)) do
  if site[3] <= now then
    put(session, site[1], site[2] + 1, now + tonumber(ARGV[2]))
    taken[#taken + 1] = site[1]
    taken[#taken + 1] = int(site[2] + 1)
  end
end
local reply = { next_due(session), user }
for _, field in ipairs(taken) do
  reply[#reply + 1] = field
end
return reply
