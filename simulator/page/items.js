// The items in a list of messages: messages, Slack's errors, days, and the line above new messages.

export function items({ seat, messages, notices, channel, marked, dismissed, hidden, names, freshFrom, thread }) {
  const here = notices.filter((one) => one.kind === "error" && one.channel === channel);
  const errors = here.filter((one) => !one.message_ts).map((one) => ({
    slackbot: true, is_ephemeral: true, ts: one.at.toFixed(6), text: one.text.replaceAll("&", "&amp;").replaceAll("<", "&lt;"), user: "USLACKBOT",
  }));
  const all = [...messages, ...errors].filter((one) => !hidden.has(one.ts)).sort((one, other) => Number(one.ts) - Number(other.ts));
  return all.map((one, at) => {
    const before = all[at - 1];
    const follows = before !== undefined && before.user === one.user && !one.is_ephemeral && !before.is_ephemeral
      && Number(one.ts) - Number(before.ts) < 300 && !before.reply_count && one.ts !== freshFrom
      && names.day(before.ts) === names.day(one.ts);
    const troubles = here.filter((notice) => notice.message_ts === one.ts);
    const seen = dismissed.get(`${seat} ${one.ts}`) ?? 0;
    return {
      ...one, key: one.ts, follows, marked: one.ts === marked, opened: one.ts === thread,
      troubles: troubles.length, trouble: troubles.length > seen ? troubles.at(-1).text : undefined,
    };
  });
}

export function withDays(entries, names, freshFrom) {
  let last = "";
  return entries.flatMap((entry) => {
    const title = names.day(entry.ts);
    const day = title !== last && { key: `day ${title}`, day: title };
    const fresh = entry.ts === freshFrom && { key: "fresh", fresh: true };
    last = title;
    return [day, fresh, entry].filter(Boolean);
  });
}

// The first message that this person had not read when the channel was opened.
export function firstUnread(messages, unread, me) {
  if (!unread) return null;
  return messages.filter((one) => one.user !== me).at(-unread)?.ts ?? null;
}
