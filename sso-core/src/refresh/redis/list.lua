-- KEYS: index, prefix of families. ARGV[6]: user.
local families = {}
walk(KEYS[1], KEYS[2], function(_, member, found)
  if found[1] == ARGV[6] then
    families[#families + 1] = tell({ member }, found)
  end
end)
return families
