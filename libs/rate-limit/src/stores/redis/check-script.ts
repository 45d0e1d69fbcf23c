/**
 * The limiter inside Redis: one script, one round trip, all rules of a request, and all requests that came in at the same
 * moment, one after the other. It runs alone, so that nobody comes between asking and charging; its clock is the server's,
 * so that instances need not agree on the time. The arithmetic is that of `algorithms/`, operation for operation, in the
 * same doubles.
 *
 * KEYS: one for each rule, and nothing else is touched: while a Cluster moves a slot, every request follows its key.
 * ARGV: the mode, then for each rule algorithm, need, take, limit, window, capacity, grain, flags (1: in shadow, 2: the
 * first rule of a request).
 *   check   all enforced rules of a request must admit; then each that admits is charged `take`
 *   lease   each rule by itself is charged as much of `take` as is free, if that is at least `need`
 *   charge  each rule is charged `take`, whether there is room or not
 *   forget  each rule begins anew
 *   refund  each rule gets `take` back; `need` is the stamp that charging it answered
 * Answer: for each rule allowed (0 or 1; -1: its key holds something else, and its request is not decided), taken, left, renews, wait (-1: never), stamp. Times are in microseconds.
 *
 * What is stored: `token` a hash of debt, at, window; `sliding` a sorted set of `total before:total after` by time;
 * `fixed` a hash of start, count. Each expires when it is as good as not there. A refusal writes nothing.
 */
export const checkScript = (clock = SERVER_TIME): string => `
local now = ${clock}
${ALGORITHMS}
${MODES}`;

const SERVER_TIME = `(function()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end)()`;

const ALGORITHMS = `
local never = -1
local longest = 1e13

local function steadied(last, window)
  if last > now and last - now <= window then return last end
  return now
end

local bucket = {}

function bucket.load(rule)
  local row = redis.call('HMGET', rule.key, 'debt', 'at', 'window')
  rule.debt, rule.at = 0, now
  if not row[1] then return end
  local debt, at, window = tonumber(row[1]), tonumber(row[2]), tonumber(row[3])
  if window ~= rule.window then debt = debt * rule.window / window end
  rule.at = steadied(at, rule.window)
  local elapsed = rule.at - at
  if elapsed > 0 then debt = math.max(0, debt - elapsed * rule.limit) end
  rule.debt = debt
end

function bucket.wait(rule, need)
  if need > rule.capacity then return never end
  local excess = rule.debt + need * rule.window - rule.capacity * rule.window
  if excess <= 0 then return 0 end
  return math.ceil(excess / rule.limit) + (rule.at - now)
end

function bucket.charge(rule, cost)
  rule.debt = rule.debt + cost * rule.window
  redis.call('HSET', rule.key, 'debt', rule.debt, 'at', rule.at, 'window', rule.window)
  local drained = math.ceil(rule.debt / rule.limit) + (rule.at - now)
  redis.call('PEXPIRE', rule.key, math.min(longest, math.ceil(drained / 1000) + 1))
  return now
end

function bucket.left(rule)
  return math.max(0, math.floor((rule.capacity * rule.window - rule.debt) / rule.window))
end

function bucket.refund(rule, cost)
  if redis.call('EXISTS', rule.key) == 0 then return end
  redis.call('HSET', rule.key, 'debt', math.max(0, rule.debt - cost * rule.window), 'at', rule.at, 'window', rule.window)
end

local day = 86400000000

local function date_of(time)
  local z = math.floor(time / day) + 719468
  local era = math.floor(z / 146097)
  local doe = z - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  local mp = math.floor((5 * doy + 2) / 153)
  return doy - math.floor((153 * mp + 2) / 5) + 1
end

local function month_start(time)
  local today = time - time % day
  return today - (date_of(time) - 1) * day
end

local function window_of(rule, at)
  if not rule.monthly then return at - at % rule.window, at - at % rule.window + rule.window end
  local start = month_start(at)
  return start, month_start(start + 31 * day)
end

local fixed = {}

function fixed.load(rule)
  local row = redis.call('HMGET', rule.key, 'start', 'count')
  local last = tonumber(row[1] or 0)
  local at = steadied(last, rule.window)
  rule.start, rule.ends = window_of(rule, at)
  rule.count = rule.start == last and tonumber(row[2] or 0) or 0
end

function fixed.wait(rule, need)
  if need > rule.limit then return never end
  if rule.count + need <= rule.limit then return 0 end
  return rule.ends - now
end

function fixed.charge(rule, cost)
  rule.count = rule.count + cost
  redis.call('HSET', rule.key, 'start', rule.start, 'count', rule.count)
  redis.call('PEXPIRE', rule.key, math.ceil((rule.ends - now) / 1000))
  return rule.start
end

function fixed.left(rule)
  return math.max(0, math.floor(rule.limit - rule.count))
end

function fixed.refund(rule, cost, stamp)
  if rule.start == stamp then redis.call('HINCRBYFLOAT', rule.key, 'count', -cost) end
end

local sliding = {}

local function entry(member, score)
  local before, after = string.match(member, '^(.-):(.+)$')
  return { member = member, time = tonumber(score), before = tonumber(before), after = tonumber(after) }
end

local function ranked(rule, rank)
  local row = redis.call('ZRANGE', rule.key, rank, rank, 'WITHSCORES')
  return row[1] and entry(row[1], row[2])
end

local function cutoff(rule)
  return string.format('%.0f', now - rule.window)
end

function sliding.load(rule)
  rule.last = ranked(rule, -1)
  rule.used = 0
  if not rule.last then return end
  rule.clock_was_set = rule.last.time - now > rule.window + rule.grain
  if rule.clock_was_set or rule.last.time <= now - rule.window then rule.last = nil return end
  local row = redis.call('ZRANGEBYSCORE', rule.key, '(' .. cutoff(rule), '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  rule.first = entry(row[1], row[2])
  rule.used = rule.last.after - rule.first.before
end

function sliding.wait(rule, need)
  if need > rule.limit then return never end
  if rule.used + need <= rule.limit then return 0 end
  local target = rule.last.after + need - rule.limit
  local leaves = rule.first
  if leaves.after < target then
    local low = redis.call('ZRANK', rule.key, leaves.member)
    local high = redis.call('ZCARD', rule.key) - 1
    while low < high do
      local middle = math.floor((low + high) / 2)
      if ranked(rule, middle).after >= target then high = middle else low = middle + 1 end
    end
    leaves = ranked(rule, low)
  end
  return leaves.time + rule.window - now
end

function sliding.charge(rule, cost)
  if cost == 0 then return 0 end
  if rule.clock_was_set then redis.call('DEL', rule.key)
  else redis.call('ZREMRANGEBYSCORE', rule.key, '-inf', cutoff(rule)) end
  local time = math.ceil(now / rule.grain) * rule.grain
  local last = rule.last
  if last and last.time >= time then time = last.time end
  local before = last and last.after or 0
  local after = before + cost
  if last and last.time == time then
    before = last.before
    redis.call('ZREM', rule.key, last.member)
  end
  local added = { member = string.format('%.17g:%.17g', before, after), time = time, before = before, after = after }
  redis.call('ZADD', rule.key, time, added.member)
  redis.call('PEXPIRE', rule.key, math.ceil((time + rule.window - now) / 1000))
  if not rule.first or rule.first.time == time then rule.first = added end
  rule.last = added
  rule.used = after - rule.first.before
  return time
end

function sliding.left(rule)
  return math.max(0, math.floor(rule.limit - rule.used))
end

function sliding.refund(rule, cost, stamp)
  local rows = redis.call('ZRANGEBYSCORE', rule.key, string.format('%.0f', stamp), '+inf', 'WITHSCORES')
  if tonumber(rows[2]) ~= stamp then return end
  local given = 0
  for i = 1, #rows, 2 do
    local old = entry(rows[i], rows[i + 1])
    local before = old.before - given
    given = cost
    local after = old.after - given
    redis.call('ZREM', rule.key, old.member)
    if after > before then
      redis.call('ZADD', rule.key, old.time, string.format('%.17g:%.17g', before, after))
    end
  end
end
`;

const MODES = `
local algorithms = { t = bucket, s = sliding, f = fixed, m = fixed }
local mode = ARGV[1]
local asks = mode == 'check' or mode == 'lease'
local rules = {}

for i, key in ipairs(KEYS) do
  local at = (i - 1) * 8 + 1
  local flags = tonumber(ARGV[at + 8])
  rules[i] = {
    key = key, algorithm = algorithms[ARGV[at + 1]], need = tonumber(ARGV[at + 2]), take = tonumber(ARGV[at + 3]),
    limit = tonumber(ARGV[at + 4]), window = tonumber(ARGV[at + 5]), capacity = tonumber(ARGV[at + 6]),
    grain = tonumber(ARGV[at + 7]), shadow = flags % 2 == 1, leads = flags >= 2, waits = 0, monthly = ARGV[at + 1] == 'm'
  }
end

local answer = {}

local function tell(rule, taken, stamp)
  local left, renews = rule.algorithm.left(rule), 0
  if left + 1 <= rule.capacity then renews = rule.algorithm.wait(rule, left + 1) end
  local base = #answer
  answer[base + 1] = rule.waits == 0 and 1 or 0
  answer[base + 2] = taken
  answer[base + 3] = left
  answer[base + 4] = renews
  answer[base + 5] = rule.waits
  answer[base + 6] = stamp
end

local function serve(from, to)
  local admitted = true
  for i = from, to do
    local rule = rules[i]
    if mode == 'forget' then redis.call('DEL', rule.key) end
    if not pcall(rule.algorithm.load, rule) then
      for _ = from, to do for _ = 1, 6 do answer[#answer + 1] = -1 end end
      return
    end
    if asks then rule.waits = rule.algorithm.wait(rule, rule.need) end
    if rule.waits ~= 0 and not rule.shadow then admitted = false end
  end
  for i = from, to do
    local rule = rules[i]
    local taken, stamp = 0, 0
    if mode == 'refund' then rule.algorithm.refund(rule, rule.take, rule.need)
    elseif mode == 'charge' then taken = rule.take
    elseif rule.waits == 0 then
      if mode == 'lease' then taken = math.max(rule.need, math.min(rule.take, rule.algorithm.left(rule)))
      elseif admitted then taken = rule.take end
    end
    if taken > 0 then stamp = rule.algorithm.charge(rule, taken) end
    tell(rule, taken, stamp)
  end
end

local from = 1
for i = 2, #rules + 1 do
  if i > #rules or rules[i].leads then
    serve(from, i - 1)
    from = i
  end
end
return answer`;
