"""The Lua that counts what waits in Redis. Keys, moments and arguments are as in `bot.storage.redis.scripts`."""

from typing import Final

CENSUS: Final = """
-- ARGV: now, and which ranks of the open requests to look at. Returns how many there are at these ranks; for each
-- graph its name, how many pending requests, when the oldest was opened, and how many are due; how many decided ones
-- nobody is delivering, and since when; and the texts of requests that an earlier version has saved.
local prefix, now = KEYS[1], tonumber(ARGV[1])
local graphs, names, undelivered, since, unknown = {}, {}, 0, '', {}
local ids = redis.call('ZRANGE', prefix .. 'unsettled', ARGV[2], ARGV[3])
for _, id in ipairs(ids) do
    local key = prefix .. 'request:' .. id
    local fields = redis.call('HMGET', key, 'revision', 'counted', 'thread')
    local revision, state, at, due, graph = string.match(fields[2] or '', '^(%d+) (%a+) (%d+) (%S+) (.*)$')
    if not revision or revision ~= fields[1] then
        unknown[#unknown + 1] = redis.call('HGET', key, 'body') or nil
    elseif state == 'pending' then
        local of = graphs[graph]
        if not of then
            of = {0, at, 0}
            graphs[graph] = of
            names[#names + 1] = graph
        end
        of[1] = of[1] + 1
        if tonumber(at) < tonumber(of[2]) then of[2] = at end
        if due ~= '-' and tonumber(due) <= now then of[3] = of[3] + 1 end
    elseif tonumber(at) <= now then
        local until_ = redis.call('HGET', prefix .. 'lease:' .. fields[3], 'until')
        if not until_ or until_ == '' or tonumber(until_) <= now then
            undelivered = undelivered + 1
            if since == '' or tonumber(at) < tonumber(since) then since = at end
        end
    end
end
local found = {}
for _, name in ipairs(names) do found[#found + 1] = {name, graphs[name][1], graphs[name][2], graphs[name][3]} end
return {#ids, found, undelivered, since, unknown}
"""

COUNTS: Final = """
-- Returns how many tasks have failed and have not ended; how many messages are out of date, and since when; how many
-- entries the audit log has; how many webhooks are to be sent, and when the oldest of them was made. Of more than a
-- thousand webhooks it looks at those that come next.
local prefix, failed = KEYS[1], 0
for _, task in ipairs(redis.call('ZRANGE', prefix .. 'failed_tasks', 0, -1)) do
    if redis.call('ZSCORE', prefix .. 'open_tasks', task) then failed = failed + 1 end
end
local stale_at = ''
for _, message in ipairs(redis.call('ZRANGE', prefix .. 'stale', 0, 99)) do
    stale_at = redis.call('HGET', prefix .. 'surface:' .. message, 'stale_at') or ''
    if stale_at ~= '' then break end
end
local made = ''
for _, webhook in ipairs(redis.call('ZRANGE', prefix .. 'webhooks_due', 0, 999)) do
    local body = redis.call('HGET', prefix .. 'webhook:' .. webhook, 'body') or ''
    local at = string.match(body, '"created_at":"([^"]*)"') or ''
    if made == '' or (at ~= '' and at < made) then made = at end
end
return {
    failed, redis.call('ZCARD', prefix .. 'stale'), stale_at, redis.call('GET', prefix .. 'entries') or '0',
    redis.call('ZCARD', prefix .. 'webhooks_due'), made
}
"""
