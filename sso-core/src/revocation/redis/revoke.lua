-- ARGV[2]: subject, epoch, until, mark, most entries, most marks, how far ahead an epoch may be, channel, last time.
-- Returns a word and, if anything is kept, what is kept.
local subject, epoch, till, mark = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]

if till <= now then
  return { 'expired' }
end
if epoch * 1000 > now + tonumber(ARGV[8]) then
  return { 'ahead' }
end
local least = math.floor(now / 1000) + 1
if string.sub(subject, 1, 1) == 'u' and epoch < least then
  -- A caller's clock that is behind must not spare what was issued before this moment.
  till = math.min(till + (least - epoch) * 1000, tonumber(ARGV[10]))
  epoch = least
end
local parts = redis.call('EXISTS', log, entries, ends, marks)
if parts > 0 and parts < 4 then
  -- All are written and end together, so Redis has dropped one. The log begins anew: those who follow it do not know
  -- its points any more, read all of it, and keep what they know.
  redis.call('DEL', log, entries, ends, marks)
end
local kept = redis.call('HGET', entries, subject)
if kept then
  local kept_epoch, kept_till = read(kept)
  if not kept_till then
    return { 'corrupt' }
  end
  if kept_till > now then
    if kept_epoch >= epoch and kept_till >= till then
      return { 'already', kept }
    end
    epoch, till = math.max(kept_epoch, epoch), math.max(kept_till, till)
  end
end

-- A few at a time: a call that has to drop many would hold up all others.
local over = redis.call('ZRANGEBYSCORE', ends, '-inf', int(now), 'LIMIT', 0, 1000)
for _, gone in ipairs(over) do
  redis.call('ZREM', log, gone)
  redis.call('HDEL', entries, gone)
  redis.call('ZREM', ends, gone)
end
if redis.call('HEXISTS', entries, subject) == 0 and redis.call('ZCARD', log) >= tonumber(ARGV[6]) then
  return { 'full' }
end

-- First of all writes: a user who may not publish writes nothing. Who is woken reads after this script.
redis.call('PUBLISH', ARGV[9], '')
-- Over its maxmemory, Redis refuses a script that begins with a write that needs memory, and lets one go on that
-- has written already. This changes nothing: revocations are few, and must not wait for memory.
redis.call('ZREM', log, '')
local last = redis.call('ZREVRANGE', marks, 0, 0, 'WITHSCORES')
local number = int((tonumber(last[2]) or 0) + 1)
redis.call('ZADD', log, number, subject)
local entry = int(epoch) .. ' ' .. int(till)
redis.call('HSET', entries, subject, entry)
redis.call('ZADD', ends, int(till), subject)
redis.call('ZADD', marks, number, mark)
redis.call('ZREMRANGEBYRANK', marks, 0, -1 - tonumber(ARGV[7]))

local latest = redis.call('ZREVRANGE', ends, 0, 0, 'WITHSCORES')
local left = int(tonumber(latest[2]) - now)
for _, key in ipairs(KEYS) do
  redis.call('PEXPIRE', key, left)
end
return { 'revoked', entry }
