-- Makes a sale, once; with `-` for its stage it has to be there. ARGV[4..9]: stage, terms, opens, closes, limit,
-- time to pay; then the stock of this shard by position, which any stage but D (draft) loads in the same step.
-- Answers created, already or other (terms); !leftover when there are records of a sale that is gone.
return run(function()
  if numbers[1] then
    load_rules()
    if stage ~= 'D' then left_of('0') end
    return finish(call('HGET', NUMBERS, 'terms') == ARGV[5] and 'already' or 'other', true)
  end
  -- Streams without an entry were made by groups that wait for the sale.
  local records = call('EXISTS', BUYERS, KEYS[5]) + call('XLEN', WINS) + call('XLEN', CHANGES)
  if records > 0 then fail('leftover') end
  if ARGV[4] == '-' then fail('missing') end
  local rules = struct.pack(RULES, ARGV[4], ARGV[6], ARGV[7], ARGV[8], ARGV[9])
  call('HSET', NUMBERS, 'rules', rules, 'seq', 0, 'terms', ARGV[5])
  seq = 0
  if ARGV[4] ~= 'D' then
    for i = 10, #ARGV do
      load_stock(i - 10, ARGV[i])
    end
    log[1] = 'F ' .. ARGV[4]
  end
  return finish('created')
end)
