-- KEYS: index, names, ends. ARGV[7]: user, 'all' or 'but' or 'one', public id, reason.
local user, which, id, reason = ARGV[7], ARGV[8], ARGV[9], ARGV[10]
local live, rest = walk(user)
local rows = { { 'done' } }
tidy(rest, rows)
for _, session in ipairs(live) do
  if which == 'all' or (which == 'one') == (session.fields.id == id) then
    bury(session.key, session.member, now, reason)
    rows[#rows + 1] = farewell('chosen', session.fields, now, reason)
  end
end
sign_off(user)
return rows
