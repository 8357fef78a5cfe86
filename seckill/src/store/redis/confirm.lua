-- Makes a reservation paid. ARGV[4..6]: buyer, request, final (1 when no other shard has units).
-- Answers confirmed, already_paid, retaken, gone or unknown; again when it swept and has to be asked at this
-- time once more; short when units of other shards would help, so bring some and ask again.
return run(function()
  load_rules()
  local buyer = ARGV[4]
  read_accounts({ buyer })
  local record = find(buyer, ARGV[5])
  if not record then return finish('unknown') end
  if record.state == 'P' then return finish('already_paid', true) end
  if record.state == 'G' then return finish('gone', true) end
  if record.state == 'H' and now < tonumber(record.due) then
    move('P', buyer, record, 'P')
    return finish('confirmed')
  end
  local function gone()
    move('G', buyer, record, 'G')
    return finish('gone')
  end
  if record.state == 'R' then
    local list = picks(record.lines)
    if stage == 'S' then return gone() end
    if counted(accounts[buyer]) + list.units > limit then return_overdue(buyer) end
    if counted(accounts[buyer]) + list.units > limit then return gone() end
    if not has(list) then
      if is_due() then
        sweep(SWEEP_MAX)
        return finish('again')
      end
      if ARGV[6] == '1' then return gone() end
      return finish('short')
    end
  end
  move('T', buyer, record, 'P')
  return finish('retaken')
end)
