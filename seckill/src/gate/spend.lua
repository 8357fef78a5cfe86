-- Uses up a path, once.
-- KEYS[1]: the path. ARGV[1]: the time in unix milliseconds, or '' for the clock of this server.
-- ARGV[2]: when the path expires, in unix milliseconds.
-- Answers F fresh, S spent, E expired.
-- By this server's clock a path is never spent after its expiry, so the key need not live longer; the
-- slack is for a clock that is set back. An explicit time may run slower than this server's.
local SLACK_MILLIS, EXPLICIT_SLACK_MILLIS = 60000, 3600000

local now, slack
if ARGV[1] ~= '' then
  now, slack = tonumber(ARGV[1]), EXPLICIT_SLACK_MILLIS
else
  local time = redis.call('TIME')
  now, slack = time[1] * 1000 + math.floor(time[2] / 1000), SLACK_MILLIS
end
local left = tonumber(ARGV[2]) - now
if left <= 0 then return 'E' end
if redis.call('SET', KEYS[1], '1', 'NX', 'PX', string.format('%.0f', left + slack)) then return 'F' end
return 'S'
