-- Gives a buyer a number, the same as before while it is good.
-- ARGV[9]: buyer. Answers W<number>:<ahead>:<milliseconds to wait>, O over, F full.
if not enter() then return '!corrupt' end
if is_over() then return 'O' end
local seat = seat_of(ARGV[9])
if seat == false then return '!corrupt' end
if seat then return place(seat) end
if room.issued >= tonumber(ARGV[7]) then return 'F' end
room.issued = room.issued + 1
if room.opened == 0 then room.early = room.early + 1 end
room.turn = math.max(called(), room.turn + 1)
seat = table.concat({ text(room.issued), text(room.turn), text(elapsed()) }, ':')
redis.call('HSET', PLACES, ARGV[9], seat)
keep(PLACES)
save('issued', text(room.issued), 'early', text(room.early), 'turn', text(room.turn))
return place(seat_of(ARGV[9]))
