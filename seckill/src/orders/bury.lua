-- Moves an entry that cannot be handled to the dead letters and acknowledges it, in one step.
-- KEYS: stream, dead letters. ARGV: group, id of the entry, name of the stream, reason.
-- Answers 1, or 0 when the group does not wait for this entry any more.
local group, id = ARGV[1], ARGV[2]
local pending = redis.call('XPENDING', KEYS[1], group, id, id, 1)[1]
if not pending then return 0 end
-- What was put back once keeps the stream and the id that it came from.
local letter = { s = ARGV[3], i = id }
local entry = redis.call('XRANGE', KEYS[1], id, id)[1]
local fields = entry and entry[2] or {}
for k = 1, #fields, 2 do
  local name = fields[k]
  if name == 'w' or name == 'c' then name = 'h' end
  if name == 'h' or name == 'b' or ARGV[3] == 'again' then letter[name] = fields[k + 1] end
end
redis.call('XADD', KEYS[2], '*', 'g', group, 's', letter.s, 'i', letter.i, 'h', letter.h or '', 'b', letter.b or '',
  'r', ARGV[4], 'n', pending[4])
redis.call('XACK', KEYS[1], group, id)
return 1
