-- Tells whether it is a buyer's turn.
-- ARGV[9]: buyer. Answers A<now> admitted, W<number>:<ahead>:<milliseconds to wait>, N no place, O over.
if not enter() then return '!corrupt' end
if is_over() then return 'O' end
local seat = seat_of(ARGV[9])
if seat == false then return '!corrupt' end
if not seat then return 'N' end
if room.opened == 1 and seat.turn <= called() then return 'A' .. text(now) end
return place(seat)
