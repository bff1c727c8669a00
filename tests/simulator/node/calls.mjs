// Calls the Web API with @slack/web-api and prints, as JSON, what a person would have to believe of it.
// node calls.mjs <api url> <bot token>

import { WebClient } from "@slack/web-api";

const [slackApiUrl, token] = process.argv.slice(2);
const client = new WebClient(token, { slackApiUrl, retryConfig: { retries: 2, minTimeout: 1, maxTimeout: 1 } });
const refused = (call) => call.then(() => null, (error) => error.data?.error ?? error.code);

const self = await client.auth.test();
const metadata = { event_type: "request_posted", event_payload: { id: "r1" } };
const blocks = [{ type: "section", text: { type: "mrkdwn", text: "From *node* & ünïcode" } }];
const parent = await client.chat.postMessage({ channel: "C0OPS", text: "From node", blocks, metadata });
await client.chat.postMessage({ channel: "C0OPS", text: "A reply", thread_ts: parent.ts });
await client.chat.update({ channel: "C0OPS", ts: parent.ts, text: "Edited", blocks });
await client.reactions.add({ channel: "C0OPS", timestamp: parent.ts, name: "eyes" });
await client.filesUploadV2({ channel_id: "C0OPS", thread_ts: parent.ts, filename: "plan.txt", content: "All of it" });
const thread = await client.conversations.replies({ channel: "C0OPS", ts: parent.ts, include_all_metadata: true });

const names = [];
for await (const page of client.paginate("users.list", { limit: 2 })) {
  names.push(...page.members.map((member) => member.name));
}
const direct = await client.conversations.open({ users: "U0BOB", return_im: true });

console.log(JSON.stringify({
  self: self.user_id,
  scopes: self.response_metadata.scopes,
  thread: thread.messages.map((message) => message.text),
  metadata: thread.messages[0].metadata,
  reactions: thread.messages[0].reactions,
  file: thread.messages.at(-1).files[0].name,
  names,
  direct: direct.channel.user,
  missingScope: await refused(client.team.info()),
  notInChannel: await refused(client.chat.postMessage({ channel: "C0FINANCE", text: "x" })),
  badBlocks: await refused(client.chat.postMessage({ channel: "C0OPS", text: "x", blocks: [{ type: "marquee" }] })),
}));
