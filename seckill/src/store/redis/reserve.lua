-- Decides requests in order, as if they came one after another.
-- ARGV[2..]: buyer, quantity, request; three for each.
-- Answers one text, an answer for each request with commas between: W<deadline> won,
-- K<state><deadline> won before, X id used for another request, N<opens> not open, C closed,
-- L<limit>:<held> limit reached, S sold out. A<now> ends the text early: this request and those after
-- it are not decided, and have to be asked again with that time.
local function decide(turn, buyer, quantity, request)
  local known = records[request]
  if known then
    if known.buyer ~= buyer or known.quantity ~= quantity then return 'X' end
    return 'K' .. known.state .. known.deadline
  end
  if turn.now < sale.opens then return 'N' .. sale.opens end
  if turn.now >= sale.closes then return 'C' end
  local no = refusal(turn, buyer, quantity)
  if no then return no end
  local deadline = turn.now + sale.pay
  -- Its units are still on sale; the move takes them.
  records[request] = { state = 'R', quantity = quantity, deadline = deadline, buyer = buyer }
  move(request, 'H')
  return 'W' .. deadline
end

return run(function()
  local names, requests, answers = {}, {}, {}
  for i = 2, #ARGV, 3 do
    names[#names + 1], requests[#requests + 1] = ARGV[i], ARGV[i + 2]
  end
  read_buyers(names)
  read_records(requests)
  local turn = { now = clock() }
  for i = 2, #ARGV, 3 do
    local answer = decide(turn, ARGV[i], tonumber(ARGV[i + 1]), ARGV[i + 2])
    answers[#answers + 1] = answer
    if undecided(answer) then break end
  end
  commit()
  return table.concat(answers, ',')
end)
