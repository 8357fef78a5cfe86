-- Looks at wins whose time to pay is over and returns those still held. ARGV[4]: at most how many.
-- Answers "<returned> <units> <1 when more are over, else 0>".
return run(function()
  load_rules()
  local returned, units = sweep(math.min(tonumber(ARGV[4]), SWEEP_MAX))
  return finish(returned .. ' ' .. units .. ' ' .. (is_due() and 1 or 0))
end)
