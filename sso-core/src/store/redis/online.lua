-- KEYS: names, ends. ARGV[7]: where to begin, as ZRANGE wants it, and how many users to look at.
local names = redis.call('ZRANGE', by_name, ARGV[7], '+', 'BYLEX', 'LIMIT', 0, tonumber(ARGV[8]))
local looks = {}
for _, name in ipairs(names) do
  tag = string.sub(name, 1, 32)
  local user = string.sub(name, 33)
  local live, rest = walk(user)
  looks[#looks + 1] = { tag = tag, user = user, live = live, rest = rest }
end
local rows = { { 'done' } }
for _, look in ipairs(looks) do
  tag = look.tag
  tidy(look.rest, rows)
  local impersonated, seen = 0, 0
  for _, session in ipairs(look.live) do
    impersonated = impersonated + (session.fields.is_acted and 1 or 0)
    seen = math.max(seen, tonumber(session.fields.seen))
  end
  rows[#rows + 1] = { 'user', look.user, int(#look.live), int(impersonated), int(seen) }
  if #look.live == 0 then
    forget(tag .. look.user)
  end
end
return rows
