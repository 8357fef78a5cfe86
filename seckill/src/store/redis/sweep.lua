-- Returns overdue reservations. ARGV[2]: at most how many.
-- Answers <reservations>,<units>,<1 when there are more, else 0>.
return run(function()
  local returned, units, more = sweep(clock(), math.min(tonumber(ARGV[2]), SWEEP_MAX))
  commit()
  return returned .. ',' .. units .. ',' .. (more and 1 or 0)
end)
