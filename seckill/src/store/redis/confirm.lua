-- Makes a reservation paid. ARGV[2]: request.
-- Answers confirmed, already_paid, retaken, gone or unknown.
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
  elseif refusal({ now = now }, record.buyer, record.quantity) then
    to, answer = 'G', 'gone'
  end
  move(request, to)
  commit()
  return answer
end)
