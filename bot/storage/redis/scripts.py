"""The Lua that makes Redis atomic: a script that changes records, one that removes one, those that read, and four for
leases.

KEYS[1] is the prefix of all keys. It holds a hash tag, so that all keys lie in one slot. Moments are whole microseconds
since 1970, passed as text and compared as numbers.
"""

from typing import Final

from bot.storage.redis.census_scripts import CENSUS, COUNTS

COMMIT: Final = """
-- ARGV[1]: the change as JSON: its guards and steps, each with its name and arguments, and its events.
-- ARGV[2]: the id of the change, by which it is recognized if it is sent again.
-- ARGV[3]: the link of the audit log's head, as the caller knows it. ARGV[4] and on: a link for each event.
-- Returns 'ok', 'conflict' if a guard fails, 'wait' if the log is reserved for another change, or the link of the head
-- if it is not ARGV[3]. The log is then reserved for this change for a moment, so that nobody overtakes its next try.
local prefix, id, head = KEYS[1], ARGV[2], ARGV[3]
local change = cjson.decode(ARGV[1])
local reservation = prefix .. 'reservation'

local guards = {
    absent = function(key)
        if redis.call('EXISTS', key) == 0 then return end
        return redis.call('HGET', key, 'change') == id and 'ok' or 'conflict'
    end,
    revision = function(key, revision)
        local fields = redis.call('HMGET', key, 'revision', 'change')
        if fields[2] == id then return 'ok' end
        if fields[1] ~= revision then return 'conflict' end
    end,
    present = function(key)
        if redis.call('EXISTS', key) == 0 then return 'conflict' end
    end,
    member = function(key, member)
        if not redis.call('ZSCORE', key, member) then return 'conflict' end
    end,
    unasked = function(interrupts, interrupt)
        if redis.call('HEXISTS', interrupts, interrupt) == 1 then return 'conflict' end
    end,
}
for _, guard in ipairs(change.guards) do
    local outcome = guards[guard[1]](unpack(guard, 2))
    if outcome then
        if redis.call('GET', reservation) == id then redis.call('DEL', reservation) end
        return outcome
    end
end

local seq = nil
if #change.events > 0 then
    local last = redis.call('LINDEX', prefix .. 'chain', -1)
    local link = last and string.sub(last, 66, 129) or string.rep('0', 64)
    if #link ~= 64 or string.find(link, '[^0-9a-f]') then
        return redis.error_reply('the last entry of the audit log was altered: it has no link')
    end
    local reserved = redis.call('GET', reservation)
    if reserved and reserved ~= id then return 'wait' end
    if link ~= head then
        redis.call('SET', reservation, id, 'PX', 250)
        return link
    end
    if reserved then redis.call('DEL', reservation) end
end
for number, event in ipairs(change.events) do
    local history, body, digest, task = unpack(event)
    seq = redis.call('INCR', prefix .. 'seq')
    local place = redis.call('RPUSH', history, body) - 1
    redis.call('RPUSH', prefix .. 'chain', digest .. ' ' .. ARGV[3 + number] .. ' ' .. place .. ' ' .. task)
    redis.call('INCR', prefix .. 'entries')
end

-- The revision of a request, or of a task with all its requests (`revision_of`). nil if it is not stored.
local function revision_of(owner)
    local revision = tonumber(redis.call('HGET', prefix .. owner, 'revision') or nil)
    local task = string.match(owner, '^task:(.*)$')
    if not revision or not task then return revision end
    local key = prefix .. 'requests_of:' .. task
    for _, request in ipairs(redis.call(redis.call('TYPE', key).ok == 'list' and 'LRANGE' or 'ZRANGE', key, 0, -1)) do
        local own = tonumber(redis.call('HGET', prefix .. 'request:' .. request, 'revision') or nil)
        if own then revision = revision + own + 1 end
    end
    return revision
end

-- Whether a message is out of date: it shows an older revision than its record has, and is not abandoned.
local function compare(message)
    local fields = redis.call('HMGET', prefix .. 'surface:' .. message, 'owner', 'shown', 'abandoned')
    local revision = revision_of(fields[1])
    if fields[3] == '0' and revision and tonumber(fields[2]) < revision then
        if redis.call('ZADD', prefix .. 'stale', 'NX', seq or redis.call('INCR', prefix .. 'seq'), message) == 1 then
            redis.call('HSET', prefix .. 'surface:' .. message, 'stale_at', change.at or '')
        end
    else
        redis.call('ZREM', prefix .. 'stale', message)
    end
end

local steps = {
    call = function(...)
        redis.call(...)
    end,
    empty = function(history, kept)
        for place = 0, redis.call('LLEN', history) - 1 - kept do redis.call('LSET', history, place, '') end
    end,
    -- The task's place among those that have ended, unless it is marked as forgotten. '' takes out both.
    ended = function(task, at)
        if at == '' then
            redis.call('ZREM', prefix .. 'ended', task)
            redis.call('ZREM', prefix .. 'forgotten', task)
        elseif not redis.call('ZSCORE', prefix .. 'forgotten', task) then
            redis.call('ZADD', prefix .. 'ended', at, task)
        end
    end,
    -- The request belongs to this interrupt from now on, and no longer to the one before.
    moved = function(interrupts, interrupt, request)
        local known = redis.call('HGETALL', interrupts)
        for place = 1, #known, 2 do
            if known[place + 1] == request then redis.call('HDEL', interrupts, known[place]) end
        end
        redis.call('HSET', interrupts, interrupt, request)
    end,
    number = function(index, member)
        redis.call('ZADD', index, 'NX', seq, member)
    end,
    lists = function(key, request, places)
        local before = cjson.decode(redis.call('HGET', key, 'lists') or '{}')
        local after = cjson.decode(places)
        for list in pairs(before) do
            if not after[list] then redis.call('ZREM', prefix .. list, request) end
        end
        for list, place in pairs(after) do
            if before[list] ~= place then redis.call('ZADD', prefix .. list, place, request) end
        end
        redis.call('HSET', key, 'lists', places)
    end,
    compare = compare,
    compare_all = function(messages)
        for _, message in ipairs(redis.call('SMEMBERS', messages)) do compare(message) end
    end,
    place = function(message, place)
        local key = prefix .. 'surface:' .. message
        local before = redis.call('HGET', key, 'place')
        if before and before ~= place then redis.call('DEL', prefix .. 'at:' .. before) end
        redis.call('HSET', key, 'place', place)
        if place ~= '' then redis.call('SET', prefix .. 'at:' .. place, message) end
    end,
}
for _, step in ipairs(change.steps) do
    steps[step[1]](unpack(step, 2))
end
for _, guard in ipairs(change.guards) do
    if guard[1] == 'absent' or guard[1] == 'revision' then redis.call('HSET', guard[2], 'change', id) end
end
return 'ok'
"""

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
-- ARGV: a task's id. Returns its text, and those of its requests and of its messages.
{_RELATED}
local id = ARGV[1]
local task = redis.call('HGET', prefix .. 'task:' .. id, 'body')
return {{task, related('requests_of:' .. id, 'request'), related('surfaces_of:' .. id, 'surface')}}
"""

REVISIONS: Final = """
-- ARGV: ids of tasks. Returns for each of them its revision and those of its requests, each of these with 1 added; -1
-- for a task that does not exist.
local prefix, found = KEYS[1], {}
for number, id in ipairs(ARGV) do
    local sum = tonumber(redis.call('HGET', prefix .. 'task:' .. id, 'revision') or -1)
    local key = prefix .. 'requests_of:' .. id
    local list = redis.call('TYPE', key).ok == 'list'
    for _, request in ipairs(sum < 0 and {} or redis.call(list and 'LRANGE' or 'ZRANGE', key, 0, -1)) do
        sum = sum + tonumber(redis.call('HGET', prefix .. 'request:' .. request, 'revision') or -1) + 1
    end
    found[number] = sum
end
return found
"""

AT: Final = """
-- ARGV: a place in Slack. Returns the text of the message there.
local id = redis.call('GET', KEYS[1] .. 'at:' .. ARGV[1])
return id and redis.call('HGET', KEYS[1] .. 'surface:' .. id, 'body')
"""

REMOVE: Final = """
-- ARGV: the key of a record, without the prefix, its revision, and its index and id there. Returns 1 if the record had
-- this revision: it is gone now.
local key = KEYS[1] .. ARGV[1]
if redis.call('HGET', key, 'revision') ~= ARGV[2] then return 0 end
redis.call('DEL', key)
redis.call('ZREM', KEYS[1] .. ARGV[3], ARGV[4])
return 1
"""

LEASE: Final = """
-- ARGV: thread, until, now, an id of this call, and the owner or ''. Returns the token, or 0 if the lease is somebody
-- else's.
local key = KEYS[1] .. 'lease:' .. ARGV[1]
local fields = redis.call('HMGET', key, 'until', 'taker', 'token', 'owner')
if fields[1] and fields[1] ~= '' and tonumber(fields[1]) > tonumber(ARGV[3]) then
    if fields[2] == ARGV[4] then return tonumber(fields[3]) end
    return 0
end
redis.call('HSET', key, 'until', ARGV[2], 'taker', ARGV[4], 'owner', ARGV[5])
if fields[4] and fields[4] ~= '' then redis.call('SREM', KEYS[1] .. 'leases_of:' .. fields[4], ARGV[1]) end
if ARGV[5] ~= '' then redis.call('SADD', KEYS[1] .. 'leases_of:' .. ARGV[5], ARGV[1]) end
return redis.call('HINCRBY', key, 'token', 1)
"""

HELD: Final = """
-- ARGV: thread, token, now, and what to do while it is held: '' (nothing), 'release', or the moment of the new end.
-- Returns 1 if the lease was this holder's and alive, else 0. For 'release' it may be over, and for a new end it may
-- have run out, if it was neither released nor taken by another.
local key = KEYS[1] .. 'lease:' .. ARGV[1]
local fields = redis.call('HMGET', key, 'token', 'until', 'owner')
if fields[1] ~= ARGV[2] then return 0 end
if ARGV[4] == 'release' then
    redis.call('HSET', key, 'until', '')
    if fields[3] and fields[3] ~= '' then redis.call('SREM', KEYS[1] .. 'leases_of:' .. fields[3], ARGV[1]) end
    return 1
end
if not fields[2] or fields[2] == '' then return 0 end
if ARGV[4] ~= '' then
    redis.call('HSET', key, 'until', ARGV[4])
    return 1
end
return tonumber(fields[2]) > tonumber(ARGV[3]) and 1 or 0
"""

DROP: Final = """
-- ARGV: thread, owner. Ends the lease that this owner has.
local key = KEYS[1] .. 'lease:' .. ARGV[1]
if ARGV[2] ~= '' and redis.call('HGET', key, 'owner') == ARGV[2] then
    redis.call('HSET', key, 'until', '')
    redis.call('SREM', KEYS[1] .. 'leases_of:' .. ARGV[2], ARGV[1])
end
"""

BEAT: Final = """
-- ARGV: until, and the processes that live. Extends their leases to then.
local prefix = KEYS[1]
for at = 2, #ARGV do
    redis.call('ZADD', prefix .. 'owners', ARGV[1], ARGV[at])
    for _, thread in ipairs(redis.call('SMEMBERS', prefix .. 'leases_of:' .. ARGV[at])) do
        local key = prefix .. 'lease:' .. thread
        local fields = redis.call('HMGET', key, 'until', 'owner')
        if fields[2] == ARGV[at] and fields[1] and fields[1] ~= '' then redis.call('HSET', key, 'until', ARGV[1]) end
    end
end
"""

VOID: Final = """
-- ARGV: a process that is dead. Ends its leases.
local prefix, owner = KEYS[1], ARGV[1]
for _, thread in ipairs(redis.call('SMEMBERS', prefix .. 'leases_of:' .. owner)) do
    local key = prefix .. 'lease:' .. thread
    if redis.call('HGET', key, 'owner') == owner then redis.call('HSET', key, 'until', '') end
end
redis.call('DEL', prefix .. 'leases_of:' .. owner)
redis.call('ZREM', prefix .. 'owners', owner)
"""

ALL: Final = (
    COMMIT,
    SELECT,
    LISTED,
    RELATED,
    RECORDS,
    REVISIONS,
    CENSUS,
    COUNTS,
    AT,
    REMOVE,
    LEASE,
    HELD,
    DROP,
    BEAT,
    VOID,
)
