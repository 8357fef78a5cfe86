-- KEYS: session. ARGV[2]: how long the end is kept.
open(KEYS[1], 'k')
finish(KEYS[1], tonumber(ARGV[2]))
return #sites(KEYS[1])
