-- KEYS: index, names, ends. ARGV[7]: user.
local live, rest = walk(ARGV[7])
local rows = { { 'done' } }
tidy(rest, rows)
for _, session in ipairs(live) do
  rows[#rows + 1] = { 'session', session.fields.seen, session.fields.record }
end
sign_off(ARGV[7])
return rows
