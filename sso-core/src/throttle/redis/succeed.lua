-- KEYS[1] is the counter that is cleared. KEYS[2], if given, loses the failure that the guess was charged.
local count, last
if KEYS[2] then
  count, last = read(KEYS[2])
  if not count then
    return { 'corrupt' }
  end
end
redis.call('DEL', KEYS[1])
if count and count > 0 then
  keep(KEYS[2], count - 1, last, pace(1))
end
return { 'done' }
