-- Makes a group in all streams of a shard at once, so that no trim sees it in some of them only.
-- KEYS: the streams. ARGV[1]: group. Answers how many were new. A group that is there keeps its position.
local made = 0
for i = 1, #KEYS do
  local answer = redis.pcall('XGROUP', 'CREATE', KEYS[i], ARGV[1], '0', 'MKSTREAM')
  if answer.ok then
    made = made + 1
  elseif string.sub(answer.err, 1, 9) ~= 'BUSYGROUP' then
    return answer
  end
end
return made
