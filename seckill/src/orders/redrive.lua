-- Puts a dead letter back for its group, in one step. KEYS: dead letters, stream of those put back.
-- ARGV[1]: id of the letter. Answers 1, or 0 when there is no such letter any more.
local entry = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not entry then return 0 end
local letter, fields = {}, entry[2]
for k = 1, #fields, 2 do letter[fields[k]] = fields[k + 1] end
redis.call('XADD', KEYS[2], '*', 'g', letter.g or '', 's', letter.s or '', 'i', letter.i or '',
  'h', letter.h or '', 'b', letter.b or '')
redis.call('XDEL', KEYS[1], ARGV[1])
return 1
