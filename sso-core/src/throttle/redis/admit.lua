-- KEYS: the counters that the guess is charged to. All of them are asked before any is charged.
local counts, longest = {}, nil
for place, key in ipairs(KEYS) do
  local pace = pace(place)
  local count, last, moved = read(key)
  if not count then
    return { 'corrupt' }
  end
  if moved then
    keep(key, count, last, pace)
  end
  local until_ = next_at(count, last, pace)
  if now < until_ and (not longest or until_ > longest.at) then
    longest = { at = until_, place = place }
  end
  counts[place] = math.max(count - math.floor((now - last) / pace.forget), 0)
end
if longest then
  return { 'wait', int(longest.place), int(longest.at), int(now) }
end
for place, key in ipairs(KEYS) do
  local pace = pace(place)
  keep(key, math.min(counts[place] + 1, pace.count_max), now, pace)
end
return { 'admitted' }
