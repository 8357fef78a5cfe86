-- Gives a held reservation back. ARGV[4..5]: buyer, request.
-- Answers released, already_returned, already_paid or unknown.
return run(function()
  load_rules()
  local buyer = ARGV[4]
  read_accounts({ buyer })
  local record = find(buyer, ARGV[5])
  if not record then return finish('unknown') end
  if record.state == 'P' then return finish('already_paid', true) end
  if record.state ~= 'H' then return finish('already_returned', true) end
  move('R', buyer, record, 'R')
  return finish('released')
end)
