-- Gives a held reservation back. ARGV[2]: request.
-- Answers released, already_returned, already_paid or unknown.
return run(function()
  local request = ARGV[2]
  read_records({ request })
  local record = records[request]
  if not record then return 'unknown' end
  if record.state == 'P' then return 'already_paid' end
  if record.state ~= 'H' then return 'already_returned' end
  read_buyers({ record.buyer })
  move(request, 'R')
  commit()
  return 'released'
end)
