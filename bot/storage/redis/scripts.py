"""The Lua that makes Redis atomic: one script that changes records, two that read many, two for leases.

KEYS[1] is the prefix of all keys, with its hash tag, so that everything lies in one slot. Moments are whole
microseconds since 1970, passed as text and only compared as numbers.
"""

from typing import Final

from bot.storage.redis.links import LINK

COMMIT: Final = (
    LINK
    + """
-- ARGV[1]: a JSON list of steps, guards first. ARGV[2]: an id of this change, so that a repeated call is known.
-- Returns {"ok"}, {"conflict"} where a guard failed, or {"found", body} where the interrupt has its request already.
local prefix = KEYS[1]
local seq = nil

local function stale(id)
    redis.call('ZADD', prefix .. 'stale', 'NX', seq or redis.call('INCR', prefix .. 'seq'), id)
end

local function level(id)
    local surface = prefix .. 'surface:' .. id
    local fields = redis.call('HMGET', surface, 'owner', 'shown', 'abandoned')
    local revision = redis.call('HGET', prefix .. fields[1], 'revision')
    if fields[3] == '0' and revision and tonumber(fields[2]) < tonumber(revision) then
        stale(id)
    else
        redis.call('ZREM', prefix .. 'stale', id)
    end
end

local steps = cjson.decode(ARGV[1])
for _, step in ipairs(steps) do
    local name = step[1]
    if name == 'absent' then
        if redis.call('EXISTS', step[2]) == 1 then
            if redis.call('HGET', step[2], 'change') == ARGV[2] then return {'ok'} end
            return {'conflict'}
        end
    elseif name == 'revision' then
        local fields = redis.call('HMGET', step[2], 'revision', 'change')
        if fields[2] == ARGV[2] then return {'ok'} end
        if fields[1] ~= step[3] then return {'conflict'} end
    elseif name == 'present' then
        if redis.call('EXISTS', step[2]) == 0 then return {'conflict'} end
    elseif name == 'held' then
        if not redis.call('ZSCORE', step[2], step[3]) then return {'conflict'} end
    elseif name == 'unasked' then
        local known = redis.call('HGET', step[2], step[3])
        if known then return {'found', redis.call('HGET', prefix .. 'request:' .. known, 'body')} end
    elseif name == 'call' then
        redis.call(unpack(step, 2))
    elseif name == 'event' then
        seq = redis.call('INCR', prefix .. 'seq')
        local place = redis.call('RPUSH', step[2], step[3]) - 1
        local last = redis.call('LINDEX', prefix .. 'chain', -1)
        local linked = link(last and string.sub(last, 66, 129) or GENESIS, step[4])
        redis.call('RPUSH', prefix .. 'chain', step[4] .. ' ' .. linked .. ' ' .. place .. ' ' .. step[5])
        redis.call('INCR', prefix .. 'entries')
    elseif name == 'empty' then
        for place = 0, redis.call('LLEN', step[2]) - 1 do redis.call('LSET', step[2], place, '') end
    elseif name == 'number' then
        redis.call('ZADD', step[2], 'NX', seq, step[3])
    elseif name == 'listed' then
        local before = cjson.decode(redis.call('HGET', step[2], 'lists') or '{}')
        local after = cjson.decode(step[4])
        for list in pairs(before) do
            if not after[list] then redis.call('ZREM', prefix .. list, step[3]) end
        end
        for list, place in pairs(after) do
            if before[list] ~= place then redis.call('ZADD', prefix .. list, place, step[3]) end
        end
        redis.call('HSET', step[2], 'lists', step[4])
    elseif name == 'outdate' then
        for _, id in ipairs(redis.call('SMEMBERS', step[2])) do level(id) end
    elseif name == 'level' then
        level(step[2])
    elseif name == 'place' then
        local surface, place = prefix .. 'surface:' .. step[2], step[3]
        local before = redis.call('HGET', surface, 'place')
        if before and before ~= place then redis.call('DEL', prefix .. 'at:' .. before) end
        redis.call('HSET', surface, 'place', place)
        if place ~= '' then redis.call('SET', prefix .. 'at:' .. place, step[2]) end
    else
        return redis.error_reply('unknown step ' .. tostring(name))
    end
end
return {'ok'}
"""
)

TRAIL: Final = """
-- ARGV: how many entries to pass over, and how many are wanted. Returns each of the chain, with its text or false.
local found = {}
local skipped, wanted = tonumber(ARGV[1]), tonumber(ARGV[2])
for _, entry in ipairs(redis.call('LRANGE', KEYS[1] .. 'chain', skipped, skipped + wanted - 1)) do
    local place, task = string.match(entry, '^%S+ %S+ (%d+) (.*)$')
    found[#found + 1] = {entry, place and redis.call('LINDEX', KEYS[1] .. 'history:' .. task, place) or false}
end
return found
"""

HEAD: Final = """
-- Returns how many entries were written, and the last one that is there.
return {redis.call('GET', KEYS[1] .. 'entries'), redis.call('LINDEX', KEYS[1] .. 'chain', -1)}
"""

SELECT: Final = """
-- ARGV: the index, the greatest score, the limit, the kind of record, now, and which records are wanted:
-- 'all', 'free' (nobody holds a live lease on its thread), or 'ready' (not put off beyond now).
local prefix, index, most = KEYS[1], ARGV[1], ARGV[2]
local limit, kind, now, wanted = tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5]), ARGV[6]

local function ready(key)
    if wanted == 'free' then
        local thread = redis.call('HGET', key, 'thread')
        local until_ = thread and redis.call('HGET', prefix .. 'lease:' .. thread, 'until')
        return not until_ or until_ == '' or tonumber(until_) <= now
    elseif wanted == 'ready' then
        local not_before = redis.call('HGET', key, 'not_before')
        return not not_before or not_before == '' or tonumber(not_before) <= now
    end
    return true
end

local bodies, offset, page = {}, 0, 200
while #bodies < limit do
    local ids = redis.call('ZRANGEBYSCORE', prefix .. index, '-inf', most, 'LIMIT', offset, page)
    for _, id in ipairs(ids) do
        local key = prefix .. kind .. ':' .. id
        if #bodies < limit and ready(key) then
            local body = redis.call('HGET', key, 'body')
            if body then bodies[#bodies + 1] = body end
        end
    end
    if #ids < page then break end
    offset = offset + page
end
return bodies
"""

LISTED: Final = """
-- ARGV: the limit, and the lists. Returns the texts of the requests on any of them, the smallest place first.
local prefix, union, bodies = KEYS[1], {'ZUNION', #ARGV - 1}, {}
for at = 2, #ARGV do union[at + 1] = prefix .. ARGV[at] end
union[#ARGV + 2], union[#ARGV + 3] = 'AGGREGATE', 'MIN'
for at, id in ipairs(redis.call(unpack(union))) do
    if at > tonumber(ARGV[1]) then break end
    bodies[at] = redis.call('HGET', prefix .. 'request:' .. id, 'body')
end
return bodies
"""

_RELATED: Final = """
local prefix = KEYS[1]
local function related(index, kind)
    local key, bodies = prefix .. index, {}
    local ids = redis.call(redis.call('TYPE', key).ok == 'list' and 'LRANGE' or 'ZRANGE', key, 0, -1)
    for _, id in ipairs(ids) do
        local body = redis.call('HGET', prefix .. kind .. ':' .. id, 'body')
        if body then bodies[#bodies + 1] = body end
    end
    return bodies
end
"""

RELATED: Final = f"""
-- ARGV: the sorted set or list of ids, and the kind of record. Returns the texts, in its order, of those that exist.
{_RELATED}
return related(ARGV[1], ARGV[2])
"""

RECORDS: Final = f"""
-- ARGV: a task's id. Returns its text, and those of its requests and of its surfaces.
{_RELATED}
local id = ARGV[1]
local task = redis.call('HGET', prefix .. 'task:' .. id, 'body')
return {{task, related('requests_of:' .. id, 'request'), related('surfaces_of:' .. id, 'surface')}}
"""

LEASE: Final = """
-- ARGV: thread, until, now, an id of this call. Returns the token, or 0 where the lease is somebody else's.
local key = KEYS[1] .. 'lease:' .. ARGV[1]
local fields = redis.call('HMGET', key, 'until', 'taker', 'token')
if fields[1] and fields[1] ~= '' and tonumber(fields[1]) > tonumber(ARGV[3]) then
    if fields[2] == ARGV[4] then return tonumber(fields[3]) end
    return 0
end
redis.call('HSET', key, 'until', ARGV[2], 'taker', ARGV[4])
return redis.call('HINCRBY', key, 'token', 1)
"""

HELD: Final = """
-- ARGV: thread, token, now, and what to do while it is held: '' (nothing), 'release', or the moment of the new end.
-- Returns 1 if the lease was this holder's and alive, else 0. For 'release' it may be over, and for a new end it may
-- have run out, if it was neither released nor taken by another.
local key = KEYS[1] .. 'lease:' .. ARGV[1]
local fields = redis.call('HMGET', key, 'token', 'until')
if fields[1] ~= ARGV[2] then return 0 end
if ARGV[4] == 'release' then
    redis.call('HSET', key, 'until', '')
    return 1
end
if not fields[2] or fields[2] == '' then return 0 end
if ARGV[4] ~= '' then
    redis.call('HSET', key, 'until', ARGV[4])
    return 1
end
return tonumber(fields[2]) > tonumber(ARGV[3]) and 1 or 0
"""
