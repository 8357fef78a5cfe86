-- Makes a reservation paid. ARGV[2]: request.
-- Answers confirmed, already_paid, retaken, gone or unknown; A<now> when it swept and has to be asked
-- again with that time.
return run(function()
  local request = ARGV[2]
  read_records({ request })
  local record = records[request]
  if not record then return 'unknown' end
  if record.state == 'P' then return 'already_paid' end
  if record.state == 'G' then return 'gone' end
  read_buyers({ record.buyer })
  local now = clock()
  local to, answer = 'P', 'retaken'
  if record.state == 'H' then
    if now < record.deadline then answer = 'confirmed' end
  else
    local no = refusal({ now = now }, record.buyer, record.quantity)
    if no and undecided(no) then
      commit()
      return no
    end
    if no then to, answer = 'G', 'gone' end
  end
  move(request, to)
  commit()
  return answer
end)
