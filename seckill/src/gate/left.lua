-- Closes the room when nothing is left, and opens it again when there is some.
-- ARGV[9]: units left. Answers C closed, O open.
if not enter() then return '!corrupt' end
if tonumber(ARGV[9]) == 0 then
  if not room.closed then save('closed', text(now)) end
  return 'C'
end
if room.closed then
  save('paused', text(room.paused + math.max(0, now - math.max(room.closed, opens))))
  redis.call('HDEL', ROOM, 'closed')
end
return 'O'
