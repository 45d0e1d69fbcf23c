/**
 * Keeps one variant. KEYS: the hash. ARGV: when the upstream was asked, what answers differ by, the variant, how many there may
 * be, milliseconds to live, the value.
 *
 * `!` says when the key was invalidated: what was asked for before that, by whatever instance, is not brought back. When
 * answers begin to differ by something else, those under the old names are found no more and go.
 */
export const PUT = `
local key = KEYS[1]
local ended = redis.call('HGET', key, '!')
if ended and tonumber(ARGV[1]) <= tonumber(ended) then return 0 end
local left = redis.call('PTTL', key)
if redis.call('HGET', key, '#') ~= ARGV[2] then
  redis.call('DEL', key)
  redis.call('HSET', key, '#', ARGV[2])
  if ended then redis.call('HSET', key, '!', ended) end
end
if redis.call('HEXISTS', key, ARGV[3]) == 0 then
  local fields = redis.call('HKEYS', key)
  local victim = nil
  local count = 0
  for _, field in ipairs(fields) do
    if field ~= '#' and field ~= '!' then
      count = count + 1
      victim = victim or field
    end
  end
  if count >= tonumber(ARGV[4]) then redis.call('HDEL', key, victim) end
end
redis.call('HSET', key, ARGV[3], ARGV[6])
redis.call('PEXPIRE', key, math.max(tonumber(ARGV[5]), left))
return 1
`;

/** Ends all variants. KEYS: the hash. ARGV: the time. It is remembered for longer than an answer is on its way. */
export const REMOVE = `
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], '!', ARGV[1])
redis.call('PEXPIRE', KEYS[1], 120000)
return 1
`;
